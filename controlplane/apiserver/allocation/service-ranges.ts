// The ranges from which Services get their addresses: those of all ServiceCIDRs. Several ServiceCIDRs may name one range, and ranges
// may overlap: the addresses themselves are in one space for each family.
import type { ServiceCIDR } from '../../api/index';
import { type Assignable, assignableOf, assignsAddresses, rangesOf } from '../../api/service-cidrs/facts';
import { type Address, type Cidr, type Family, formatCidr } from '../../base/cidr';

export interface ServiceRange extends Assignable {
  readonly family: Family;
  readonly base: bigint;
  /** As in messages: 10.96.0.0/12. */
  readonly text: string;
}

/** As upstream: ranges of IPv6 that are larger assign nothing. */
const shortestPrefix6 = 64;

interface Entry {
  readonly range: ServiceRange;
  /** The ServiceCIDRs that name the range, and whether each assigns addresses. */
  readonly named: Map<string, boolean>;
}

export class ServiceRanges {
  private readonly entries = new Map<string, Entry>();

  /** A ServiceCIDR was created, changed or deleted. */
  change(previous: ServiceCIDR | undefined, current: ServiceCIDR | undefined): void {
    const name = (current ?? previous)?.metadata?.name ?? '';
    for (const range of previous ? rangesOf(previous) : []) {
      const entry = this.entries.get(formatCidr(range));
      entry?.named.delete(name);
      if (entry?.named.size === 0) this.entries.delete(formatCidr(range));
    }
    for (const range of current ? rangesOf(current) : []) {
      if (range.family === 6 && range.prefix < shortestPrefix6) continue;
      this.entryOf(range).named.set(name, assignsAddresses(current!));
    }
  }

  /** A range that assigns the address. */
  with(address: Address): ServiceRange | undefined {
    for (const { range, named } of this.entries.values()) {
      const isInside = address.family === range.family && address.value >= range.first && address.value <= range.last;
      if (isInside && isReady(named)) return range;
    }
    return undefined;
  }

  /** All ranges that assign addresses of the family, beginning at any of them, as upstream. */
  inTurn(family: Family, random: () => number): readonly ServiceRange[] {
    const ready = [...this.entries.values()].filter(({ range, named }) => range.family === family && isReady(named));
    const start = Math.floor(random() * ready.length);
    return [...ready.slice(start), ...ready.slice(0, start)].map(({ range }) => range);
  }

  private entryOf(cidr: Cidr): Entry {
    const text = formatCidr(cidr);
    let entry = this.entries.get(text);
    if (!entry) {
      entry = { range: { family: cidr.family, base: cidr.base, text, ...assignableOf(cidr) }, named: new Map() };
      this.entries.set(text, entry);
    }
    return entry;
  }
}

function isReady(named: ReadonlyMap<string, boolean>): boolean {
  for (const assigns of named.values()) if (assigns) return true;
  return false;
}
