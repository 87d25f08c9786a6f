// The rule for ranges of addresses in fields that were strict from the beginning. Source: apimachinery's IsValidCIDR, its texts.
import { formatCidr, isMapped, parseAddress, parseCidr } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import { invalid } from './causes';

/** One spelling of each range, with no bits beyond its prefix. */
export function validateCidr(field: string, text: string): FieldCause[] {
  const why = whyNoCidr(text);
  return why === undefined ? [] : [invalid(field, text, why)];
}

function whyNoCidr(text: string): string | undefined {
  if (!isCidr(text) || /\/0\d/.test(text)) {
    const plain = text.includes(':') ? text.replace(/\/0+(?=\d)/, '/') : text.replace(/\b0+(?=\d)/g, '');
    return isCidr(plain)
      ? 'must not have leading 0s in IP or prefix length'
      : 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  }
  const range = parseCidr(text);
  const address = parseAddress(text.slice(0, text.indexOf('/')));
  if (isMapped(address)) return 'must not have an IPv4-mapped IPv6 address';
  if (address.value !== range.base) return 'must not have bits set beyond the prefix length';
  const canonical = formatCidr(range);
  return canonical === text ? undefined : `must be in canonical form (${JSON.stringify(canonical)})`;
}

function isCidr(text: string): boolean {
  try {
    parseCidr(text);
    return true;
  } catch {
    return false;
  }
}
