// Names of pools, devices, requests, attributes and shares.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, required, tooLong } from '../validation/causes';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../validation/names';
import { validateDriverName } from '../volumes/source-checks';

const longestPoolName = 253;
const longestIdentifier = 32;
/** A domain, a slash and an identifier. */
export const longestQualifiedName = 63 + 1 + longestIdentifier;

const identifierFormat = '[A-Za-z_][A-Za-z0-9_]*';
const identifier = new RegExp(`^${identifierFormat}$`);

/** Of requests, devices and counters. */
export const validateLabelName = (name: string | undefined, field: string): FieldCause[] =>
  invalidEach(field, name ?? '', dns1123Label(name ?? ''));

export const validateQualifiedKey = (key: string | undefined, field: string): FieldCause[] =>
  invalidEach(field, key ?? '', qualifiedName(key ?? ''));

export const validateLabelValue = (value: string | undefined, field: string): FieldCause[] =>
  invalidEach(field, value ?? '', labelValue(value ?? ''));

/** Subdomains, divided by slashes. */
export function validatePoolName(name: string | undefined, field: string): FieldCause[] {
  if (!name) return [required(field)];
  if (name.length > longestPoolName) return [tooLong(field, longestPoolName)];
  return name.split('/').flatMap((part) => invalidEach(field, part, dns1123Subdomain(part)));
}

/** An attribute or capacity: an identifier, with or without the domain of its owner. */
export function validateAttributeName(name: string, field: string): FieldCause[] {
  const parts = name.split('/');
  if (parts.length > 2) return [invalid(field, name, 'must not contain more than one slash')];
  if (parts.length === 1) return validateIdentifier(name, field);
  const [domain = '', id = ''] = parts;
  return [
    ...(domain === '' ? [invalid(field, '', 'the domain must not be empty')] : validateDriverName(domain, field)),
    ...(id === '' ? [invalid(field, '', 'the name must not be empty')] : validateIdentifier(id, field)),
  ];
}

export function validateFullAttributeName(name: string, field: string): FieldCause[] {
  const detail = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...validateAttributeName(name, field), ...(name.includes('/') ? [] : [invalid(field, name, detail)])];
}

function validateIdentifier(id: string, field: string): FieldCause[] {
  const shape =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or " +
    `'_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '${identifierFormat}')`;
  return [
    ...(id.length > longestIdentifier ? [tooLong(field, longestIdentifier)] : []),
    ...(identifier.test(id) ? [] : [invalid(field, id, shape)]),
  ];
}

const uid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function validateShareId(id: string | undefined, field: string): FieldCause[] {
  if (id === undefined || uid.test(id)) return [];
  const form = '`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';
  return [invalid(field, id, `uid must be in RFC 4122 normalized form, ${form}`)];
}
