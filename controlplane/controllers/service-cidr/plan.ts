// What the controller does with one ServiceCIDR. Pure.
import type { IPAddress, ServiceCIDR } from '../../api/index';
import { isManaged } from '../../api/ip-addresses/facts';
import { rangesOf, rangeTest, serviceCidrFinalizer } from '../../api/service-cidrs/facts';
import { type Cidr, parseAddress } from '../../base/cidr';

/** As upstream: so long a server may give an address of a range whose deletion it has not seen yet. */
export const graceMs = 10_000;

export interface ReadyCondition {
  readonly type: 'Ready';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export type Step =
  | { readonly action: 'protect' }
  | { readonly action: 'report'; readonly condition: ReadyCondition }
  | { readonly action: 'wait'; readonly ms: number }
  | { readonly action: 'release' };

const ready: ReadyCondition = {
  type: 'Ready',
  status: 'True',
  reason: '',
  message: 'Kubernetes Service CIDR is ready',
};
const terminating: ReadyCondition = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

/** The steps in their order. `all` are all ServiceCIDRs, `cidr` among them; `now` is milliseconds since the epoch. */
export function planServiceCidr(
  cidr: ServiceCIDR,
  all: readonly ServiceCIDR[],
  addresses: Iterable<IPAddress>,
  now: number,
): readonly Step[] {
  const { deletionTimestamp, finalizers = [] } = cidr.metadata ?? {};
  const isProtected = finalizers.includes(serviceCidrFinalizer);
  if (!deletionTimestamp) return [...(isProtected ? [] : [{ action: 'protect' } as const]), ...report(cidr, ready)];
  if (isNeeded(cidr, all, addresses)) return report(cidr, terminating);
  const ms = Date.parse(deletionTimestamp) + graceMs - now;
  if (ms > 0) return [{ action: 'wait', ms }];
  return isProtected ? [{ action: 'release' }] : [];
}

function report({ status }: ServiceCIDR, condition: ReadyCondition): readonly Step[] {
  const before = status?.conditions?.find(({ type }) => type === condition.type);
  const isSame =
    before?.status === condition.status && before.reason === condition.reason && before.message === condition.message;
  return isSame ? [] : [{ action: 'report', condition }];
}

/** Whether an address of a Service lies in no other ServiceCIDR. */
function isNeeded(cidr: ServiceCIDR, all: readonly ServiceCIDR[], addresses: Iterable<IPAddress>): boolean {
  const own = rangesOf(cidr);
  const others = all.filter((other) => other.metadata?.name !== cidr.metadata?.name).flatMap(rangesOf);
  // Then all its addresses are in others too, whatever they are.
  if (own.every((range) => others.some((other) => covers(other, range)))) return false;
  const [inOwn, inOthers] = [own.map(rangeTest), others.map(rangeTest)];
  for (const address of addresses) {
    if (!isManaged(address)) continue;
    const parsed = parseAddress(address.metadata?.name ?? '');
    if (inOwn.some((isIn) => isIn(parsed)) && !inOthers.some((isIn) => isIn(parsed))) return true;
  }
  return false;
}

const covers = (outer: Cidr, inner: Cidr): boolean =>
  outer.family === inner.family && outer.prefix <= inner.prefix && rangeIncludes(outer, inner.base);

function rangeIncludes({ family, base, prefix }: Cidr, value: bigint): boolean {
  const hostBits = BigInt((family === 4 ? 32 : 128) - prefix);
  return value >> hostBits === base >> hostBits;
}
