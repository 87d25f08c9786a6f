// Ranges of addresses as a rule of the kernel bears them.
import { type Cidr, cidrContains, type Family, formatCidr, parseCidr } from '../../controlplane/base/cidr';
import type { BlockPeer } from './input';

export interface Block {
  readonly family: Family;
  readonly cidr: string;
  /** Sorted, none inside another: the kernel refuses ranges that overlap. */
  readonly except: readonly string[];
}

/** @throws BadRequest for text that is no range; the API lets none in. */
export function blockOf({ cidr, except }: BlockPeer): Block {
  const range = parseCidr(cidr);
  const holes = except.map(parseCidr).filter(({ family }) => family === range.family);
  const outer = holes.filter((hole, i) => !holes.some((other, j) => i !== j && covers(other, hole, i < j)));
  return { family: range.family, cidr: formatCidr(range), except: outer.map(formatCidr).sort() };
}

/** Of two equal ranges one covers the other: the one that comes later. */
function covers(outer: Cidr, inner: Cidr, later: boolean): boolean {
  if (outer.prefix > inner.prefix || (outer.prefix === inner.prefix && !later)) return false;
  return cidrContains(outer, { family: inner.family, value: inner.base });
}
