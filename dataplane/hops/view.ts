// What is read of a node once, for all questions about its hops.
import { NotFound } from '../../controlplane/base/errors';
import type { Hop } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';
import { type Link, readLinks } from './links';
import { type CountedListings, readCountedListings } from './listings';
import { type NodeNetwork, readNetwork } from './network';
import type { LocalPod } from './pod-view';
import { hasPortRules } from './routes';
import { type NetSettings, readSettings } from './settings';
import { readXfrm, type XfrmPolicy } from './xfrm';

export interface NodeDeps {
  readonly exec: Exec;
  readonly nodeName: string;
  readonly pods: readonly LocalPod[];
}

/** What is read once for all questions. */
export interface NodeView extends NodeDeps {
  readonly listings: CountedListings;
  readonly network: NodeNetwork;
  readonly links: readonly Link[];
  readonly settings: NetSettings;
  readonly xfrm: readonly XfrmPolicy[];
  /** Rules of policy routing look at ports. */
  readonly portRules: boolean;
}

/** @throws CommandFailed without root */
export async function viewNode(deps: NodeDeps): Promise<NodeView> {
  const { exec } = deps;
  const [listings, network, links, settings, xfrm, portRules] = await Promise.all([
    readCountedListings(exec),
    readNetwork(exec),
    readLinks(exec),
    readSettings(),
    readXfrm(exec),
    hasPortRules(exec),
  ]);
  return { ...deps, listings, network, links, settings, xfrm, portRules };
}

export const isStopped = (hops: readonly Hop[]): boolean => hops.some(({ state }) => state === 'stops');

/** @throws NotFound */
export function podOf({ pods, nodeName }: NodeDeps, key: string): LocalPod {
  const pod = pods.find((one) => one.key === key);
  if (!pod) throw new NotFound(`pod ${key} has no network on node ${nodeName}: it does not run there`);
  return pod;
}
