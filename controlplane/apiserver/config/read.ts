// Reads a configuration file of the server: YAML or JSON text, one kind of apiserver.config.k8s.io or audit.k8s.io. Decoding is
// strict, as upstream: a misspelt field of a security policy must not be ignored. Pure.
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { strictError, strictFindings } from '../../api/schema/strict';
import { decodeStructure } from '../../api/schema/structure';
import { BadRequest, describeError, type FieldCause } from '../../base/errors';
import { yamlToJson } from '../yaml/to-json';

export interface ConfigKind {
  readonly group: string;
  /** The versions that have these fields; the present one first. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly fields: Readonly<Record<string, FieldSchema>>;
}

/** For schemas of files. */
export const text: FieldSchema = { type: 'string' };
export const flag: FieldSchema = { type: 'boolean' };
export const listOf = (items: FieldSchema): FieldSchema => ({ type: 'array', items });
export const objectOf = (fields: Readonly<Record<string, FieldSchema>>): FieldSchema => ({
  type: 'object',
  object: { fields },
});

/** `file` names the file in messages. @throws BadRequest */
export function readConfig(source: string, file: string, config: ConfigKind): unknown {
  const schema: ObjectSchema = {
    fields: { apiVersion: text, kind: text, metadata: { type: 'any' }, ...config.fields },
  };
  try {
    const json = yamlToJson(source);
    const value = JSON.parse(json) as Partial<Record<'apiVersion' | 'kind', unknown>> | null;
    const { apiVersion, kind } = value ?? {};
    const known = config.versions.map((version) => `${config.group}/${version}`);
    if (kind !== config.kind || !known.includes(String(apiVersion))) {
      throw new BadRequest(`expected kind ${config.kind} of ${known.join(' or ')}, not ${kind} of ${apiVersion}`);
    }
    const unknown: string[] = [];
    decodeStructure(schema, value, unknown);
    const findings = strictFindings(unknown, json);
    if (findings.length > 0) throw new BadRequest(strictError(findings));
    return value;
  } catch (cause) {
    throw new BadRequest(`${file}: ${describeError(cause)}`, { cause });
  }
}

/** @throws BadRequest with all causes, if there are any */
export function refuseCauses(file: string, causes: readonly FieldCause[]): void {
  if (causes.length === 0) return;
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  throw new BadRequest(`${file}: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`);
}
