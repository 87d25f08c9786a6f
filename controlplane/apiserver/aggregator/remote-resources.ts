// Reads the discovery documents of aggregated API servers, in both forms, and makes kinds of their resources. A wrong part of a document
// is left out. Pure.
import { defineKind, type Kind, type Verb } from '../../api/kind';
import type { AggregatedResource } from '../discovery/aggregated';

export type RemoteResource = AggregatedResource;

type Fields = Record<string, unknown>;
const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const records = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** The resources of one version in an APIGroupDiscoveryList; undefined for another document, or one without the version. */
export function readAggregated(document: unknown, group: string, version: string): RemoteResource[] | undefined {
  if (!isRecord(document) || document['kind'] !== 'APIGroupDiscoveryList') return undefined;
  const found = records(document['items'])
    .filter(({ metadata }) => text(isRecord(metadata) ? metadata['name'] : '') === group)
    .flatMap(({ versions }) => records(versions))
    .find((served) => served['version'] === version);
  return found && records(found['resources']).map((resource) => readResource(resource, group, version));
}

function readResource(resource: Fields, group: string, version: string): RemoteResource {
  const [shortNames, categories] = [texts(resource['shortNames']), texts(resource['categories'])];
  const subresources = records(resource['subresources']).map((one) => ({
    subresource: text(one['subresource']),
    responseKind: kindOf(one['responseKind'], group, version),
    verbs: texts(one['verbs']),
  }));
  return {
    resource: text(resource['resource']),
    responseKind: kindOf(resource['responseKind'], group, version),
    scope: resource['scope'] === 'Namespaced' ? 'Namespaced' : 'Cluster',
    singularResource: text(resource['singularResource']),
    verbs: texts(resource['verbs']),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function kindOf(value: unknown, group: string, version: string) {
  const fields = isRecord(value) ? value : {};
  return {
    group: text(fields['group']) || group,
    version: text(fields['version']) || version,
    kind: text(fields['kind']),
  };
}

/** The resources of an APIResourceList. */
export function readLegacy(document: unknown, group: string, version: string): RemoteResource[] {
  const all = records(isRecord(document) ? document['resources'] : undefined);
  const named = all.map((resource) => ({ resource, parts: text(resource['name']).split('/') }));
  return named
    .filter(({ parts }) => parts.length === 1 && parts[0] !== '')
    .map(({ resource, parts: [name] }) =>
      readResource(
        {
          resource: name,
          responseKind: resource,
          scope: resource['namespaced'] === true ? 'Namespaced' : 'Cluster',
          singularResource: resource['singularName'],
          verbs: resource['verbs'],
          shortNames: resource['shortNames'],
          categories: resource['categories'],
          subresources: named
            .filter(({ parts }) => parts.length === 2 && parts[0] === name)
            .map(({ resource: sub, parts }) => ({ subresource: parts[1], responseKind: sub, verbs: sub['verbs'] })),
        },
        group,
        version,
      ),
    );
}

const needed: readonly Verb[] = ['list', 'watch', 'delete'];

/** The kinds whose objects can be deleted with their namespace or owner. */
export function kindsOf(group: string, version: string, resources: readonly RemoteResource[]): Kind[] {
  const usable = resources.filter(
    ({ resource, responseKind, verbs }) =>
      resource !== '' && responseKind.kind !== '' && needed.every((verb) => verbs.includes(verb)),
  );
  const byKind = new Map(usable.map((one) => [one.responseKind.kind, one]));
  return [...new Map([...byKind.values()].map((one) => [one.resource, one])).values()].map((one) =>
    defineKind({
      group,
      version,
      kind: one.responseKind.kind,
      plural: one.resource,
      namespaced: one.scope === 'Namespaced',
      schema: { definition: { type: 'object' } },
      verbs: [...needed],
    }),
  );
}
