// ip("10.0.0.1"), cidr("10.0.0.0/8") and their functions. Source: Kubernetes' IP and CIDR libraries.
import type { Environment } from '@marcbachmann/cel-js';
import {
  type Address,
  type Cidr,
  canonicalAddress,
  cidrContains,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
} from '../../base/cidr';
import { CelEvaluationError } from '../errors';
import { addressError, prefixError } from './address-errors';

class CelIp {
  constructor(readonly address: Address) {}
}
/** `address` may have bits behind the prefix; `range` has none. */
class CelCidr {
  constructor(
    readonly address: Address,
    readonly range: Cidr,
  ) {}
}

/** Upstream accepts neither zones nor addresses of version 4 in the form of version 6. */
function ipOf(text: string): CelIp {
  const quoted = JSON.stringify(text);
  const wrong = addressError(text);
  if (wrong !== undefined) {
    throw new CelEvaluationError(`IP Address ${quoted} parse error during conversion from string: ${wrong}`);
  }
  if (text.includes('%')) throw new CelEvaluationError(`IP address ${quoted} with zone value is not allowed`);
  const address = parseAddress(text);
  if (isMapped(address)) throw new CelEvaluationError(`IPv4-mapped IPv6 address ${quoted} is not allowed`);
  return new CelIp(address);
}

function cidrOf(text: string): CelCidr {
  const failed = 'network address parse error during conversion from string: ';
  const wrong = prefixError(text);
  if (wrong !== undefined) throw new CelEvaluationError(failed + failed + wrong);
  const address = parseAddress(text.split('/')[0]!);
  if (isMapped(address)) {
    throw new CelEvaluationError(`${failed}IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  }
  return new CelCidr(address, rangeOf(text));
}

const mappedPrefix = 0xffffn;
const isMapped = ({ family, value }: Address): boolean => family === 6 && value >> 32n === mappedPrefix;

/** The network of an address with a prefix: 10.1.2.3/8 is 10.0.0.0/8. */
function rangeOf(text: string): Cidr {
  const [address = '', prefix = ''] = text.split('/');
  const { family, value } = parseAddress(address);
  const hostBits = BigInt((family === 4 ? 32 : 128) - Number(prefix));
  if (hostBits < 0n || !/^\d{1,3}$/.test(prefix)) return parseCidr(text);
  return parseCidr(`${formatAddress({ family, value: (value >> hostBits) << hostBits })}/${prefix}`);
}

const is = (read: (text: string) => unknown) => (text: string) => {
  try {
    read(text);
    return true;
  } catch (err) {
    if (err instanceof CelEvaluationError) return false;
    throw err;
  }
};

const within = (...texts: readonly string[]) => {
  const ranges = texts.map(parseCidr);
  return ({ address }: CelIp) =>
    ranges.some((range) => range.family === address.family && cidrContains(range, address));
};
const isLoopback = within('127.0.0.0/8', '::1/128');
const isUnspecified = within('0.0.0.0/32', '::/128');
const isLinkLocalMulticast = within('224.0.0.0/24', 'ff02::/16');
const isLinkLocalUnicast = within('169.254.0.0/16', 'fe80::/10');
const isMulticast = within('224.0.0.0/4', 'ff00::/8');
const isBroadcast = within('255.255.255.255/32');
const isGlobalUnicast = (ip: CelIp): boolean =>
  ![isLoopback, isUnspecified, isLinkLocalUnicast, isMulticast, isBroadcast].some((isOf) => isOf(ip));

const contains = ({ range }: CelCidr, { address }: CelIp): boolean =>
  range.family === address.family && cidrContains(range, address);
const containsCidr = (outer: CelCidr, inner: CelCidr): boolean =>
  outer.range.prefix <= inner.range.prefix && contains(outer, new CelIp(inner.address));

const sameAddress = (a: Address, b: Address): boolean => a.family === b.family && a.value === b.value;

export function registerAddresses(environment: Environment): void {
  environment
    .registerType('net.IP', { ctor: CelIp, fields: {} })
    .registerType('net.CIDR', { ctor: CelCidr, fields: {} })
    .registerOperator('net.IP == net.IP', (a: CelIp, b: CelIp) => sameAddress(a.address, b.address))
    .registerOperator(
      'net.CIDR == net.CIDR',
      (a: CelCidr, b: CelCidr) => sameAddress(a.address, b.address) && a.range.prefix === b.range.prefix,
    )
    .registerFunction('isIP(string): bool', is(ipOf))
    .registerFunction('isCIDR(string): bool', is(cidrOf))
    .registerFunction('ip(string): net.IP', ipOf)
    .registerFunction('cidr(string): net.CIDR', cidrOf)
    .registerFunction('string(net.IP): string', ({ address }: CelIp) => formatAddress(address))
    .registerFunction(
      'string(net.CIDR): string',
      ({ address, range }: CelCidr) => `${formatAddress(address)}/${range.prefix}`,
    )
    .registerFunction('net.IP.family(): int', ({ address }: CelIp) => BigInt(address.family))
    .registerFunction('net.IP.isLoopback(): bool', isLoopback)
    .registerFunction('net.IP.isUnspecified(): bool', isUnspecified)
    .registerFunction('net.IP.isLinkLocalMulticast(): bool', isLinkLocalMulticast)
    .registerFunction('net.IP.isLinkLocalUnicast(): bool', isLinkLocalUnicast)
    .registerFunction('net.IP.isGlobalUnicast(): bool', isGlobalUnicast)
    .registerFunction('net.CIDR.ip(): net.IP', ({ address }: CelCidr) => new CelIp(address))
    .registerFunction('net.CIDR.prefixLength(): int', ({ range }: CelCidr) => BigInt(range.prefix))
    .registerFunction('net.CIDR.masked(): net.CIDR', ({ range }: CelCidr) => cidrOf(formatCidr(range)))
    .registerFunction('net.CIDR.containsIP(net.IP): bool', contains)
    .registerFunction('net.CIDR.containsIP(string): bool', (range: CelCidr, text: string) =>
      contains(range, ipOf(text)),
    )
    .registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', containsCidr)
    .registerFunction('net.CIDR.containsCIDR(string): bool', (range: CelCidr, text: string) =>
      containsCidr(range, cidrOf(text)),
    );
}

/** For ip.isCanonical(text). @throws CelEvaluationError */
export const isCanonicalIp = (text: string): boolean => {
  ipOf(text);
  return canonicalAddress(text) === text;
};
