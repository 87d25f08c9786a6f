// Ranges of addresses in the form that the kernel accepts in a rule.
import { type Cidr, cidrContains, type Family, formatCidr, parseCidr } from '../../controlplane/base/cidr';
import type { BlockPeer } from './input';

export interface Block {
  readonly family: Family;
  readonly cidr: string;
  /** Sorted, none inside another: the kernel refuses ranges that overlap. */
  readonly except: readonly string[];
}

/** @throws BadRequest for text that is not a range; the API refuses such text, so it does not happen. */
export function blockOf({ cidr, except }: BlockPeer): Block {
  const range = parseCidr(cidr);
  const holes = except.map(parseCidr).filter(({ family }) => family === range.family);
  const outer = holes.filter((hole, i) => !holes.some((other, j) => i !== j && covers(other, hole, i < j)));
  return { family: range.family, cidr: formatCidr(range), except: outer.map(formatCidr).sort() };
}

/** Of two equal ranges the later one covers the earlier one, so that one of them stays. */
function covers(outer: Cidr, inner: Cidr, later: boolean): boolean {
  if (outer.prefix > inner.prefix || (outer.prefix === inner.prefix && !later)) return false;
  return cidrContains(outer, { family: inner.family, value: inner.base });
}
