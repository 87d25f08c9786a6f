// Discovery documents, as pure functions of the served kinds. The caller does HTTP, negotiation and caching.
import { isStored, type Kind } from '../../api/kind';
import { storageKind } from '../../api/storage';
import { type AggregatedDiscovery, aggregate, verbsOf } from './aggregated';
import { describeGroups, type GroupInfo, type RemoteVersion, type ResourceInfo, storageVersionHash } from './resources';

export { aggregatedContentType } from './aggregated';

type Kinds = readonly Kind[];
/** Those of aggregated API servers. */
type Remotes = readonly RemoteVersion[];

interface GroupVersionForDiscovery {
  readonly groupVersion: string;
  readonly version: string;
}
export interface ApiGroup {
  readonly kind?: 'APIGroup';
  readonly apiVersion?: 'v1';
  readonly name: string;
  readonly versions: readonly GroupVersionForDiscovery[];
  readonly preferredVersion: GroupVersionForDiscovery;
}
export interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}
export interface ApiResourceList {
  readonly kind: 'APIResourceList';
  readonly apiVersion?: 'v1';
  readonly groupVersion: string;
  readonly resources: readonly ApiResource[];
}

/** GET /api. `serverAddress` is host:port at which clients inside the cluster reach this server. */
export function coreVersions(serverAddress: string) {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  } as const;
}

/** GET /apis */
export function apiGroups(kinds: Kinds, remotes: Remotes = []) {
  const groups = describeGroups(kinds, remotes).filter((group) => group.name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) } as const;
}

/** GET /apis/GROUP; undefined for a group that is not served. */
export function apiGroup(kinds: Kinds, name: string, remotes: Remotes = []): ApiGroup | undefined {
  const group = name === '' ? undefined : describeGroups(kinds, remotes).find((candidate) => candidate.name === name);
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

function groupEntry({ name, versions }: GroupInfo): ApiGroup {
  const entries = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0]! };
}

/** GET /api/v1 (group '') and /apis/GROUP/VERSION; undefined for a group and version that is not served. */
export function apiResources(kinds: Kinds, group: string, version: string): ApiResourceList | undefined {
  const found = describeGroups(kinds)
    .find(({ name }) => name === group)
    ?.versions.find((candidate) => candidate.version === version);
  if (!found) return undefined;
  return {
    kind: 'APIResourceList',
    // Only the legacy core list has no apiVersion, as upstream.
    ...(group === '' ? {} : { apiVersion: 'v1' as const }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: found.resources.flatMap(resourceEntries),
  };
}

function resourceEntries({ kind, subresources }: ResourceInfo): ApiResource[] {
  const { shortNames, categories } = kind.options;
  const stored = isStored(kind);
  const main: ApiResource = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(shortNames?.length ? { shortNames } : {}),
    ...(categories?.length ? { categories } : {}),
    ...(stored ? { storageVersionHash: storageVersionHash(storageKind(kind)) } : {}),
  };
  const rest = subresources.map(
    ({ name, verbs, responseKind, foreign }): ApiResource => ({
      name: `${kind.plural}/${name}`,
      singularName: '',
      namespaced: kind.namespaced,
      ...(foreign ? { group: responseKind.group, version: responseKind.version } : {}),
      kind: responseKind.kind,
      verbs,
    }),
  );
  return [main, ...rest];
}

/** GET /api (`root` 'api': the core group) or /apis (all others) in the aggregated form of apidiscovery.k8s.io. */
export function aggregatedDiscovery(kinds: Kinds, root: 'api' | 'apis', remotes: Remotes = []): AggregatedDiscovery {
  return aggregate(describeGroups(kinds, remotes).filter(({ name }) => (root === 'api') === (name === '')));
}
