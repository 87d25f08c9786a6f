// When each certificate of this node is renewed. Pure.
import { createHash } from 'node:crypto';
import { whyReplace } from '../../../controlplane/pki/certificate';
import { type Lifetime, lifetimeOf, type NodeCredential, renewAtMs } from '../../../controlplane/pki/node-credentials';
import type { FoundCredential } from '../../../controlplane/pki/node-files';

export type Renewal =
  /** Not ours to renew: there is none, or it is kept otherwise (a token, a file of someone else's). */
  | { readonly action: 'leave' }
  | { readonly action: 'wait'; readonly untilMs: number }
  | { readonly action: 'renew'; readonly reason: string }
  /** Nothing that this node holds can get a new one. */
  | { readonly action: 'give-up'; readonly reason: string };

/** `caPem` is the authority that the kubelet's own kubeconfig names. */
export function planRenewal(
  { name, wanted }: NodeCredential,
  found: FoundCredential | undefined,
  caPem: string,
  nowMs: number,
): Renewal {
  if (!found) return { action: 'leave' };
  let lifetime: Lifetime;
  try {
    lifetime = lifetimeOf(found.pair.cert);
  } catch {
    return { action: 'leave' };
  }
  if (name === 'kubelet' && lifetime.endMs <= nowMs) {
    const ended = new Date(lifetime.endMs).toISOString();
    return { action: 'give-up', reason: `this node's own certificate ended at ${ended}, before it was renewed` };
  }
  // Someone else is in charge of a client that is another user, or trusts another authority.
  const reason = whyReplace(found.pair, wanted, caPem, nowMs, 0);
  if (reason !== undefined && !isRenewable(name, reason)) return { action: 'leave' };
  if (reason !== undefined) return { action: 'renew', reason };
  const untilMs = renewAtMs(lifetime, spread(found.pair.cert));
  return untilMs > nowMs ? { action: 'wait', untilMs } : { action: 'renew', reason: 'most of its time is over' };
}

/** An end, or an address that the node has gained; never another subject or authority. */
const isRenewable = (name: NodeCredential['name'], reason: string): boolean =>
  /^it ends on /.test(reason) || (name === 'serving' && /^it does not cover /.test(reason));

/** In [0, 1): the same for the same certificate, so that the time does not move while it is waited for. */
const spread = (cert: string): number => createHash('sha256').update(cert).digest().readUInt32BE(0) / 2 ** 32;
