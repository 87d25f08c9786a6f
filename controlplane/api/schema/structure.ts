// Structural validation: does a request body fit the schema of its kind? Decodes like kube-apiserver's typed decoder: wrong types
// are errors, unknown fields are reported or ignored and always dropped, null means absent.
import { BadRequest } from '../../base/errors';
import { compileObject } from './compile';
import type { ObjectSchema } from './schema';
import { customFindings, strictError, strictFindings } from './strict';

/** The fieldValidation query parameter. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** The text of a body, in which strict decoding finds duplicate fields. */
export interface SourceText {
  readonly json?: string;
  /** Of a body in YAML: what its parser found, one by one and in one message. */
  readonly yamlErrors?: { readonly texts: readonly string[]; readonly message: string };
}

/** How messages name a kind. */
export interface StructuredKind {
  readonly version: string;
  readonly kind: string;
}

/**
 * Makes `object` fit its schema, in place: removes unknown fields, nulls and empty optional lists and maps. `source` is the text
 * of the object, absent for the result of a patch.
 * @returns the texts of Warning headers, only in mode Warn
 * @throws BadRequest when a value has the wrong type, or in mode Strict when a field is unknown or duplicate
 */
export function validateStructure(
  schema: ObjectSchema,
  kind: StructuredKind,
  object: unknown,
  mode: FieldValidation,
  { json, yamlErrors }: SourceText = {},
): string[] {
  const unknown = mode === 'Ignore' ? undefined : [];
  try {
    decodeStructure(schema, object, unknown);
  } catch (err) {
    if (err instanceof BadRequest) throw cannotHandle(kind, err.message);
    throw err;
  }
  if (mode === 'Ignore') return [];
  const duplicates = yamlErrors?.texts ?? [];
  // Upstream reads the JSON that its YAML parser wrote: duplicate keys are gone, and the others are sorted.
  const text = yamlErrors ? undefined : json;
  const findings = (schema.unstructured ? customFindings : strictFindings)(unknown ?? [], text);
  if (mode === 'Strict' && duplicates.length + findings.length > 0) {
    throw cannotHandle(kind, strictError(duplicates.length > 0 ? [yamlErrors!.message, ...findings] : findings));
  }
  return [...duplicates, ...findings];
}

/** Collects the paths of unknown fields in `unknown`. @throws BadRequest for a value of the wrong type */
export function decodeStructure(schema: ObjectSchema, object: unknown, unknown: string[] | undefined): void {
  compileObject(schema)(object, { unknown }, '', '');
}

/** Decodes a part of an object, as a configuration of server-side apply is one: zero values stay. @throws BadRequest */
export function decodePart(schema: ObjectSchema, part: unknown): void {
  compileObject(schema)(part, { unknown: undefined, partial: true }, '', '');
}

/** The error for a body that does not fit its kind. */
export function cannotHandle({ kind, version }: StructuredKind, cause: string): BadRequest {
  return new BadRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${cause}`);
}
