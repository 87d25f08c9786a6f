// The cluster IPs of Services. An address is in use while its IPAddress exists, also one that a user wrote; the ranges are those of all
// ServiceCIDRs that are ready (KEP-1880). What is here proposes; the store decides, with the write of the Service.
import { clusterIpClaim } from '../../api/claims';
import { ipAddresses, type Service, serviceCidrs } from '../../api/index';
import { type Address, type Cidr, canonicalAddress, type Family, formatAddress, parseAddress } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { AddressSpace } from './address-space';
import { type Attempt, invalidValue, rangeFull } from './attempt';
import type { IpFamily } from './ip-families';
import { type ServiceRange, ServiceRanges } from './service-ranges';

type Spec = NonNullable<Service['spec']>;

export class ClusterIps {
  /** The families of the cluster, the default one first. */
  readonly families: readonly IpFamily[];
  private readonly ranges = new ServiceRanges();
  private readonly spaces: Readonly<Record<Family, AddressSpace>> = { 4: new AddressSpace(), 6: new AddressSpace() };

  /** `configured`: the ranges of the server's option. Only their families count: the ServiceCIDRs have the ranges. */
  constructor(configured: readonly Cidr[]) {
    this.families = configured.map(({ family }) => (family === 4 ? 'IPv4' : 'IPv6'));
  }

  /** Resolves when all ranges and addresses are known; follows them until the signal is aborted. */
  async start(cache: Cache, signal: AbortSignal): Promise<void> {
    await followKind(cache, serviceCidrs, (previous, current) => this.ranges.change(previous, current), signal);
    await followKind(
      cache,
      ipAddresses,
      (previous, current) => {
        if (previous && current) return;
        const address = parsed((current ?? previous)?.metadata?.name ?? '');
        if (!address) return;
        if (current) this.spaces[address.family].hold(address.value);
        else this.spaces[address.family].release(address.value);
      },
      signal,
    );
  }

  /**
   * Chooses missing addresses and takes requested ones; sets both fields. `own` are those of the stored Service, in one
   * spelling each. Returns the reason of a
   * refusal. A requested address goes to the store even if it looks used: its object may have been deleted through another server.
   * @throws StatusError when no address is free
   */
  reserve(name: string, spec: Spec, own: readonly string[], attempt: Attempt): FieldCause | undefined {
    if (spec.type === 'ExternalName' || spec.clusterIP === 'None') return undefined;
    const before = { clusterIP: spec.clusterIP, clusterIPs: spec.clusterIPs };
    attempt.taken.push(() => restore(spec, before));
    const families = (spec.ipFamilies ?? []) as IpFamily[];
    const requested = families.map((_, i) => spec.clusterIPs?.[i] ?? '');
    const given: string[] = [];
    for (const [i, family] of families.entries()) {
      const address = requested[i] || this.choose(name, family, attempt);
      given.push(address);
      if (requested[i] === '' || own.includes(canonicalAddress(address))) continue;
      const why = this.take(address, attempt);
      if (why) return invalidValue('spec.clusterIPs', requested, `failed to allocate IP ${address}: ${why}`);
    }
    spec.clusterIP = given[0]!;
    spec.clusterIPs = given;
    return undefined;
  }

  /** Takes a requested address; returns why it cannot be had. */
  private take(address: string, { isRefused, strict, dryRun, random, taken }: Attempt): string | undefined {
    const wanted = parseAddress(address);
    if (dryRun) {
      // As upstream: it looks at one range only, and not whether the address is in use.
      const [range] = this.ranges.inTurn(wanted.family, random);
      if (!range) return notReady;
      return isIn(range, wanted)
        ? undefined
        : `the provided IP (${address}) is not in the valid range. ${validRange(range)}`;
    }
    if (!this.ranges.with(wanted)) return 'the provided network does not match the current range';
    const space = this.spaces[wanted.family];
    if (isRefused(clusterIpClaim(address)) || (strict && space.has(wanted.value))) {
      return 'provided IP is already allocated';
    }
    if (space.take(wanted.value)) taken.push(() => space.free(wanted.value));
    return undefined;
  }

  /** @throws StatusError */
  private choose(name: string, ipFamily: IpFamily, { isRefused, dryRun, random, taken }: Attempt): string {
    const family: Family = ipFamily === 'IPv4' ? 4 : 6;
    const space = this.spaces[family];
    const textOf = (value: bigint) => formatAddress({ family, value });
    const excluded = (value: bigint) => isRefused(clusterIpClaim(textOf(value)));
    for (const range of this.ranges.inTurn(family, random)) {
      // As upstream, which chooses nothing in a dry run: the network address, which no Service gets.
      if (dryRun) return textOf(range.base);
      const value = takeFrom(space, range, random, excluded);
      if (value === undefined) continue;
      taken.push(() => space.free(value));
      return textOf(value);
    }
    throw rangeFull(`a serviceIP for Service ${JSON.stringify(name)}`);
  }
}

/** From the larger part of the range; when it is full, from the part for Services that name their address (KEP-3070). */
function takeFrom(
  space: AddressSpace,
  { first, last, dynamicFirst }: ServiceRange,
  random: () => number,
  excluded: (value: bigint) => boolean,
): bigint | undefined {
  const within = (from: bigint, to: bigint) =>
    to < from ? undefined : space.takeFrom(from, to, from + below(to - from + 1n, random), excluded);
  return within(dynamicFirst, last) ?? within(first, dynamicFirst - 1n);
}

/** A random number below `span`, which has 64 bits at most. */
function below(span: bigint, random: () => number): bigint {
  if (span <= BigInt(Number.MAX_SAFE_INTEGER)) return BigInt(Math.floor(random() * Number(span)));
  const half = () => BigInt(Math.floor(random() * 2 ** 32));
  return ((half() << 32n) | half()) % span;
}

const notReady = 'allocator not ready';
const isIn = ({ first, last }: ServiceRange, { value }: Address): boolean => value >= first && value <= last;
const validRange = ({ text }: ServiceRange): string => `The range of valid IPs is ${text}`;

function restore(spec: Spec, before: Pick<Spec, 'clusterIP' | 'clusterIPs'>): void {
  for (const field of ['clusterIP', 'clusterIPs'] as const) {
    if (before[field] === undefined) delete spec[field];
    else Object.assign(spec, { [field]: before[field] });
  }
}

function parsed(text: string): Address | undefined {
  try {
    return parseAddress(text);
  } catch {
    // Names are validated; an older version may have stored others.
    return undefined;
  }
}
