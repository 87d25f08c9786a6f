// Keeps an APIService for each group version that this server serves itself: the built-in ones are created and corrected when the server
// starts, those of custom kinds come and go with the kinds. Upstream's autoregistration.
import { isDeepStrictEqual } from 'node:util';
import { type APIService, apiServiceName, apiServices } from '../../api/api-service';
import type { Catalog } from '../../api/catalog';
import { groupPriority, isBuiltInGroup, isReplaceableGroup, versionPriority } from '../../api/group-priority';
import { plain } from '../../api/validation/difference';
import { isAlreadyExists, isConflict, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import type { Cache } from '../cache/cache';

/** `onstart` or `true`: the server manages the object. An administrator removes the label to keep a change. */
export const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';
const ownGroup = apiServices.group;

export type Registration =
  | { readonly action: 'create'; readonly object: APIService }
  | { readonly action: 'update'; readonly object: APIService }
  | { readonly action: 'delete'; readonly name: string };

interface Versioned {
  readonly group: string;
  readonly version: string;
}

/**
 * What must change. `starting`: the server has just started; later it leaves built-in ones as they are, as upstream. An object without
 * the label belongs to an administrator.
 */
export function planRegistrations(
  served: readonly Versioned[],
  current: ReadonlyMap<string, APIService>,
  starting: boolean,
): readonly Registration[] {
  const desired = new Map(served.filter(({ group }) => group !== ownGroup).map((one) => [apiServiceName(one), one]));
  const changes = [...desired].flatMap(([name, { group, version }]): Registration[] => {
    if ((isBuiltInGroup(group) || isReplaceableGroup(group)) && !starting) return [];
    const found = current.get(name);
    const object = registrationOf(group, version);
    if (!found) return [{ action: 'create', object }];
    if (!isManaged(found) || isDeepStrictEqual(plain(found.spec ?? {}), plain(object.spec ?? {}))) return [];
    return [{ action: 'update', object: { ...found, spec: object.spec! } }];
  });
  const stale = [...current].flatMap(([name, object]): Registration[] =>
    isManaged(object) && !desired.has(name) ? [{ action: 'delete', name }] : [],
  );
  return [...changes, ...stale];
}

const isManaged = ({ metadata }: APIService): boolean => metadata?.labels?.[managedLabel] !== undefined;

function registrationOf(group: string, version: string): APIService {
  return {
    apiVersion: apiServices.apiVersion,
    kind: apiServices.kind,
    metadata: {
      name: apiServiceName({ group, version }),
      // Without the label the server leaves the object to the server that takes its place, also at the next start.
      ...(isReplaceableGroup(group) ? {} : { labels: { [managedLabel]: isBuiltInGroup(group) ? 'onstart' : 'true' } }),
    },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: groupPriority(group),
      versionPriority: versionPriority(group, version),
    },
  };
}

export interface RegistrationDeps {
  readonly catalog: Catalog;
  readonly cache: Cache;
  readonly client: Client;
}

/** One pass. Another server may do the same at the same time. @throws for every other failure of the API */
export async function registerServed({ catalog, cache, client }: RegistrationDeps, starting: boolean): Promise<void> {
  const current = new Map(
    cache
      .kind(apiServices)
      .current({})
      .map(({ key, object }) => [key, object]),
  );
  for (const change of planRegistrations(catalog.kinds(), current, starting)) {
    await apply(client, change).catch((err: unknown) => {
      if (!isAlreadyExists(err) && !isNotFound(err) && !isConflict(err)) throw err;
    });
  }
}

async function apply(client: Client, change: Registration): Promise<void> {
  switch (change.action) {
    case 'create':
      await client.create(apiServices, change.object);
      return;
    case 'update':
      await client.update(apiServices, change.object);
      return;
    case 'delete':
      await client.delete(apiServices, change.name);
  }
}
