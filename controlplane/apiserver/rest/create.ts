// POST of an object to its collection.
import { parseStored } from '../../api/json-text';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { AlreadyClaimed, AlreadyExists, isAlreadyExists } from '../../base/errors';
import type { CachedObject, KindCache } from '../cache/cache';
import type { Reply } from '../request';
import { alreadyExists } from '../status';
import { noteRefusal } from '../write/refused-claims';
import type { Write } from '../write/rule';
import { Reservations } from '../write/run';
import { type RestDeps, type RestRequest, readObject } from './context';
import { trackOwners } from './field-manager';
import { checkNoRevision, generateName, keyOf, mergeOwnerReferences, prepareNewMetadata } from './metadata';
import { renderObject } from './read';
import { writeOptions } from './write-options';

/** How many suffixes are tried when a generated name exists already. */
const maxNameAttempts = 8;

export async function createObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind } = rest.route;
  const object = await readObject(rest, kind);
  const { dryRun } = writeOptions(rest);
  mergeOwnerReferences(object, rest.warnings);
  const created = await create(deps, rest, kind, object, { dryRun });
  return renderObject(deps, rest, created, 201);
}

interface CreatePlan {
  readonly dryRun: boolean;
  /** True when managedFields are complete: of an apply. */
  readonly tracked?: boolean;
}

/** Everything after decoding. @throws AlreadyExists, Invalid, Forbidden */
export async function create(
  deps: RestDeps,
  rest: RestRequest,
  kind: Kind,
  object: KubeObject,
  { dryRun, tracked = false }: CreatePlan,
): Promise<CachedObject> {
  const { request, route, warnings } = rest;
  const namespace = kind.namespaced ? route.namespace : '';
  prepareNewMetadata(kind, object, namespace, deps.clock.now());
  const { name: given = '', generateName: base = '' } = object.metadata ?? {};
  const generated = given === '' && base !== '';
  kind.options.defaults?.(object);
  // As upstream: the writer owns the defaults of its object, but nothing that the rules add.
  if (!tracked) {
    const tracking = trackOwners(deps, rest, kind, object, undefined);
    if (tracking) await tracking;
  }
  let write: Write = {
    operation: 'create',
    kind,
    namespace,
    name: given,
    subresource: '',
    object,
    context: { subresource: '' },
    user: request.user,
    rest,
    dryRun,
    warnings,
  };
  const { rules } = deps;
  const mutated = rules.mutate(write);
  if (mutated) {
    await mutated;
    // A webhook may have added some.
    mergeOwnerReferences(object, warnings);
  }
  for (let attempt = 1; ; ) {
    const named = generated ? withName(write, object, generateName(base)) : write;
    const key = keyOf(kind, namespace, named.name);
    const held = new Reservations();
    try {
      const prepared = rules.prepare(named);
      if (prepared) await prepared;
      const validated = rules.validate(named);
      if (validated) await validated;
      if (!dryRun) checkNoRevision(object);
      // This check avoids useless reservations; the store refuses an object that is created meanwhile.
      const found = deps.cache.kind(kind).get(key);
      if (found) throw alreadyExists(kind, named.name, found.object);
      const reserved = rules.reserve(named, held);
      if (reserved) await reserved;
      if (!dryRun) return await deps.cache.kind(kind).create(object, held.together());
      // Before the undo, which takes from the object what the server chose for it.
      const answer = await rehearsed(deps.cache.kind(kind), key, object);
      held.undo();
      return answer;
    } catch (err) {
      held.undo();
      if (err instanceof AlreadyClaimed) {
        write = { ...write, refused: noteRefusal(write.refused, kind, named.name, err) };
        continue;
      }
      if (!generated || !isAlreadyExists(err)) throw err;
      if (attempt++ === maxNameAttempts) throw nameExhausted(base);
    }
  }
}

function withName(write: Write, object: KubeObject, name: string): Write {
  object.metadata = { ...object.metadata, name };
  return { ...write, name };
}

const nameExhausted = (base: string) =>
  new AlreadyExists(`unable to generate a free name from ${JSON.stringify(base)}: try again`);

/** The answer of a dry run: a copy of the object as it would be, never stored. */
export async function rehearsed(cache: KindCache, key: string, object: KubeObject): Promise<CachedObject> {
  const json = JSON.stringify((await cache.rehearse?.(object)) ?? object);
  return { key, object: parseStored(json) as KubeObject, json: Buffer.from(json), revision: 0 };
}
