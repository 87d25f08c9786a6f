// Plans which credentials a node must request, and whether a machine may have a name and an address. Pure.
import { isReady, type Node } from '../../../controlplane/api';
import { whyReplace } from '../../../controlplane/pki/certificate';
import { lifetimeOf, minimumLeftMs, type NodeCredential } from '../../../controlplane/pki/node-credentials';
import type { ClusterAddress, FoundCredential } from '../../../controlplane/pki/node-files';

export interface Missing {
  readonly credential: NodeCredential;
  /** Why it is requested: it was missing. */
  readonly reason: string;
}
/** In the order of `credentials`, without the credentials that are still valid. */
export function planCredentials(
  credentials: readonly NodeCredential[],
  found: ReadonlyMap<string, FoundCredential>,
  cluster: ClusterAddress,
  nowMs: number,
): readonly Missing[] {
  return credentials.flatMap((credential) => {
    const reason = whyMissing(credential, found.get(credential.name), cluster, nowMs);
    return reason === undefined ? [] : [{ credential, reason }];
  });
}

function whyMissing(
  { desired }: NodeCredential,
  found: FoundCredential | undefined,
  cluster: ClusterAddress,
  nowMs: number,
): string | undefined {
  if (!found) return 'it was missing';
  if (found.server !== undefined && found.server !== cluster.server) return `it names another server: ${found.server}`;
  if (found.caPem !== undefined && found.caPem !== cluster.caPem) return 'it names another authority';
  return whyReplace(found.pair, desired, cluster.caPem, nowMs, leftMs(found.pair.cert));
}

function leftMs(cert: string): number {
  try {
    return minimumLeftMs(lifetimeOf(cert));
  } catch {
    // whyReplace says that it cannot be read.
    return 0;
  }
}

export type Membership =
  /** The machine may have them. */
  | { readonly verdict: 'free' }
  /** A node with this name and address was alive a moment ago: most likely this machine before it was set up again. */
  | { readonly verdict: 'returning' }
  | { readonly verdict: 'taken'; readonly message: string };

/** Compares the name and the addresses with those of the existing nodes. */
export function judgeMembership(nodes: readonly Node[], name: string, addresses: readonly string[]): Membership {
  for (const node of nodes) {
    const other = node.metadata?.name ?? '';
    const shared = addressesOf(node).find((address) => addresses.includes(address));
    if (other !== name && shared !== undefined) {
      const message =
        `address ${shared} belongs to node ${other} already. Give this machine an address of its own, at which the other ` +
        `nodes reach it: --node-ip=IP. If ${other} will never return: kubectl delete node ${other}`;
      return { verdict: 'taken', message };
    }
    if (other !== name || !isReady(node)) continue;
    if (shared !== undefined) return { verdict: 'returning' };
    const message =
      `the name ${name} belongs to a node that is alive, at ${addressesOf(node).join(', ') || 'an unknown address'}. Give this ` +
      `machine another: --node-name=NAME. If that machine does not run any more, wait a minute until it is NotReady, or: kubectl delete ` +
      `node ${name}`;
    return { verdict: 'taken', message };
  }
  return { verdict: 'free' };
}

export const addressesOf = ({ status }: Node): readonly string[] =>
  (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
