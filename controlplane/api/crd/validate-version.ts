// The rules of the versions of a CustomResourceDefinition: schema, subresources, printer columns, selectable fields, deprecation.
// Upstream keeps a part that is equal in all versions once, at spec.validation, spec.subresources and so on, and its messages have
// these paths.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { duplicate, invalid, required, tooMany } from '../validation/causes';
import { resolveFieldPath } from './field-path';
import { schemaRequired } from './openapi-rules';
import type { CrdColumn, CrdSubresources, CrdVersion } from './types';
import { validateSchema } from './validate-schema';

type Read<T> = (version: CrdVersion) => T | undefined;

/** A part of a definition, and the path at which upstream's messages name it. */
interface Place<T> {
  readonly value: T;
  readonly field: string;
  readonly version: CrdVersion;
}

/** One place if the part is equal in all versions. */
function placesOf<T>(versions: readonly CrdVersion[], read: Read<T>, shared: string, own: string): Place<T>[] {
  const same = versions.every((version) => isDeepStrictEqual(read(version), read(versions[0]!)));
  return (same ? versions.slice(0, 1) : versions).flatMap((version, i) => {
    const value = read(version);
    return value === undefined ? [] : [{ value, field: same ? shared : `spec.versions[${i}].${own}`, version }];
  });
}

export const schemasOf = (versions: readonly CrdVersion[]): Place<Definition>[] =>
  placesOf(
    versions,
    ({ schema }) => schema?.openAPIV3Schema,
    'spec.validation.openAPIV3Schema',
    'schema.openAPIV3Schema',
  );

export function validateVersions(versions: readonly CrdVersion[]): FieldCause[] {
  const causes: FieldCause[] = versions.flatMap(validateDeprecation);
  const hasStatusOf = (subresources: CrdSubresources | undefined) => subresources?.status !== undefined;
  const hasStatus = versions.some(({ subresources }) => hasStatusOf(subresources));
  const each = <T>(
    read: Read<T>,
    shared: string,
    own: string,
    validate: (value: T, field: string, version: CrdVersion) => FieldCause[],
  ) => {
    for (const { value, field, version } of placesOf(versions, read, shared, own)) {
      causes.push(...validate(value, field, version));
    }
  };
  versions.forEach((version, i) => {
    if (!version.schema?.openAPIV3Schema) {
      causes.push(schemaRequired(`spec.versions[${i}].schema.openAPIV3Schema`));
    }
  });
  for (const { value, field, version } of schemasOf(versions)) {
    const isShared = field.startsWith('spec.validation');
    causes.push(...validateSchema(value, field, isShared ? hasStatus : hasStatusOf(version.subresources)));
  }
  each(({ subresources }) => subresources, 'spec.subresources', 'subresources', validateSubresources);
  each(
    ({ additionalPrinterColumns: columns }) => columns,
    'spec.additionalPrinterColumns',
    'additionalPrinterColumns',
    (columns, field) => columns.flatMap((column, i) => validateColumn(column, `${field}[${i}]`)),
  );
  each(
    ({ selectableFields: fields }) => fields,
    'spec.selectableFields',
    'selectableFields',
    (fields, field, { schema }) => validateSelectable(fields, field, schema?.openAPIV3Schema ?? {}),
  );
  return causes;
}

const maxDeprecationWarning = 256;

function validateDeprecation({ deprecated, deprecationWarning: text }: CrdVersion, i: number): FieldCause[] {
  const field = `spec.versions[${i}].deprecationWarning`;
  if (text === undefined) return [];
  if (!deprecated) return [invalid(field, text, 'can only be set for deprecated versions')];
  const causes: FieldCause[] = [];
  if (Buffer.byteLength(text) > maxDeprecationWarning)
    causes.push(invalid(field, text, `must be <= ${maxDeprecationWarning} characters long`));
  if (text === '') causes.push(invalid(field, text, 'must not be an empty string'));
  const odd = text.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (odd >= 0) {
    const detail = 'must only contain printable UTF-8 characters; non-printable character found at index';
    causes.push(invalid(field, text, `${detail} ${Buffer.byteLength(text.slice(0, odd))}`));
  }
  return causes;
}

function validateSubresources({ scale }: CrdSubresources, field: string): FieldCause[] {
  if (!scale) return [];
  const path = (name: string, value: string | undefined, roots: readonly string[], rule: string): FieldCause[] => {
    const at = `${field}.scale.${name}`;
    if (!value) return [required(at)];
    const wrong = simplePathError(value);
    if (wrong) return [invalid(at, value, wrong)];
    return roots.some((root) => value.startsWith(root)) ? [] : [invalid(at, value, rule)];
  };
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...path('specReplicasPath', specReplicasPath, ['.spec.'], 'should be a json path under .spec'),
    ...path('statusReplicasPath', statusReplicasPath, ['.status.'], 'should be a json path under .status'),
    ...(labelSelectorPath
      ? path(
          'labelSelectorPath',
          labelSelectorPath,
          ['.spec.', '.status.'],
          'should be a json path under either .spec or .status',
        )
      : []),
  ];
}

/** Upstream looks at the first character only; columns with paths that it cannot read are not shown. */
const simplePathError = (path: string): string | undefined =>
  path.startsWith('.') ? undefined : 'must be a simple json path starting with .';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function validateColumn({ name, type, format, jsonPath }: CrdColumn, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (!name) causes.push(required(`${field}.name`));
  if (!type) causes.push(required(`${field}.type`, `must be one of ${columnTypes.join(',')}`));
  else if (!columnTypes.includes(type)) {
    causes.push(invalid(`${field}.type`, type, `must be one of ${columnTypes.join(',')}`));
  }
  if (format && !columnFormats.includes(format)) {
    causes.push(invalid(`${field}.format`, format, `must be one of ${columnFormats.join(',')}`));
  }
  const wrong = jsonPath ? simplePathError(jsonPath) : undefined;
  if (!jsonPath) causes.push(required(`${field}.JSONPath`));
  else if (wrong) causes.push(invalid(`${field}.JSONPath`, jsonPath, wrong));
  return causes;
}

/** Upstream's bound: each field costs an index in its cache. */
const maxSelectable = 8;

function validateSelectable(
  fields: readonly { readonly jsonPath: string }[],
  field: string,
  schema: Definition,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  fields.forEach(({ jsonPath = '' }, i) => {
    const at = `${field}[${i}].jsonPath`;
    if (jsonPath === '') {
      causes.push(required(at));
      return;
    }
    const found = resolveFieldPath(jsonPath, schema, false);
    if (typeof found === 'string') {
      causes.push(invalid(at, jsonPath, `is an invalid path: ${found}`));
      return;
    }
    if (found.keys[0] === 'metadata') causes.push(invalid(at, jsonPath, 'must not point to fields in metadata'));
    const { type } = found.schema;
    if (type !== 'string' && type !== 'boolean' && type !== 'integer') {
      const types =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      causes.push(invalid(at, jsonPath, types));
    }
    if (seen.has(found.text)) causes.push(duplicate(at, jsonPath));
    seen.add(found.text);
  });
  if (seen.size > maxSelectable) causes.push(tooMany(field, seen.size, maxSelectable));
  return causes;
}
