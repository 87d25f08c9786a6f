// The certificates of one cluster on disk: created when missing, kept while good, replaced before they end. A second run
// changes nothing. Only their owner can read the keys.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { CertificateRequest, KeyPair } from './certificate';
import { readIfThere, writePrivate } from './files';
import { ensureAuthority, ensurePair, readPair } from './pairs';
import { ingressUser } from './signers';

export interface ServerNames {
  /** Address at which nodes and users reach the API server: 192.168.57.10. */
  readonly advertiseAddress: string;
  /** First address of the Service range, where pods reach it: 10.96.0.1. */
  readonly serviceAddress: string;
  /** cluster.local */
  readonly clusterDomain: string;
  /** More names and addresses: the control node's name, addresses of a tunnel. */
  readonly extraHosts?: readonly string[];
}
export interface NodeNames {
  readonly name: string;
  readonly ip: string;
}
export interface PkiOptions {
  /** Milliseconds since the epoch; default now. */
  readonly nowMs?: number;
}

/** Pairs of the server's directory other than ca and sa, by file name without extension. */
export function serverRequests(names: ServerNames): Readonly<Record<string, CertificateRequest>> {
  return {
    apiserver: {
      commonName: 'kube-apiserver',
      usages: ['server'],
      hosts: [
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        `kubernetes.default.svc.${names.clusterDomain}`,
        'localhost',
        '127.0.0.1',
        names.serviceAddress,
        names.advertiseAddress,
        ...(names.extraHosts ?? []),
      ],
    },
    'apiserver-kubelet-client': {
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      usages: ['client'],
    },
  };
}

export const kubeletServing = (node: NodeNames): CertificateRequest => ({
  commonName: `system:node:${node.name}`,
  organizations: ['system:nodes'],
  usages: ['server'],
  hosts: [node.name, node.ip],
});

/**
 * With this certificate the API server connects to aggregated API servers. They trust its authority to name users, so that authority
 * must sign nothing else.
 */
export const frontProxyClient: CertificateRequest = { commonName: 'front-proxy-client', usages: ['client'] };

/** The identity of each client of the API server, by the name of its kubeconfig. */
export const identities = {
  admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
  kubelet: (node: string) => ({
    commonName: `system:node:${node}`,
    organizations: ['system:nodes'],
    usages: ['client'],
  }),
  'kube-proxy': { commonName: 'system:kube-proxy', usages: ['client'] },
  dns: { commonName: 'system:dns', usages: ['client'] },
  ingress: { commonName: ingressUser, usages: ['client'] },
  'kube-controller-manager': { commonName: 'system:kube-controller-manager', usages: ['client'] },
  'kube-scheduler': { commonName: 'system:kube-scheduler', usages: ['client'] },
} as const satisfies Record<string, CertificateRequest | ((node: string) => CertificateRequest)>;

/**
 * Fills the server's directory: ca, apiserver, apiserver-kubelet-client, front-proxy-ca, front-proxy-client (.crt and .key), sa.key and
 * sa.pub. Returns what it wrote and why, in order; nothing when all was good. Never replaces an existing CA: that would cut off every client.
 * @throws BadRequest for an authority without a key or with a key that cannot sign
 */
export async function ensurePki(dir: string, names: ServerNames, options: PkiOptions = {}): Promise<readonly string[]> {
  const nowMs = options.nowMs ?? Date.now();
  const written: string[] = [];
  const authority = await ensureAuthority(dir, 'ca', 'kubernetes', nowMs, written);
  for (const [name, request] of Object.entries(serverRequests(names))) {
    const reason = await ensurePair(dir, name, authority, request, nowMs);
    if (reason) written.push(`${name}: ${reason}`);
  }
  const proxyAuthority = await ensureAuthority(dir, 'front-proxy-ca', 'front-proxy-ca', nowMs, written);
  const proxyReason = await ensurePair(dir, 'front-proxy-client', proxyAuthority, frontProxyClient, nowMs);
  if (proxyReason) written.push(`front-proxy-client: ${proxyReason}`);
  if (await ensureSigningKey(dir)) written.push('sa: it was missing');
  return written;
}

/** Fills a kubelet's directory: ca.crt, kubelet.crt, kubelet.key. Returns what it wrote and why. */
export async function ensureNodePki(
  dir: string,
  authority: KeyPair,
  node: NodeNames,
  options: PkiOptions = {},
): Promise<readonly string[]> {
  const written: string[] = [];
  const caPath = join(dir, 'ca.crt');
  if ((await readIfThere(caPath)) !== authority.cert) {
    await writePrivate(caPath, authority.cert);
    written.push('ca: it was missing or different');
  }
  const reason = await ensurePair(dir, 'kubelet', authority, kubeletServing(node), options.nowMs ?? Date.now());
  return reason ? [...written, `kubelet: ${reason}`] : written;
}

/** The cluster's authority from the server's directory, or undefined before the first ensurePki. */
export const readAuthority = (dir: string): Promise<KeyPair | undefined> => readPair(dir, 'ca');

/** The private key that signs ServiceAccount tokens; undefined where the server has none. */
export async function readTokenKey(dir: string): Promise<KeyObject | undefined> {
  const pem = await readIfThere(join(dir, 'sa.key'));
  return pem === undefined ? undefined : createPrivateKey(pem);
}

async function ensureSigningKey(dir: string): Promise<boolean> {
  const [key, pub] = await Promise.all([readIfThere(join(dir, 'sa.key')), readIfThere(join(dir, 'sa.pub'))]);
  if (key !== undefined && pub !== undefined) return false;
  const { createSigningKey, publicKeyOf } = await import('./issue');
  // Issued tokens stay valid as long as the private key exists: only its public half is written again.
  const pair = key === undefined ? await createSigningKey() : { privateKey: key, publicKey: publicKeyOf(key) };
  if (key === undefined) await writePrivate(join(dir, 'sa.key'), pair.privateKey);
  await writePrivate(join(dir, 'sa.pub'), pair.publicKey);
  return true;
}
