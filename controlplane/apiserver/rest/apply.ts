// Server-side apply: PATCH with a configuration, which creates a missing object.
import { parseJson, parseStored } from '../../api/json-text';
import { isCustom, type Kind } from '../../api/kind';
import { wrongType } from '../../api/schema/go-types';
import type { ObjectSchema } from '../../api/schema/schema';
import { decodePart, decodeStructure } from '../../api/schema/structure';
import { fromStored, storageKind, toStored } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { BadRequest, describeError, isAlreadyExists } from '../../base/errors';
import { deniedResource } from '../authz/authorizer';
import { type ApplyRequest, apply, rootField } from '../patch/apply';
import type { JsonObject } from '../patch/json';
import { resolveNulls } from '../patch/nulls';
import { applyAcross } from '../patch/owner-versions';
import { unexpected } from '../patch/strategic-list';
import { typedErrors } from '../patch/typed-errors';
import type { Reply } from '../request';
import { conflict, notFound } from '../status';
import { duplicateKeysIn, duplicateKeysOf, unmarshalErrors } from '../yaml/duplicate-keys';
import { type RestDeps, type RestRequest, warn } from './context';
import { create } from './create';
import { checkName, isMissing } from './create-on-update';
import { isRecord, largeIntegersOf } from './decode';
import { ownerVersions } from './field-manager';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';
import { writeOptions } from './write-options';

/** How often an apply starts again when another writer creates or deletes the object at the same time. */
const maxAttempts = 20;

/** @throws Invalid, BadRequest, Conflict, Forbidden, NotFound for a subresource of a missing object */
export async function applyObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, namespace, name, subresource } = rest.route;
  const configuration = await readConfiguration(rest, kind);
  const { dryRun, force, fieldManager: manager } = writeOptions(rest);
  const key = keyOf(kind, namespace, name);
  const applyTo = applier(deps, rest, (live, form) => {
    const applied = structuredClone(configuration);
    return { live, applied, manager, subresource, force, now: deps.clock.now(), ...form };
  });
  for (let attempt = 1; ; attempt++) {
    try {
      if (!deps.cache.kind(kind).has(key)) {
        await checkCreation(deps, rest, configuration);
        const object = await applyTo(undefined);
        // As upstream: the revision of an object that is gone is no condition for a new one.
        delete object.metadata?.resourceVersion;
        const created = await create(deps, rest, kind, object, { dryRun, tracked: true });
        return renderObject(deps, rest, created, 201);
      }
      const updated = await update(deps, rest, {
        kind,
        key,
        subresource,
        dryRun,
        tracked: true,
        transform: ({ json }) => {
          const applied = applyTo(parseStored(json.toString()) as KubeObject);
          if (!(applied instanceof Promise)) return keepPreconditions(applied, configuration);
          return applied.then((object) => keepPreconditions(object, configuration));
        },
      });
      return renderObject(deps, rest, updated, 200);
    } catch (err) {
      const raced = isAlreadyExists(err) || (subresource === '' && isMissing(err, rest));
      if (!raced || attempt === maxAttempts) throw err;
    }
  }
}

type Form = Pick<ApplyRequest, 'kind' | 'schema'>;
type MakeRequest = (live: KubeObject | undefined, form: Form) => ApplyRequest;

/** Applies to the stored object, or to none. A promise when an owner of a custom object has another version. */
function applier(
  deps: RestDeps,
  { route: { kind }, schemas }: RestRequest,
  request: MakeRequest,
): (live: KubeObject | undefined) => KubeObject | Promise<KubeObject> {
  const versions = ownerVersions(deps.schemas, kind);
  if (versions) {
    const schema = schemas.of(kind);
    return (live) => {
      const result = applyAcross(request(live, { kind, schema }), versions);
      return result instanceof Promise ? result.then((one) => inForm(schema, one)) : inForm(schema, result);
    };
  }
  // In the stored form, whichever version is applied: so that owners of all versions are comparable.
  const stored = storageKind(kind);
  const form = { kind: stored, schema: schemas.of(stored) };
  return (live) => {
    const { applied, ...rest } = request(live && toStored(kind, live), form);
    return fromStored(kind, inForm(form.schema, apply({ ...rest, applied: toStored(kind, applied) })));
  };
}

/** The manager owns also its empty lists and maps and what it set to zero; the object itself has the form of all objects. */
function inForm(schema: ObjectSchema, result: KubeObject): KubeObject {
  const form = structuredClone(result);
  decodeStructure(schema, form, undefined);
  return form;
}

/** The body of an apply: an object of `kind`. @throws BadRequest, Invalid, StatusError 500 for an object that does not fit its kind */
export async function readConfiguration(rest: RestRequest, kind: Kind): Promise<KubeObject> {
  const body = await rest.request.body().catch((cause: unknown) => {
    throw undecodable(cause);
  });
  writeOptions(rest);
  const configuration = parsedConfiguration(rest, kind, body);
  rest.request.audit?.sentText(Buffer.from(JSON.stringify(configuration)));
  return configuration;
}

/** Reads YAML, and so also JSON. */
function parsedConfiguration(rest: RestRequest, kind: Kind, body: Buffer): KubeObject {
  const { name } = rest.route;
  const schema = rest.schemas.of(kind);
  const value = parseConfiguration(body, schema, kind.options.maxValues);
  checkType(kind, value);
  const object = value as KubeObject;
  if (object.metadata?.managedFields) throw new BadRequest('metadata.managedFields must be nil');
  const wrong = typedErrors(value as JsonObject, rootField(schema));
  if (wrong) throw unexpected(`failed to create typed patch object (${describe(kind, object)}): ${wrong}`);
  // Empty lists and maps are fields of the configuration, which Go's types do not have.
  if (!isCustom(kind)) resolveNulls(value as JsonObject, rootField(schema));
  const configuration = structuredClone(object);
  try {
    decodePart(schema, object);
  } catch (err) {
    throw unexpected(
      `failed to convert new object (${describe(kind, object)}) to proper version: unable to convert unstructured object ` +
        `to ${describeKind(kind)}: ${describeError(err)}`,
    );
  }
  checkDuplicates(rest, body);
  configuration.metadata ??= {};
  configuration.metadata.name ??= name;
  checkName(name, configuration);
  return configuration;
}

function parseConfiguration(body: Buffer, schema: ObjectSchema, maxValues?: number): Record<string, unknown> {
  try {
    const object = parseJson(body, maxValues, largeIntegersOf(schema)) ?? {};
    if (isRecord(object)) return object;
    const { message } = wrongType(object, '', 'map[string]interface {}');
    throw new BadRequest(`error unmarshaling JSON: while decoding JSON: ${message}`);
  } catch (cause) {
    throw undecodable(cause);
  }
}

const undecodable = (cause: unknown) =>
  cause instanceof BadRequest || cause instanceof SyntaxError
    ? new BadRequest(`error decoding YAML: ${cause.message}`)
    : cause;

function checkType(kind: Kind, { apiVersion, kind: name }: Record<string, unknown>): void {
  if (apiVersion === kind.apiVersion && name === kind.kind) return;
  const found = textOf(apiVersion);
  const slash = found.indexOf('/');
  const version = slash < 0 ? `/${found}` : found;
  throw new BadRequest(`invalid object type: ${version}, Kind=${textOf(name)}`);
}

/** As upstream: a value of another type counts as absent. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `default/web; apps/v1, Kind=Deployment` */
const describe = (kind: Kind, { metadata }: KubeObject): string =>
  `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}; ${describeKind(kind)}`;
const describeKind = ({ group, version, kind }: Kind): string => `${group}/${version}, Kind=${kind}`;

/** Field validation for duplicate keys. Unknown fields were refused before. */
function checkDuplicates(rest: RestRequest, body: Buffer): void {
  const { fieldValidation } = writeOptions(rest);
  if (fieldValidation === 'Ignore') return;
  const findings = duplicateKeysOf(body) ?? duplicateKeysIn(body.toString());
  if (fieldValidation === 'Warn') warn(rest, findings);
  else if (findings.length > 0)
    throw new BadRequest(`error strict decoding YAML: error converting YAML to JSON: ${unmarshalErrors(findings)}`);
}

/** Checks of an apply that would create the object. @throws NotFound, Conflict, Forbidden */
async function checkCreation({ authorizer }: RestDeps, { request, route }: RestRequest, applied: KubeObject) {
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
  await authorizer.prepare?.(request.user, attributes);
  if (!authorizer.allowsResource(request.user, attributes))
    throw deniedResource(authorizer, request.user, attributes, kind);
}

/** Restores the writer's resourceVersion and uid, which the merge replaced by the stored ones. */
function keepPreconditions(object: KubeObject, { metadata }: KubeObject): KubeObject {
  const { uid, resourceVersion } = metadata ?? {};
  object.metadata = { ...object.metadata, ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
  return object;
}
