// The credentials of a node: four kubeconfigs and the serving pair of its kubelet. Pure: the list of them with the signer of
// each, and when to renew one. Joining creates them (agents/setup), the kubelet renews them.
import { X509Certificate } from 'node:crypto';
import type { CertificateRequest } from './certificate';
import { identities, kubeletServing, type NodeNames } from './pki';
import { clientUsages, type SignerName, servingUsages, signers } from './signers';

export interface NodeCredential {
  /** As in the node's directory: kubelet.conf, or pki/kubelet for the pair kubelet.crt and kubelet.key. */
  readonly name: 'kubelet' | 'kube-proxy' | 'dns' | 'ingress' | 'serving';
  readonly signerName: SignerName;
  readonly usages: readonly string[];
  readonly desired: CertificateRequest;
}

/** The kubelet's own first: it authenticates the requests for the others. A node may have several addresses, comma-joined. */
export function nodeCredentials({ name, ip }: NodeNames): readonly NodeCredential[] {
  const agent = (agentName: 'kube-proxy' | 'dns' | 'ingress'): NodeCredential => ({
    name: agentName,
    signerName: signers.nodeAgent,
    usages: clientUsages,
    desired: identities[agentName],
  });
  const serving = kubeletServing({ name, ip });
  return [
    { name: 'kubelet', signerName: signers.kubeletClient, usages: clientUsages, desired: identities.kubelet(name) },
    {
      name: 'serving',
      signerName: signers.kubeletServing,
      usages: servingUsages,
      desired: { ...serving, hosts: [name, ...ip.split(',').filter((address) => address !== '')] },
    },
    agent('kube-proxy'),
    agent('dns'),
    agent('ingress'),
  ];
}

/** Renewal falls into this part of a certificate's life, as upstream: spread, so that nodes do not renew all at once. */
const renewFrom = 0.7;
const renewSpread = 0.2;

export interface Lifetime {
  readonly startMs: number;
  readonly endMs: number;
}

/** @throws Error when it is not a certificate */
export function lifetimeOf(pem: string): Lifetime {
  const { validFrom, validTo } = new X509Certificate(pem);
  return { startMs: Date.parse(validFrom), endMs: Date.parse(validTo) };
}

/** When to renew, in ms since the epoch; `random` in [0, 1). */
export const renewAtMs = ({ startMs, endMs }: Lifetime, random: number): number =>
  startMs + (endMs - startMs) * (renewFrom + renewSpread * random);

/** A process does not start with a certificate that is valid for less than this, in ms. */
export const minimumLeftMs = ({ startMs, endMs }: Lifetime): number =>
  (endMs - startMs) * (1 - renewFrom - renewSpread);
