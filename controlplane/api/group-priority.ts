// The rank of API groups and versions, as upstream's server registers them: the order of discovery, and the priorities of the local
// APIServices. In kubectl, the first group with a short name wins.
import { compareVersions } from './version-order';

/** By group, the highest first: kube-apiserver's numbers. */
const groupPriorities: ReadonlyMap<string, number> = new Map([
  // Its group has no APIService, and is the first of /apis.
  ['apiregistration.k8s.io', 20_001],
  ['', 18_000],
  ['apps', 17_800],
  ['events.k8s.io', 17_750],
  ['authentication.k8s.io', 17_700],
  ['authorization.k8s.io', 17_600],
  ['autoscaling', 17_500],
  ['batch', 17_400],
  ['certificates.k8s.io', 17_300],
  ['networking.k8s.io', 17_200],
  ['policy', 17_100],
  ['rbac.authorization.k8s.io', 17_000],
  ['storage.k8s.io', 16_800],
  ['admissionregistration.k8s.io', 16_700],
  ['apiextensions.k8s.io', 16_700],
  ['scheduling.k8s.io', 16_600],
  ['coordination.k8s.io', 16_500],
  ['node.k8s.io', 16_300],
  ['discovery.k8s.io', 16_200],
  ['flowcontrol.apiserver.k8s.io', 16_100],
  ['resource.k8s.io', 16_200],
]);
/** Versions with another priority than 15. */
const versionPriorities: ReadonlyMap<string, number> = new Map([
  ['/v1', 1],
  ['autoscaling/v2', 30],
  ['flowcontrol.apiserver.k8s.io/v1', 21],
  ['resource.k8s.io/v1', 21],
]);

/** Groups of upstream that kube-apiserver does not have itself: the number is that of metrics-server's APIService. */
const replaceableGroups: ReadonlyMap<string, number> = new Map([['metrics.k8s.io', 100]]);

const customGroup = 1_000;
const customVersion = 100;

export const isBuiltInGroup = (group: string): boolean => groupPriorities.has(group);

/** A group that this server serves until another one takes its place. */
export const isReplaceableGroup = (group: string): boolean => replaceableGroups.has(group);

export const groupPriority = (group: string): number =>
  groupPriorities.get(group) ?? replaceableGroups.get(group) ?? customGroup;

export const versionPriority = (group: string, version: string): number =>
  isBuiltInGroup(group) ? (versionPriorities.get(`${group}/${version}`) ?? 15) : customVersion;

export interface RankedGroup {
  readonly name: string;
  readonly priority: number;
}

export const compareGroups = (a: RankedGroup, b: RankedGroup): number =>
  b.priority - a.priority || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export interface RankedVersion {
  readonly version: string;
  readonly priority: number;
}

export const compareRankedVersions = (a: RankedVersion, b: RankedVersion): number =>
  b.priority - a.priority || compareVersions(a.version, b.version);
