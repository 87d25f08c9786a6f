// PATCH: JSON patch, merge patch and strategic merge patch, applied to the object as stored at the moment of the write; requests
// for server-side apply go on to apply.ts.
import { parseJson } from '../../api/json-text';
import { isCustom, type Kind } from '../../api/kind';
import { findDuplicateFields } from '../../api/schema/duplicates';
import type { ObjectSchema } from '../../api/schema/schema';
import { duplicateField, strictError, strictFindings } from '../../api/schema/strict';
import { decodeStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { invalid as invalidField } from '../../api/validation/causes';
import { BadRequest, describeError, isTooLarge } from '../../base/errors';
import type { Json } from '../patch/json';
import { applyPatch, patchTypes } from '../patch/patch';
import { goMap } from '../patch/strategic-list';
import type { Reply } from '../request';
import { invalid, unsupportedMediaType } from '../status';
import { applyObject } from './apply';
import { type RestDeps, type RestRequest, warn } from './context';
import { checkKind, isRecord } from './decode';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';
import { mediaType, writeOptions } from './write-options';

/** In kube-apiserver's order of names. Apply is missing: only subresources of the object's own kind serve it. */
const ordinary: readonly string[] = [patchTypes.json, patchTypes.merge, patchTypes.strategic];

export interface ParsedPatch {
  readonly type: string;
  readonly value: unknown;
  /** Errors of strict decoding in the patch itself. */
  readonly findings: readonly string[];
}

/** @throws StatusError 415, BadRequest, Invalid */
export async function readPatch(rest: RestRequest, accepted = ordinary): Promise<ParsedPatch> {
  const type = mediaType(rest);
  // Custom resources have no Go type, which would define how their lists merge.
  const offered = isCustom(rest.route.kind) ? accepted.filter((one) => one !== patchTypes.strategic) : accepted;
  if (type === patchTypes.apply || !offered.includes(type)) throw unsupportedMediaType(offered);
  const body = await rest.request.body();
  const { fieldValidation } = writeOptions(rest);
  try {
    const value = parseJson(body);
    rest.request.audit?.sentText(body);
    const findings = fieldValidation === 'Ignore' ? [] : patchFindings(type, body.toString(), value);
    return { type, value, findings };
  } catch (cause) {
    if (isTooLarge(cause)) throw cause;
    const message = describeError(cause);
    throw new BadRequest(type === patchTypes.strategic ? message : `error decoding patch: ${message}`);
  }
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
  if (mediaType(rest) === patchTypes.apply) return applyObject(deps, rest);
  const { kind, namespace, name, subresource } = rest.route;
  const patch = await readPatch(rest, [...ordinary, patchTypes.apply]);
  const updated = await update(deps, rest, {
    kind,
    key: keyOf(kind, namespace, name),
    subresource,
    dryRun: writeOptions(rest).dryRun,
    transform: ({ json }) => patched(rest, patch, JSON.parse(json.toString()) as KubeObject, kind),
  });
  return renderObject(deps, rest, updated, 200);
}

/** `current` after the patch, in the structure of its kind. @throws BadRequest, Invalid, StatusError */
export function patched<T extends KubeObject>(rest: RestRequest, patch: ParsedPatch, current: T, kind: Kind): T {
  const { fieldValidation: mode } = writeOptions(rest);
  const schema = rest.schemas.of(kind);
  const object = applyPatch(patch.type, current, patch.value, schema);
  const { apiVersion, kind: name } = object;
  if (typeof (apiVersion ?? '') === 'string' && typeof (name ?? '') === 'string')
    checkKind(rest.catalog, kind, apiVersion, name);
  const unknown: string[] | undefined = mode === 'Ignore' ? undefined : [];
  try {
    decodeStructure(schema, object, unknown);
  } catch (cause) {
    throw invalidPatch(patch, current, schema, describeError(cause));
  }
  const findings = [...patch.findings, ...strictFindings(unknown ?? [], undefined)];
  if (mode === 'Strict' && findings.length > 0) throw invalidPatch(patch, current, schema, strictError(findings));
  warn(rest, findings);
  return object;
}

/** The error shows a strategic patch itself; for other patches it shows the resulting object. */
function invalidPatch(patch: ParsedPatch, current: KubeObject, schema: ObjectSchema, why: string) {
  const shown =
    patch.type === patchTypes.strategic
      ? goMap(patch.value as Json)
      : JSON.stringify(applyPatch(patch.type, current, patch.value, schema));
  return invalid({ group: '', kind: '' }, '', [invalidField('patch', shown, why)]);
}
