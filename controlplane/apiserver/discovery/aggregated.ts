// The aggregated form of discovery (apidiscovery.k8s.io, KEP-3352): all resources in one document instead of one per
// group and version. v2 and v2beta1 have the same fields.
import type { GroupInfo, GroupVersionKind, ResourceInfo } from './resources';

export type AggregatedVersion = 'v2' | 'v2beta1';

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
export const aggregatedContentType = (type: string, version: AggregatedVersion): string =>
  `${type};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

export function aggregate(groups: readonly GroupInfo[], version: AggregatedVersion): AggregatedDiscovery {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
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

function resourceEntry({ kind, subresources }: ResourceInfo): AggregatedResource {
  const { shortNames, categories } = kind.options;
  return {
    resource: kind.plural,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(shortNames?.length ? { shortNames } : {}),
    ...(categories?.length ? { categories } : {}),
    ...(subresources.length
      ? {
          subresources: subresources.map(({ name, responseKind, verbs }) => ({
            subresource: name,
            responseKind,
            verbs,
          })),
        }
      : {}),
  };
}
