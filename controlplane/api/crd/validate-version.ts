// The rules of the versions of a CustomResourceDefinition: schema, subresources, printer columns, selectable fields, deprecation.
// Upstream keeps a part that is equal in all versions once, at spec.validation, spec.subresources and so on, and its messages have
// these paths.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { duplicate, invalid, required, tooMany } from '../validation/causes';
import { dns1035Label } from '../validation/names';
import { resolveFieldPath } from './field-path';
import type { CrdColumn, CrdSubresources, CrdVersion } from './types';
import { validateSchema } from './validate-schema';

type Read<T> = (version: CrdVersion) => T | undefined;

/** A part of a definition, and the path at which upstream's messages name it. */
interface Place<T> {
  readonly value: T;
  readonly field: string;
  readonly version: CrdVersion;
  readonly isShared: boolean;
}

/** One place if the part is equal in all versions. */
function placesOf<T>(versions: readonly CrdVersion[], read: Read<T>, shared: string, own: string): Place<T>[] {
  const same = versions.every((version) => isDeepStrictEqual(read(version), read(versions[0]!)));
  return (same ? versions.slice(0, 1) : versions).flatMap((version, i) => {
    const value = read(version);
    return value === undefined
      ? []
      : [{ value, field: same ? shared : `spec.versions[${i}].${own}`, version, isShared: same }];
  });
}

export const schemasOf = (versions: readonly CrdVersion[]): Place<Definition>[] =>
  placesOf(
    versions,
    ({ schema }) => schema?.openAPIV3Schema,
    'spec.validation.openAPIV3Schema',
    'schema.openAPIV3Schema',
  );

/** A name of versions and of parts of names. */
export function labelCauses(field: string, value: string): FieldCause[] {
  const errors = dns1035Label(value);
  return errors.length === 0 ? [] : [invalid(field, value, errors.join(','))];
}

export const schemaCauses = (versions: readonly CrdVersion[]): FieldCause[] =>
  versions.flatMap(({ schema }, i) =>
    schema?.openAPIV3Schema ? [] : [required(`spec.versions[${i}].schema.openAPIV3Schema`)],
  );

/** The names of versions, and their parts that are not equal in all versions. */
export function validateEachVersion(versions: readonly CrdVersion[]): FieldCause[] {
  const parts = partsOf(versions).filter(({ isShared }) => !isShared);
  return versions.flatMap((version, i) => [
    ...labelCauses(`spec.versions[${i}].name`, version.name ?? ''),
    ...validateDeprecation(version, i),
    ...parts.filter((part) => part.version === version).flatMap(({ validate }) => validate()),
  ]);
}

/** The parts that are equal in all versions. */
export const validateShared = (versions: readonly CrdVersion[]): FieldCause[] =>
  partsOf(versions)
    .filter(({ isShared }) => isShared)
    .flatMap(({ validate }) => validate());

interface Part {
  readonly version: CrdVersion;
  readonly isShared: boolean;
  validate(): FieldCause[];
}

/** In the order of upstream's checks of one version. */
function partsOf(versions: readonly CrdVersion[]): Part[] {
  const hasStatusOf = (subresources: CrdSubresources | undefined) => subresources?.status !== undefined;
  const hasStatus = versions.some(({ subresources }) => hasStatusOf(subresources));
  const each = <T>(places: Place<T>[], validate: (place: Place<T>) => FieldCause[]): Part[] =>
    places.map((place) => ({ ...place, validate: () => validate(place) }));
  return [
    ...each(schemasOf(versions), ({ value, field, isShared, version }) =>
      validateSchema(value, field, isShared ? hasStatus : hasStatusOf(version.subresources)),
    ),
    ...each(
      placesOf(versions, ({ subresources }) => subresources, 'spec.subresources', 'subresources'),
      ({ value, field }) => validateSubresources(value, field),
    ),
    ...each(
      placesOf(
        versions,
        ({ additionalPrinterColumns: columns }) => columns,
        'spec.additionalPrinterColumns',
        'additionalPrinterColumns',
      ),
      ({ value, field }) => value.flatMap((column, i) => validateColumn(column, `${field}[${i}]`)),
    ),
    ...each(
      placesOf(versions, ({ selectableFields: fields }) => fields, 'spec.selectableFields', 'selectableFields'),
      ({ value, field, isShared, version: { schema } }) => {
        if (schema?.openAPIV3Schema) return validateSelectable(value, field, schema.openAPIV3Schema);
        // The second text says the opposite of what upstream means.
        const rule = isShared ? 'validations.schema is included' : '`version.schema.openAPIV3Schema` is not included';
        return [invalid(field, '', `may only be set when ${rule}`)];
      },
    ),
  ];
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
