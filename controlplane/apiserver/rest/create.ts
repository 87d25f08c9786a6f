// POST of an object to its collection.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { isAlreadyExists } from '../../base/errors';
import type { Write } from '../admission/admission';
import type { CachedObject } from '../cache/cache';
import type { Reply } from '../request';
import { alreadyExists, StatusError } from '../status';
import { checkFields, type RestDeps, type RestRequest, readObject } from './context';
import { trackOwners } from './field-manager';
import { generateName, keyOf, mergeOwnerReferences, prepareNewMetadata } from './metadata';
import { renderObject } from './read';
import { writeOptions } from './write-options';

/** Another suffix is tried this often when a generated name is taken. */
const maxNameAttempts = 8;

export async function createObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind } = rest.route;
  const object = await readObject(rest, kind);
  const { dryRun } = writeOptions(rest);
  mergeOwnerReferences(object, rest.warnings);
  trackOwners(deps, rest, kind, object, undefined);
  const created = await create(deps, rest, kind, object, dryRun);
  return renderObject(deps, rest, created, 201);
}

/** Everything after decoding. @throws AlreadyExists, Invalid, Forbidden */
export async function create(
  deps: RestDeps,
  rest: RestRequest,
  kind: Kind,
  object: KubeObject,
  dryRun: boolean,
): Promise<CachedObject> {
  const { request, route, warnings } = rest;
  const namespace = kind.namespaced ? route.namespace : '';
  prepareNewMetadata(kind, object, namespace, deps.clock.now());
  const { name: given = '', generateName: base = '' } = object.metadata ?? {};
  const generated = given === '' && base !== '';
  kind.options.defaults?.(object);
  const write: Write = {
    operation: 'create',
    kind,
    namespace,
    name: given,
    subresource: '',
    object,
    user: request.user,
    dryRun,
    warnings,
  };
  deps.admission.admit(write);
  const hook = deps.hooks.get(kind.prefix);
  for (let attempt = 1; ; attempt++) {
    const name = generated ? generateName(base) : given;
    if (generated) object.metadata = { ...object.metadata, name };
    finishCreate(deps, { ...write, name }, object);
    const key = keyOf(kind, namespace, name);
    const taken = deps.cache.kind(kind).get(key) !== undefined;
    if (taken) {
      if (!generated) throw alreadyExists(kind, name);
      if (attempt === maxNameAttempts) throw nameExhausted(base);
      continue;
    }
    const reservation = hook?.reserve?.(object, undefined);
    if (dryRun) {
      reservation?.undo();
      return rehearsed(key, object);
    }
    try {
      return await deps.cache.kind(kind).create(object);
    } catch (err) {
      reservation?.undo();
      if (!isAlreadyExists(err)) throw err;
      if (!generated || attempt === maxNameAttempts) throw alreadyExists(kind, name);
    }
  }
}

/** What depends on the name: it runs again for every name that is generated. @throws Invalid, Forbidden */
function finishCreate(deps: RestDeps, write: Write, object: KubeObject): void {
  const { kind } = write;
  kind.options.prepare?.(object, { subresource: '' });
  deps.hooks.get(kind.prefix)?.prepare?.(object, undefined);
  kind.options.defaults?.(object);
  checkFields(kind, object, undefined, '');
  write.warnings.push(...(kind.options.warnings?.(object, { subresource: '' }) ?? []));
  deps.admission.validate(write);
}

const nameExhausted = (base: string) =>
  new StatusError(409, 'AlreadyExists', `unable to generate a free name from ${JSON.stringify(base)}: try again`);

/** What a dry run answers: the object as it would be, never stored. */
export function rehearsed(key: string, object: KubeObject): CachedObject {
  return { key, object, json: Buffer.from(JSON.stringify(object)), revision: 0 };
}
