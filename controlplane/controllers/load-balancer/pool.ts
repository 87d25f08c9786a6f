// The addresses for Services of type LoadBalancer: ranges and CIDRs of either family. Pure.
import { type Address, cidrSize, type Family, formatAddress, parseAddress, parseCidr } from '../../base/cidr';
import { BadRequest } from '../../base/errors';

interface Range {
  readonly family: Family;
  readonly first: bigint;
  /** Included. */
  readonly last: bigint;
}

export interface Pool {
  /** The text of the option; '' when there is no pool. */
  readonly text: string;
  readonly ranges: readonly Range[];
}

/**
 * Reads `192.168.57.240-192.168.57.250` or `192.168.57.240/28`, several joined by commas; '' is a pool without addresses.
 * Every address of a CIDR counts, also the first and last one, as in MetalLB.
 * @throws BadRequest for anything else, and for parts that overlap
 */
export function parsePool(text: string): Pool {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const ranges = parts.map(parseRange);
  ranges.forEach((range, i) => {
    const other = ranges.findIndex(
      ({ family, first, last }) => family === range.family && first <= range.last && range.first <= last,
    );
    if (other < i) throw new BadRequest(`${parts[other]} and ${parts[i]} overlap`);
  });
  return { text: parts.join(','), ranges };
}

function parseRange(part: string): Range {
  if (part.includes('/')) {
    const cidr = parseCidr(part);
    return { family: cidr.family, first: cidr.base, last: cidr.base + cidrSize(cidr) - 1n };
  }
  const [from = '', to = from] = part.split('-').map((end) => end.trim());
  const first = parseAddress(from);
  const last = parseAddress(to);
  if (first.family !== last.family || first.value > last.value) {
    throw new BadRequest(`expected FIRST-LAST with the lower address first, got ${JSON.stringify(part)}`);
  }
  return { family: first.family, first: first.value, last: last.value };
}

export function poolContains({ ranges }: Pool, { family, value }: Address): boolean {
  return ranges.some((range) => range.family === family && range.first <= value && value <= range.last);
}

/** All addresses of a family, lowest first; a generator, since an IPv6 range is too large for a list. */
export function* poolAddresses({ ranges }: Pool, family: Family): Generator<string> {
  const ofFamily = ranges.filter((range) => range.family === family).sort((a, b) => (a.first < b.first ? -1 : 1));
  for (const { first, last } of ofFamily) {
    for (let value = first; value <= last; value++) yield formatAddress({ family, value });
  }
}

export function poolSize({ ranges }: Pool, family: Family): bigint {
  return ranges
    .filter((range) => range.family === family)
    .reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}
