// Server-side apply: PATCH with a configuration, which makes the object when there is none.
import type { KubeObject } from '../../api/types';
import { BadRequest, isAlreadyExists, isNotFound } from '../../base/errors';
import { deniedResource } from '../authz/authorizer';
import { apply } from '../patch/apply';
import type { Reply } from '../request';
import { conflict, notFound } from '../status';
import { checkStructure, type RestDeps, type RestRequest } from './context';
import { create } from './create';
import { decodeBody, decodeObject, isRecord } from './decode';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';
import { writeOptions } from './write-options';

/** An object that comes and goes between two looks is looked at this often. */
const maxAttempts = 20;

/** @throws Invalid, BadRequest, Conflict, Forbidden, NotFound for a subresource of nothing */
export async function applyObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, namespace, name, subresource } = rest.route;
  const body = await rest.request.body();
  const { dryRun, force, fieldManager: manager } = writeOptions(rest);
  const configuration = readConfiguration(rest, body);
  const key = keyOf(kind, namespace, name);
  const applyTo = (live: KubeObject | undefined): KubeObject => {
    const applied = structuredClone(configuration);
    return apply({ kind, live, applied, manager, subresource, force, now: deps.clock.now() });
  };
  for (let attempt = 1; ; attempt++) {
    try {
      if (!deps.cache.kind(kind).get(key)) {
        checkCreation(deps, rest, configuration);
        const created = await create(deps, rest, kind, applyTo(undefined), dryRun);
        return renderObject(deps, rest, created, 201);
      }
      const updated = await update(deps, rest, {
        kind,
        key,
        subresource,
        dryRun,
        tracked: true,
        transform: ({ json }) => keepPreconditions(applyTo(JSON.parse(json.toString())), configuration),
      });
      return renderObject(deps, rest, updated, 200);
    } catch (err) {
      const raced = isAlreadyExists(err) || (isNotFound(err) && subresource === '' && isAbout(err.details, rest));
      if (!raced || attempt === maxAttempts) throw err;
    }
  }
}

/** A missing namespace is no race. */
const isAbout = (details: Readonly<Record<string, unknown>>, { route }: RestRequest): boolean =>
  details['kind'] === route.kind.plural && details['name'] === route.name;

/** @throws BadRequest */
function readConfiguration(rest: RestRequest, body: Buffer): KubeObject {
  const { kind, name } = rest.route;
  const type = 'application/json';
  checkVersion(rest, decodeBody(body, type, kind.options.model));
  const object = decodeObject(body, type, kind);
  checkStructure(rest, kind, object, body);
  object.metadata ??= {};
  object.metadata.name ??= name;
  if (object.metadata.name !== name) {
    throw new BadRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  return object;
}

function checkVersion({ route }: RestRequest, value: unknown): void {
  if (!isRecord(value)) throw new BadRequest('error decoding YAML: the configuration must be an object');
  const { apiVersion, kind } = value;
  if (typeof kind !== 'string' || kind === '') throw new BadRequest("Object 'Kind' is missing in the apply patch");
  if (apiVersion === route.kind.apiVersion) return;
  throw new BadRequest(
    `Incorrect version specified in apply patch. Specified patch version: ${String(apiVersion ?? '')}, ` +
      `expected: ${route.kind.apiVersion}`,
  );
}

/** What only holds for an apply that would make the object. @throws NotFound, Conflict, Forbidden */
function checkCreation({ authorizer }: RestDeps, { request, route }: RestRequest, applied: KubeObject): void {
  const { kind, namespace, name, subresource } = route;
  if (subresource !== '') throw notFound(kind, name);
  const uid = applied.metadata?.uid;
  if (uid) {
    throw conflict(
      kind,
      name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  }
  const attributes = { verb: 'create', group: kind.group, resource: kind.plural, subresource, namespace, name };
  if (!authorizer.allowsResource(request.user, attributes)) throw deniedResource(request.user, attributes, kind);
}

/** The revision and uid the writer asks for, which the merge took from what is stored. */
function keepPreconditions(object: KubeObject, { metadata }: KubeObject): KubeObject {
  const { uid, resourceVersion } = metadata ?? {};
  object.metadata = { ...object.metadata, ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
  return object;
}
