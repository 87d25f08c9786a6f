// The aggregated form of discovery (apidiscovery.k8s.io, KEP-3352): all resources in one document instead of one per
// group and version. Kubernetes 1.36 serves v2 only.
import { allVerbs, isCustom, type Kind } from '../../api/kind';
import type { GroupInfo, GroupVersionKind, ResourceInfo } from './resources';

export interface AggregatedResource {
  readonly resource: string;
  readonly responseKind: GroupVersionKind;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly {
    readonly subresource: string;
    readonly responseKind: GroupVersionKind;
    readonly verbs: readonly string[];
  }[];
}
export interface AggregatedDiscovery {
  readonly kind: 'APIGroupDiscoveryList';
  readonly apiVersion: string;
  readonly metadata: Record<string, never>;
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources: readonly AggregatedResource[];
      readonly freshness: 'Current' | 'Stale';
    }[];
  }[];
}

/** The Content-Type of the answer: the media type in the Accept header of the client. */
export const aggregatedContentType = (type: string): string =>
  `${type};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;

export function aggregate(groups: readonly GroupInfo[]): AggregatedDiscovery {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name === '' ? {} : { name: group.name },
      versions: group.versions.map((served) => ({
        version: served.version,
        resources: served.remote?.resources ?? served.resources.map(resourceEntry),
        freshness: served.remote?.freshness ?? 'Current',
      })),
    })),
  };
}

/** All verbs, in the order in which upstream lists them for custom kinds. */
const customVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** Computed kinds have a definition of their own, too, but not all verbs. */
export const verbsOf = (kind: Kind): readonly string[] =>
  isCustom(kind) && kind.verbs === allVerbs ? customVerbs : kind.verbs;

/** As upstream's: of built-in kinds it names a group and a version only where they differ from the parent's. */
const responseKindOf = (kind: Kind, responseKind: GroupVersionKind, foreign: boolean): GroupVersionKind =>
  isCustom(kind) || foreign ? responseKind : { group: '', version: '', kind: responseKind.kind };

function resourceEntry({ kind, subresources }: ResourceInfo): AggregatedResource {
  const { shortNames, categories } = kind.options;
  return {
    resource: kind.plural,
    responseKind: responseKindOf(kind, { group: kind.group, version: kind.version, kind: kind.kind }, false),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(shortNames?.length ? { shortNames } : {}),
    ...(categories?.length ? { categories } : {}),
    ...(subresources.length
      ? {
          subresources: subresources.map(({ name, responseKind, foreign, verbs }) => ({
            subresource: name,
            responseKind: responseKindOf(kind, responseKind, foreign),
            verbs,
          })),
        }
      : {}),
  };
}
