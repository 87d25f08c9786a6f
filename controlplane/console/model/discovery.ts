// The kinds that a server has, from its aggregated discovery documents. Pure.
import type { ResourceRef } from './routes';

export interface Resource extends ResourceRef {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Names of subresources: scale, log, exec. */
  readonly subresources: readonly string[];
}

/** The part of apidiscovery.k8s.io/v2 that is read. */
export interface DiscoveryDocument {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version?: string;
      readonly resources?: readonly {
        readonly resource?: string;
        readonly scope?: string;
        readonly verbs?: readonly string[];
        readonly responseKind?: { readonly kind?: string };
        readonly subresources?: readonly { readonly subresource?: string }[];
      }[];
    }[];
  }[];
}

export const discoveryType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Each resource once, in the version that its group prefers. */
export function resourcesOf(documents: readonly DiscoveryDocument[]): readonly Resource[] {
  const found = new Map<string, Resource>();
  for (const { items = [] } of documents) {
    for (const { metadata, versions = [] } of items) {
      const group = metadata?.name ?? '';
      for (const { version = '', resources = [] } of versions) {
        for (const one of resources) {
          const plural = one.resource ?? '';
          const key = `${group}/${plural}`;
          // The preferred version comes first.
          if (plural === '' || found.has(key)) continue;
          found.set(key, {
            group,
            version,
            plural,
            kind: one.responseKind?.kind ?? plural,
            namespaced: one.scope === 'Namespaced',
            verbs: one.verbs ?? [],
            subresources: (one.subresources ?? []).flatMap(({ subresource }) => subresource ?? []),
          });
        }
      }
    }
  }
  return [...found.values()];
}

/** Kinds whose objects can be shown in a list. */
export const isListed = ({ verbs }: Resource): boolean => verbs.includes('list');

/** The resource of a kind, as an owner reference or an event names it: apps/v1, Deployment. */
export function resourceOfKind(resources: readonly Resource[], apiVersion: string, kind: string): Resource | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return resources.find((one) => one.group === group && one.kind === kind);
}
