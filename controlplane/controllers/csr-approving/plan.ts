// Which certificate requests are approved without a human. Pure. Source of the conditions: "TLS bootstrapping" and "Kubernetes
// signers" in the reference. Beyond upstream: a serving certificate is approved when every name in it belongs to the node. A
// certificate for another agent of a node is approved when that node requests it. While a node is Ready, only that node gets a new
// certificate for its name.

import { isIP } from 'node:net';
import { isReady } from '../../api/conditions';
import { type CertificateSigningRequest, hasCertificateCondition, type Node } from '../../api/index';
import { validateDestination } from '../../api/validation/addresses';
import { formatAddress, parseAddress } from '../../base/cidr';
import type { ParsedRequest } from '../../pki/certificate-request';
import { isSigner, nodesGroup, nodeUserPrefix, refusals, type SignerName, signers } from '../../pki/signers';

/** How long a request for the name of a Ready node waits, in ms. A silent node becomes Unknown after 40 s. */
export const aliveGraceMs = 90_000;

/** The requester must be allowed to `create` this subresource of certificatesigningrequests. */
export type Permission = 'nodeclient' | 'selfnodeclient' | 'selfnodeserver' | 'nodeagent';

export type Verdict =
  /** A human decides, or has decided. */
  | { readonly action: 'leave' }
  | { readonly action: 'approve'; readonly permission: Permission; readonly message: string }
  /** Decided again when the node changes, and after `againInMs` if given. */
  | { readonly action: 'wait'; readonly reason: string; readonly againInMs?: number }
  | { readonly action: 'deny'; readonly reason: string; readonly message: string };

export interface Facts {
  readonly object: CertificateSigningRequest;
  readonly request: ParsedRequest;
  /** The Node that the request, or its requester, is named after. */
  readonly node: Node | undefined;
  readonly nowMs: number;
}

const leave: Verdict = { action: 'leave' };

/** True while the request has no decision. */
export const isPending = (object: CertificateSigningRequest): boolean =>
  !['Approved', 'Denied', 'Failed'].some((type) => hasCertificateCondition(object, type));

/** The name of the node that the certificate is for, otherwise the node that requests it. */
export function nodeNameOf({ spec }: CertificateSigningRequest, { commonName }: ParsedRequest): string | undefined {
  return [commonName, spec.username ?? '']
    .find((user) => user.startsWith(nodeUserPrefix))
    ?.slice(nodeUserPrefix.length);
}

export function planApproval(facts: Facts): Verdict {
  const { object, request } = facts;
  const { signerName, usages = [] } = object.spec;
  if (!isPending(object) || !isSigner(signerName)) return leave;
  // The signer would refuse it, and reports that when a human approves it.
  if (refusals[signerName]({ request, usages }) !== undefined) return leave;
  return planners[signerName](facts);
}

const planners: Readonly<Record<SignerName, (facts: Facts) => Verdict>> = {
  [signers.apiserverClient]: () => leave,
  [signers.kubeletClient]: (facts) => (isOwn(facts) ? approve('selfnodeclient') : planJoining(facts)),
  [signers.kubeletServing]: (facts) => (isOwn(facts) ? planServing(facts) : leave),
  [signers.nodeAgent]: ({ object, node }) => {
    if (!isNode(object)) return leave;
    return node ? approve('nodeagent') : { action: 'wait', reason: 'its node is not registered' };
  },
};

const messages: Readonly<Record<Permission, string>> = {
  selfnodeclient: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  nodeclient: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  selfnodeserver: 'Every name and address in the request belongs to the requesting node.',
  nodeagent: 'A registered node requested a certificate for one of its own agents.',
};
const approve = (permission: Permission): Verdict => ({ action: 'approve', permission, message: messages[permission] });

const isNode = ({ spec }: CertificateSigningRequest): boolean =>
  (spec.username ?? '').startsWith(nodeUserPrefix) && (spec.groups ?? []).includes(nodesGroup);
const isOwn = ({ object, request }: Facts): boolean => isNode(object) && object.spec.username === request.commonName;

/** A machine that joins under the name in the request. A Ready node keeps its name: otherwise its pods would run twice. */
function planJoining({ object, node, nowMs }: Facts): Verdict {
  if (!node || !isReady(node)) return approve('nodeclient');
  const name = node.metadata?.name ?? '';
  const leftMs = Date.parse(object.metadata?.creationTimestamp ?? '') + aliveGraceMs - nowMs;
  if (leftMs > 0) return { action: 'wait', reason: `node ${name} is Ready`, againInMs: leftMs };
  return {
    action: 'deny',
    reason: 'NodeAlive',
    message: `node ${name} is Ready: the joining machine needs another name, or the node must be stopped first`,
  };
}

function planServing({ request, node }: Facts): Verdict {
  if (!node) return { action: 'wait', reason: 'its node is not registered' };
  const known = new Set([
    node.metadata?.name ?? '',
    ...(node.status?.addresses ?? [])
      .map(({ address }) => normal(address))
      // Every node has addresses such as loopback.
      .filter((address) => isIP(address) !== 0 && validateDestination(address, '').length === 0),
  ]);
  const foreign = [...request.dnsNames, ...request.ipAddresses.map(normal)].find((name) => !known.has(name));
  if (foreign === undefined) return approve('selfnodeserver');
  return { action: 'wait', reason: `${foreign} is neither a name nor an address of node ${node.metadata?.name}` };
}

/** One spelling for each address; names stay as they are. */
function normal(text: string): string {
  try {
    return formatAddress(parseAddress(text));
  } catch {
    return text;
  }
}
