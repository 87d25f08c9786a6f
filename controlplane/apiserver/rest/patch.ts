// PATCH: JSON patch, merge patch and strategic merge patch, applied to the object as stored at the moment of the write; requests
// for server-side apply go on to apply.ts.
import { parseJson, parseStored } from '../../api/json-text';
import { isCustom, type Kind } from '../../api/kind';
import { otherVersion } from '../../api/other-versions';
import { findDuplicateFields } from '../../api/schema/duplicates';
import { conversionError } from '../../api/schema/go-types';
import type { ObjectSchema } from '../../api/schema/schema';
import { customFindings, duplicateField, strictError, strictFindings } from '../../api/schema/strict';
import { decodeStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { invalid as invalidField } from '../../api/validation/causes';
import { type AppError, BadRequest, describeError, isTooLarge } from '../../base/errors';
import type { Json } from '../patch/json';
import { applyPatch, patchTypes } from '../patch/patch';
import { ObjectIsList } from '../patch/rejected';
import { goMap } from '../patch/strategic-list';
import { header, type Reply } from '../request';
import { invalid, unsupportedMediaType, unsupportedPatchType } from '../status';
import { applyObject } from './apply';
import { type RestDeps, type RestRequest, warn } from './context';
import { checkName } from './create-on-update';
import { checkCustomKind, checkKind, isRecord, largeIntegersOf, noTypeMeta, wrongKind } from './decode';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';
import { writeOptions } from './write-options';

/** In kube-apiserver's order of names; apply, which comes last, is not read here. */
export const ordinaryPatches: readonly string[] = [patchTypes.json, patchTypes.merge, patchTypes.strategic];

export interface ParsedPatch {
  readonly type: string;
  readonly value: unknown;
  /** Errors of strict decoding in the patch itself. */
  readonly findings: readonly string[];
  /** Why the body is no patch. Thrown only when the object exists: upstream reads the object first. */
  readonly unreadable?: AppError;
}

/** As upstream: unlike other media types, these are compared letter by letter. */
const patchTypeOf = ({ request }: RestRequest): string => header(request.headers, 'content-type').split(';', 1)[0]!;

/** @throws StatusError 415, BadRequest, Invalid */
export async function readPatch(rest: RestRequest, accepted = ordinaryPatches): Promise<ParsedPatch> {
  const type = patchTypeOf(rest);
  // Custom resources have no Go type, which would define how their lists merge.
  const offered = isCustom(rest.route.kind) ? accepted.filter((one) => one !== patchTypes.strategic) : accepted;
  if (type === patchTypes.apply || !offered.includes(type)) throw wrongPatchType(rest.route.kind, type, offered);
  const body = await rest.request.body();
  const { fieldValidation } = writeOptions(rest);
  try {
    const value = parseJson(body, undefined, largeIntegersOf(rest.schemas.of(rest.route.kind)));
    rest.request.audit?.sentText(body);
    const findings = fieldValidation === 'Ignore' ? [] : patchFindings(type, body.toString(), value);
    return { type, value, findings };
  } catch (cause) {
    if (isTooLarge(cause)) throw cause;
    const message = describeError(cause);
    const unreadable = new BadRequest(type === patchTypes.strategic ? message : `error decoding patch: ${message}`);
    return { type, value: undefined, findings: [], unreadable };
  }
}

/** Upstream's router knows the patches that some resource takes, and the resource those that it takes itself. */
function wrongPatchType(kind: Kind, type: string, offered: readonly string[]): AppError {
  const known = isCustom(kind) || Object.values<string>(patchTypes).includes(type);
  return known ? unsupportedMediaType(offered) : unsupportedPatchType();
}

const operationFields = new Set(['op', 'path', 'from', 'value']);

/** Duplicate fields; in a JSON patch also unknown fields of operations. */
function patchFindings(type: string, text: string, value: unknown): string[] {
  if (type !== patchTypes.json) return findDuplicateFields(text).map(duplicateField);
  const operations: unknown[] = Array.isArray(value) ? value : [];
  const unknown = operations.flatMap((operation, i) => {
    return isRecord(operation)
      ? Object.keys(operation).flatMap((key) => (operationFields.has(key) ? [] : `[${i}].${key}`))
      : [];
  });
  // Only the fields of an operation itself are checked; its value may have any fields.
  const inOrder = strictFindings(unknown, text).filter((one) => /"\[\d+\]\.\w+"$/.test(one));
  return inOrder.map((one) => `json patch ${one}`);
}

export async function patchObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  if (patchTypeOf(rest) === patchTypes.apply) return applyObject(deps, rest);
  const { kind, namespace, name, subresource } = rest.route;
  const patch = await readPatch(rest, [...ordinaryPatches, patchTypes.apply]);
  const updated = await update(deps, rest, {
    kind,
    key: keyOf(kind, namespace, name),
    subresource,
    dryRun: writeOptions(rest).dryRun,
    transform: ({ json }) => patched(rest, patch, parseStored(json.toString()) as KubeObject, kind),
  });
  return renderObject(deps, rest, updated, 200);
}

/** `current` after the patch, in the structure of its kind. @throws BadRequest, Invalid, StatusError */
export function patched<T extends KubeObject>(rest: RestRequest, patch: ParsedPatch, current: T, kind: Kind): T {
  if (patch.unreadable) throw patch.unreadable;
  const { fieldValidation: mode } = writeOptions(rest);
  const schema = rest.schemas.of(kind);
  const object = applied(patch, current, kind, schema);
  const { apiVersion, kind: name } = object;
  const isTyped = typeof (apiVersion ?? '') === 'string' && typeof (name ?? '') === 'string';
  if (isTyped && isCustom(kind)) {
    if (name && (apiVersion ?? kind.apiVersion) === kind.apiVersion) checkCustomKind(kind, name, object.metadata);
    const isKnown = rest.catalog.byKind(apiVersion || kind.apiVersion, name || kind.kind);
    const why = isKnown ? undefined : wrongKind(rest.catalog, kind, apiVersion, name);
    if (why) throw invalidPatch(patch, current, schema, why);
    checkKind(rest.catalog, kind, apiVersion, name);
  } else if (isTyped && patch.type !== patchTypes.strategic) {
    // Without a version upstream decodes into its internal type, which has no JSON names: no field is read.
    if (!apiVersion) checkName(rest.route.name ?? '', {});
    const isReadable = (name || kind.kind) === kind.kind && otherVersion(kind, apiVersion ?? '') === 'same fields';
    const why = isReadable ? undefined : wrongKind(rest.catalog, kind, apiVersion, name);
    if (why) throw invalidPatch(patch, current, schema, why);
  }
  const unknown: string[] | undefined = mode === 'Ignore' ? undefined : [];
  try {
    decodeStructure(schema, object, unknown);
  } catch (cause) {
    const why = patch.type === patchTypes.strategic ? conversionError(cause) : describeError(cause);
    throw invalidPatch(patch, current, schema, why);
  }
  const findings = [
    ...patch.findings,
    ...(schema.unstructured ? customFindings : strictFindings)(unknown ?? [], undefined),
  ];
  if (mode === 'Strict' && findings.length > 0) throw invalidPatch(patch, current, schema, strictError(findings));
  warn(rest, findings);
  if (isCustom(kind)) return object;
  // A strategic patch is applied to an object of a Go type, which has a kind however the patch calls it.
  return Object.assign(object, { apiVersion: kind.apiVersion, kind: kind.kind });
}

/** @throws BadRequest, Invalid */
function applied<T extends KubeObject>({ type, value }: ParsedPatch, current: T, kind: Kind, schema: ObjectSchema): T {
  try {
    return applyPatch(type, current, value, schema);
  } catch (err) {
    if (!(err instanceof ObjectIsList) || isCustom(kind)) throw err;
    const why = `couldn't get version/kind; json parse error: ${noTypeMeta(err.list)}`;
    throw invalid({ group: '', kind: '' }, '', [invalidField('patch', JSON.stringify(err.list), why)]);
  }
}

/** The error shows a strategic patch itself; for other patches it shows the resulting object. */
function invalidPatch(patch: ParsedPatch, current: KubeObject, schema: ObjectSchema, why: string) {
  const shown =
    patch.type === patchTypes.strategic
      ? goMap(patch.value as Json)
      : JSON.stringify(applyPatch(patch.type, current, patch.value, schema));
  return invalid({ group: '', kind: '' }, '', [invalidField('patch', shown, why)]);
}
