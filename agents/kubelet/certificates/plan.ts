// When each certificate of this node is renewed. Pure.
import { createHash } from 'node:crypto';
import { whyReplace } from '../../../controlplane/pki/certificate';
import { type Lifetime, lifetimeOf, type NodeCredential, renewAtMs } from '../../../controlplane/pki/node-credentials';
import type { FoundCredential } from '../../../controlplane/pki/node-files';

export type Renewal =
  /** Nothing to renew: there is no certificate, or something else maintains it (a token, another program's file). */
  | { readonly action: 'leave' }
  | { readonly action: 'wait'; readonly untilMs: number }
  | { readonly action: 'renew'; readonly reason: string }
  /** No credential of this node can request a new one. */
  | { readonly action: 'give-up'; readonly reason: string };

/** `caPem` is the authority that the kubelet's own kubeconfig names. */
export function planRenewal(
  { name, desired }: NodeCredential,
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
  // A file with another user or another authority is not the kubelet's.
  const reason = whyReplace(found.pair, desired, caPem, nowMs, 0);
  if (reason !== undefined && !isRenewable(name, reason)) return { action: 'leave' };
  if (reason !== undefined) return { action: 'renew', reason };
  const untilMs = renewAtMs(lifetime, spread(found.pair.cert));
  return untilMs > nowMs ? { action: 'wait', untilMs } : { action: 'renew', reason: 'most of its time is over' };
}

/** True for a certificate that ends, or lacks an address of the node; never for another subject or authority. */
const isRenewable = (name: NodeCredential['name'], reason: string): boolean =>
  /^it ends on /.test(reason) || (name === 'serving' && /^it does not cover /.test(reason));

/** In [0, 1), always the same for one certificate, so that the planned time does not move. */
const spread = (cert: string): number => createHash('sha256').update(cert).digest().readUInt32BE(0) / 2 ** 32;
