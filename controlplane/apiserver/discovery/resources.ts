// The facts of discovery about one resource, from the served kinds: for the plain and the aggregated form.
import { createHash } from 'node:crypto';
import { compareGroups, compareRankedVersions, groupPriority, versionPriority } from '../../api/group-priority';
import { isCustom, type Kind, subresourcesOf } from '../../api/kind';
import { compareVersions } from '../../api/version-order';
import type { AggregatedResource } from './aggregated';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
export interface SubresourceInfo {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly responseKind: GroupVersionKind;
  /** True when group or version of the body differ from the parent's: discovery then names them. */
  readonly foreign: boolean;
}
export interface ResourceInfo {
  readonly kind: Kind;
  readonly subresources: readonly SubresourceInfo[];
}
/** A group version of an aggregated API server, as its discovery describes it. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly resources: readonly AggregatedResource[];
  /** Where the server lists its OpenAPI v3 document; absent when it has none. */
  readonly openapi?: string | undefined;
  /** Stale: the last answer of a server that does not answer now. */
  readonly freshness: 'Current' | 'Stale';
}
export interface VersionInfo {
  readonly version: string;
  readonly resources: readonly ResourceInfo[];
  /** Set when an aggregated API server serves the version. */
  readonly remote?: RemoteVersion;
}
export interface GroupInfo {
  /** '' is the core group. */
  readonly name: string;
  readonly versions: readonly VersionInfo[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** All groups with their versions and resources, in the order of discovery. */
export function describeGroups(kinds: readonly Kind[], remotes: readonly RemoteVersion[] = []): GroupInfo[] {
  const local = new Set(kinds.map((kind) => kind.group));
  const names = [...new Set([...local, ...remotes.map(({ group }) => group)])];
  const ranked = names.map((name) => {
    const others = remotes.filter(({ group }) => group === name);
    const priorities = [...(local.has(name) ? [groupPriority(name)] : []), ...others.map((one) => one.groupPriority)];
    return { name, others, priority: Math.max(...priorities) };
  });
  return ranked.sort(compareGroups).map(({ name, others }) => {
    const members = kinds.filter((kind) => kind.group === name);
    return { name, versions: describeVersions(name, members, others) };
  });
}

/** Built-in and custom versions have the order of their names; those of aggregated servers go between them by their priority. */
function describeVersions(group: string, kinds: readonly Kind[], remotes: readonly RemoteVersion[]): VersionInfo[] {
  const replaced = new Set(remotes.map(({ version }) => version));
  const own = [...new Set(kinds.map((kind) => kind.version))]
    .filter((version) => !replaced.has(version))
    .map((version) => ({
      version,
      priority: versionPriority(group, version),
      info: { version, resources: describeVersion(kinds, version) },
    }));
  const others = remotes.map((remote) => ({
    version: remote.version,
    priority: remote.versionPriority,
    info: { version: remote.version, resources: [], remote },
  }));
  if (others.length === 0) {
    return own.sort((a, b) => compareVersions(a.version, b.version)).map(({ info }) => info);
  }
  return [...own, ...others].sort(compareRankedVersions).map(({ info }) => info);
}

function describeVersion(kinds: readonly Kind[], version: string): ResourceInfo[] {
  return kinds
    .filter((kind) => kind.version === version)
    .sort((a, b) => byText(a.plural, b.plural))
    .map((kind) => ({ kind, subresources: describeSubresources(kind) }));
}

/** `status` and the declared subresources, by name; of a custom kind, status comes first. */
export function describeSubresources(kind: Kind): SubresourceInfo[] {
  const direction = isCustom(kind) ? -1 : 1;
  return [...subresourcesOf(kind)]
    .sort((a, b) => direction * byText(a.name, b.name))
    .map((subresource) => {
      const responseKind = {
        group: subresource.group ?? kind.group,
        version: subresource.version ?? kind.version,
        kind: subresource.kind ?? kind.kind,
      };
      const foreign = responseKind.group !== kind.group || responseKind.version !== kind.version;
      return { name: subresource.name, verbs: [...subresource.verbs].sort(byText), responseKind, foreign };
    });
}

/** Changes when objects are stored in another version; clients compare it only for equality. */
export function storageVersionHash({ group, version, kind }: GroupVersionKind): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
