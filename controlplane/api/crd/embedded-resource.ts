// The rules of x-kubernetes-embedded-resource: an object inside a custom object has a kind and metadata as every object.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, required } from '../validation/causes';
import { validateAnnotations, validateLabels } from '../validation/metadata';
import { dns1035Label } from '../validation/names';

type Labels = Readonly<Record<string, string>>;

export function embeddedCauses(object: Readonly<Record<string, unknown>>, field: string): FieldCause[] {
  const { metadata } = object;
  return [
    ...['apiVersion', 'kind'].flatMap((key) => (Object.hasOwn(object, key) ? [] : [required(`${field}.${key}`)])),
    ...textCauses(object, 'kind', field, kindErrors),
    ...textCauses(object, 'apiVersion', field, versionErrors),
    ...(typeof metadata === 'object' && metadata !== null ? metadataCauses(metadata, `${field}.metadata`) : []),
  ];
}

function textCauses(
  object: Readonly<Record<string, unknown>>,
  key: string,
  field: string,
  errors: (value: string) => string[],
): FieldCause[] {
  const at = `${field}.${key}`;
  if (!Object.hasOwn(object, key)) return [];
  const value = object[key];
  if (typeof value !== 'string') return [invalid(at, value, 'must be a string')];
  return value === '' ? [invalid(at, value, 'must not be empty')] : invalidEach(at, value, errors(value));
}

const versionErrors = (value: string): string[] =>
  value.split('/', 3).length > 2 ? [`unexpected GroupVersion string: ${value}`] : [];

function kindErrors(value: string): string[] {
  const errors = dns1035Label(value.toLowerCase());
  return errors.length === 0 ? [] : [`may have mixed case, but should otherwise match: ${errors.join(',')}`];
}

/** Its types were checked when the object was decoded. */
function metadataCauses(metadata: object, field: string): FieldCause[] {
  const { name = '', labels, annotations } = metadata as { name?: string; labels?: Labels; annotations?: Labels };
  const segment = name === '.' || name === '..' ? [`may not be '${name}'`] : [];
  const signs = ['/', '%'].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`);
  return [
    ...invalidEach(`${field}.name`, name, [...segment, ...signs]),
    ...validateLabels(labels, `${field}.labels`),
    ...validateAnnotations(annotations, `${field}.annotations`),
  ];
}
