// Names such as acme.io/foo: a DNS name, a slash, and a path.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, required } from './causes';
import { dns1123Subdomain } from './names';

const pathFormat = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const path_ = new RegExp(`^${pathFormat}$`);

export function domainPrefixedPath(value: string, field: string): FieldCause[] {
  if (value === '') return [required(field)];
  const slash = value.indexOf('/');
  const [host, path] = [value.slice(0, slash), value.slice(slash + 1)];
  if (slash <= 0 || path === '') {
    return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  return [
    ...invalidEach(field, host, dns1123Subdomain(host)),
    ...(path_.test(path) ? [] : [invalid(field, path, `Invalid path (regex used for validation is '${pathFormat}')`)]),
  ];
}
