// Rules for addresses that a user names and nodes send packets to: both kinds of endpoints, and external IPs. A node's kernel and
// processes connect to them, so none may mean the node itself or all machines of its network.
import { isIP } from 'node:net';
import { type Address, cidrContains, isMapped, parseAddress, parseCidr } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach } from './causes';

const notAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** An address without a zone (%eth0), which has a meaning only on one machine. */
const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes('%');

export function validateIp(field: string, ip: string): FieldCause[] {
  return isAddress(ip) ? [] : [invalid(field, ip, notAddress)];
}

interface Range {
  readonly ranges: readonly string[];
  readonly detail: string;
}

/** Upstream does not refuse the last two, by an oversight: both reach more than one machine. */
const refused: readonly Range[] = [
  { ranges: ['127.0.0.0/8', '::1/128'], detail: 'may not be in the loopback range (127.0.0.0/8, ::1/128)' },
  { ranges: ['169.254.0.0/16', 'fe80::/10'], detail: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)' },
  {
    ranges: ['224.0.0.0/24', 'ff02::/16'],
    detail: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  },
  { ranges: ['224.0.0.0/4', 'ff00::/8'], detail: 'may not be in the multicast range (224.0.0.0/4, ff00::/8)' },
  { ranges: ['255.255.255.255/32'], detail: 'may not be the limited broadcast address (255.255.255.255)' },
];
const parsed = refused.map(({ ranges, detail }) => ({ ranges: ranges.map(parseCidr), detail }));

/** Why an address may not be a destination; undefined when it may. `text` must be an address. */
function whyNoDestination(text: string): string | undefined {
  const address: Address = parseAddress(text);
  // The kernel uses the IPv4 address inside, although the field has family IPv6.
  if (isMapped(address)) return 'must not be an IPv4-mapped IPv6 address';
  if (address.value === 0n) return `may not be unspecified (${text})`;
  return parsed.find(({ ranges }) => ranges.some((range) => cidrContains(range, address)))?.detail;
}

/** An address of an endpoint, or an external IP of a Service. */
export function validateDestination(ip: string, field: string): FieldCause[] {
  const wrong = validateIp(field, ip);
  if (wrong.length > 0) return wrong;
  const why = whyNoDestination(ip);
  return why === undefined ? [] : invalidEach(field, ip, [why]);
}
