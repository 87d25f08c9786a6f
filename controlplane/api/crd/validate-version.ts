// The rules of the versions of a CustomResourceDefinition: schema, subresources, printer columns, selectable fields, deprecation.
// Upstream keeps a part that is equal in all versions once, at spec.validation, spec.subresources and so on, and its messages have
// these paths.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { duplicate, invalid, required } from '../validation/causes';
import { parseJsonPath } from './json-path';
import type { CrdColumn, CrdSubresources, CrdVersion } from './types';
import { validateSchema } from './validate-schema';

export function validateVersions(versions: readonly CrdVersion[]): FieldCause[] {
  const causes: FieldCause[] = versions.flatMap(validateDeprecation);
  const each = <T>(
    read: (version: CrdVersion) => T | undefined,
    shared: string,
    own: string,
    validate: (value: T, field: string, version: CrdVersion) => FieldCause[],
  ) => {
    const same = versions.every((version) => isDeepStrictEqual(read(version), read(versions[0]!)));
    const checked = same ? versions.slice(0, 1) : versions;
    checked.forEach((version, i) => {
      const value = read(version);
      if (value !== undefined) causes.push(...validate(value, same ? shared : `spec.versions[${i}].${own}`, version));
    });
  };
  versions.forEach((version, i) => {
    if (!version.schema?.openAPIV3Schema) {
      causes.push(required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'));
    }
  });
  each(
    ({ schema }) => schema?.openAPIV3Schema,
    'spec.validation.openAPIV3Schema',
    'schema.openAPIV3Schema',
    validateSchema,
  );
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
  if (text.length > maxDeprecationWarning)
    causes.push(invalid(field, text, `must be <= ${maxDeprecationWarning} characters long`));
  if (text === '') causes.push(invalid(field, text, 'must not be empty'));
  if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(text)) {
    causes.push(invalid(field, text, 'must only contain printable UTF-8 characters; non-printable character found'));
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

function simplePathError(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (!path.startsWith('.')) return 'must be a simple json path starting with .';
  return parseJsonPath(path) ? undefined : 'is an invalid path';
}

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
  if (fields.length > maxSelectable) {
    causes.push({
      reason: 'FieldValueInvalid',
      field,
      message: `Too many: ${fields.length}: must have at most ${maxSelectable} items`,
    });
  }
  const seen = new Set<string>();
  fields.forEach(({ jsonPath = '' }, i) => {
    const at = `${field}[${i}].jsonPath`;
    if (jsonPath === '') causes.push(required(at));
    else if (seen.has(jsonPath)) causes.push(duplicate(at, jsonPath));
    else {
      const wrong = selectableError(jsonPath, schema);
      if (wrong) causes.push(invalid(at, jsonPath, wrong));
    }
    seen.add(jsonPath);
  });
  return causes;
}

function selectableError(path: string, schema: Definition): string | undefined {
  const keys = path.slice(1).split('.');
  if (!/^(\.[A-Za-z_][\w-]*)+$/.test(path)) return 'is an invalid path: must be a simple json path with fields only';
  if (keys[0] === 'metadata') return 'must not point to fields in metadata';
  let at: Definition | undefined = schema;
  for (const key of keys) {
    const properties: Definition['properties'] = at?.properties;
    at = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
  }
  if (!at) return `is an invalid path: does not refer to a valid field`;
  const known = at.type === 'string' || at.type === 'boolean' || at.type === 'integer';
  return known
    ? undefined
    : 'must point to a field of type boolean, integer, or string. Enum string fields and strings with formats are allowed.';
}
