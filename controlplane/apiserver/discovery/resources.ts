// The facts of discovery about one resource, from the served kinds: for the plain and the aggregated form.
import { createHash } from 'node:crypto';
import { compareGroups, groupPriority } from '../../api/group-priority';
import { type Kind, subresourcesOf } from '../../api/kind';
import { compareVersions } from '../../api/version-order';

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
export interface GroupInfo {
  /** '' is the core group. */
  readonly name: string;
  readonly versions: readonly { readonly version: string; readonly resources: readonly ResourceInfo[] }[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** All groups with their versions and resources, in the order of discovery. */
export function describeGroups(kinds: readonly Kind[]): GroupInfo[] {
  const names = [...new Set(kinds.map((kind) => kind.group))];
  const ranked = names.map((name) => ({ name, priority: groupPriority(name) })).sort(compareGroups);
  return ranked.map(({ name }) => {
    const members = kinds.filter((kind) => kind.group === name);
    const versions = [...new Set(members.map((kind) => kind.version))].sort(compareVersions);
    return { name, versions: versions.map((version) => ({ version, resources: describeVersion(members, version) })) };
  });
}

function describeVersion(kinds: readonly Kind[], version: string): ResourceInfo[] {
  return kinds
    .filter((kind) => kind.version === version)
    .sort((a, b) => byText(a.plural, b.plural))
    .map((kind) => ({ kind, subresources: describeSubresources(kind) }));
}

/** `status` and the declared subresources, by name. */
export function describeSubresources(kind: Kind): SubresourceInfo[] {
  return [...subresourcesOf(kind)]
    .sort((a, b) => byText(a.name, b.name))
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
  return createHash('sha512').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
