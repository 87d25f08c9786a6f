// What a webhook's patch makes of an object: applied, decoded by the schema, and put back in place with the fields that only the
// server sets.
import type { Kind } from '../../api/kind';
import type { ObjectSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { decodeStructure } from '../../api/schema/structure';
import type { KubeObject, ObjectMeta } from '../../api/types';
import { virtualKinds } from '../../api/virtual';
import { describeError, isInvalid } from '../../base/errors';
import type { Json, JsonObject } from '../patch/json';
import { applyJsonPatch } from '../patch/json-patch';
import { equalJson } from '../rest/equal';
import type { Write } from '../write/rule';
import { type AdmittedForm, bodyKind, fromForm } from './admitted';
import { internalError } from './errors';
import type { Candidate } from './webhook-index';

/** Applies the patch to the object of the write, in place. Returns false when it changes nothing. @throws StatusError 500 */
export function applyWebhookPatch(
  schemas: SchemaSet,
  write: Write,
  { hook, kind }: Candidate,
  form: AdmittedForm,
  patch: Json,
): boolean | Promise<boolean> {
  if (!form.object || !write.object) {
    const name = JSON.stringify(hook.webhook.name);
    throw internalError(
      `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
    );
  }
  return putBack(write, kind, form.object, patched(form.object, patch, schemaOf(schemas, write, kind)));
}

/**
 * Makes the object of the write, in place, what `seen` became in another form. False when nothing changed. A promise when a webhook must
 * convert the object.
 */
export function putBack(write: Write, kind: Kind, seen: KubeObject, changed: KubeObject): boolean | Promise<boolean> {
  if (!write.object || equalJson(changed, seen)) return false;
  const next = fromForm(write, kind, changed);
  return next instanceof Promise ? next.then((object) => replaceBy(write, object)) : replaceBy(write, next);
}

function replaceBy(write: Write, next: KubeObject): true {
  next.metadata = keepIdentity(next.metadata ?? {}, write.object!.metadata ?? {});
  replaceFields(write.object!, next);
  if (write.context) write.kind.options.defaults?.(write.object!);
  return true;
}

function patched(object: KubeObject, patch: Json, schema: ObjectSchema | undefined): KubeObject {
  try {
    const changed = applyJsonPatch(object as JsonObject, patch) as KubeObject;
    if (object.kind) changed.kind = object.kind;
    if (object.apiVersion) changed.apiVersion = object.apiVersion;
    if (schema) decodeStructure(schema, changed, undefined);
    return changed;
  } catch (err) {
    // The cause says which operation does not apply; a client that sends a patch itself does not get to see it.
    throw internalError(describeError(isInvalid(err) ? (err.cause ?? err) : err));
  }
}

/** Undefined for the options of exec and the like, which have no schema here. */
export function schemaOf(
  schemas: SchemaSet,
  { subresource }: Write,
  seen: Candidate['kind'],
): ObjectSchema | undefined {
  const { group, kind } = bodyKind(seen, subresource);
  if (kind === seen.kind && group === seen.group) return schemas.of(seen);
  const body = virtualKinds.find((one) => one.kind === kind && one.group === group);
  return body && schemas.of(body);
}

/** Fields that no writer sets, or that name the object: the path and the server decide about them. */
const kept = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'creationTimestamp',
  'generation',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
] as const satisfies readonly (keyof ObjectMeta)[];

function keepIdentity(metadata: ObjectMeta, before: ObjectMeta): ObjectMeta {
  const result = { ...metadata };
  for (const field of kept) keep(result, before, field);
  return result;
}

function keep<K extends keyof ObjectMeta>(metadata: ObjectMeta, before: ObjectMeta, field: K): void {
  if (before[field] === undefined) delete metadata[field];
  else metadata[field] = before[field];
}

/** In place: the verbs and the rules hold the same object. */
function replaceFields(object: KubeObject, next: KubeObject): void {
  const fields = object as Record<string, unknown>;
  for (const field of Object.keys(fields)) if (!(field in next)) delete fields[field];
  Object.assign(fields, next);
}
