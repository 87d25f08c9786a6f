// Cluster IPs and node ports of Services: chosen in the same synchronous stretch as the write, free again when the Service is
// deleted or no longer uses them. The pools have what this server has seen; the store decides, since another server may choose the
// same number at the same time. Which of them an update keeps is a rule of the kind (api/services/carry-over.ts).
import { clusterIpClaim, nodePortClaim, serviceClaims } from '../../api/claims';
import { type Service, services } from '../../api/index';
import { allocatesNodePorts, hasNodePorts, needsHealthCheckPort } from '../../api/services/types';
import type { Cidr } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { invalid } from '../status';
import type { OpenRule, Reservation, Write, WriteRule } from '../write/rule';
import { AddressPool } from './address-pool';
import { familyOf, type IpFamily, initFamilies } from './ip-families';
import { NumberPool } from './number-pool';

type Spec = NonNullable<Service['spec']>;

export const nodePortFirst = 30_000;
export const nodePortLast = 32_767;

/** The addresses and ports that one Service holds. */
interface Holding {
  readonly ips: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
}

/** One attempt to reserve. */
interface Attempt {
  /** Held by the stored Service already: needs no reservation. */
  readonly own: Holding;
  /** True for a claim that the store refused, since another Service holds it. */
  readonly isRefused: (claim: string) => boolean;
  /** Also refuse values that this server sees in use: a dry run does not ask the store, and a refusal names all values in use. */
  readonly strict: boolean;
  /** Frees each taken value, in the order in which they were taken. */
  readonly taken: Array<() => void>;
}

export const serviceAddresses: OpenRule = async ({ cache, serviceRanges, random, signal }) => {
  const rule = new ServiceAddresses(serviceRanges, random);
  await rule.start(cache, signal);
  return rule;
};

class ServiceAddresses implements WriteRule {
  readonly name = 'ServiceAddresses';
  /** The default family first. */
  private readonly pools: ReadonlyMap<IpFamily, AddressPool>;
  private readonly ports = new NumberPool(nodePortLast - nodePortFirst + 1);

  /** `ranges`: one per family, the default family first. */
  constructor(
    ranges: readonly Cidr[],
    private readonly random: () => number,
  ) {
    this.pools = new Map(ranges.map((range) => [range.family === 4 ? 'IPv4' : 'IPv6', new AddressPool(range)]));
  }

  /** Resolves when the addresses of all Services are known; follows them until the signal is aborted. */
  async start(cache: Cache, signal: AbortSignal): Promise<void> {
    await followKind(
      cache,
      services,
      (previous, current) => {
        const before = previous ? this.holdingOf(previous.spec) : none;
        const after = current ? this.holdingOf(current.spec) : none;
        for (const ip of after.ips) this.poolOf(ip)?.hold(ip);
        for (const port of after.ports) this.ports.hold(port);
        for (const ip of before.ips) if (!after.ips.has(ip)) this.poolOf(ip)?.release(ip);
        for (const port of before.ports) if (!after.ports.has(port)) this.ports.release(port);
      },
      signal,
    );
  }

  concerns({ kind, context }: Write): boolean {
    return kind.prefix === services.prefix && context !== undefined;
  }

  /** Sets the families. @throws Invalid when the requested families do not fit each other or the cluster */
  prepare({ name, object, old }: Write): void {
    const { spec } = object as Service;
    if (!spec) return;
    const causes = initFamilies(spec, (old as Service | undefined)?.spec, [...this.pools.keys()]);
    if (causes.length > 0) throw invalid(services, name, causes);
  }

  /**
   * Chooses missing values and reserves requested ones. A requested value goes to the store even if this server sees it in use:
   * the Service that had it may have been deleted through another server. @throws Invalid when the store refused the value, it
   * is outside the range, or none is free
   */
  reserve(write: Write): Reservation {
    const { object, old, refused, dryRun } = write;
    const service = object as Service;
    const spec = service.spec;
    const taken: Array<() => void> = [];
    const undo = () => {
      for (const give of taken.splice(0)) give();
    };
    if (!spec) return { undo };
    const own = old ? this.holdingOf((old as Service).spec) : none;
    const isRefused = (claim: string) => refused?.has(claim) ?? false;
    const strict = dryRun || (refused !== undefined && serviceClaims(service).some(isRefused));
    const attempt = { own, isRefused, strict, taken };
    const causes = [...this.reserveIps(spec, attempt), ...this.reservePorts(spec, attempt)];
    if (causes.length > 0) {
      undo();
      throw invalid(services, service.metadata?.name ?? '', causes);
    }
    return { undo };
  }

  private reserveIps(spec: Spec, { own, isRefused, strict, taken }: Attempt): FieldCause[] {
    if (spec.type === 'ExternalName' || spec.clusterIP === 'None') return [];
    const requested = spec.clusterIPs ?? [];
    const given: string[] = [];
    taken.push(() => {
      if (requested[0]) return setAddresses(spec, requested);
      delete spec.clusterIP;
      delete spec.clusterIPs;
    });
    const isRefusedIp = (ip: string) => isRefused(clusterIpClaim(ip));
    for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
      const pool = this.pools.get(family as IpFamily)!;
      const isRequested = (requested[i] ?? '') !== '';
      const address = isRequested ? requested[i] : pool.takeAny(this.random, isRefusedIp);
      if (address === undefined) return [ipCause(requested, 'failed to allocate a serviceIP: range is full')];
      const failed = `failed to allocate IP ${address}: `;
      if (!pool.contains(address)) {
        const why = `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${pool.text}`;
        return [ipCause(requested, failed + why)];
      }
      given.push(address);
      if (own.ips.has(address)) continue;
      if (isRequested) {
        if (isRefusedIp(address) || (strict && pool.has(address))) {
          return [ipCause(requested, `${failed}provided IP is already allocated`)];
        }
        if (!pool.take(address)) continue;
      }
      taken.push(() => pool.free(address));
    }
    setAddresses(spec, given);
    return [];
  }

  private reservePorts(spec: Spec, { own, isRefused, strict, taken }: Attempt): FieldCause[] {
    const causes: FieldCause[] = [];
    // One number may serve TCP and UDP of the same Service.
    const mine = new Set(own.ports);
    const isRefusedPort = (index: number) => isRefused(nodePortClaim(nodePortFirst + index));
    const takePort = (field: string, port: number): void => {
      const index = port - nodePortFirst;
      if (index < 0 || index >= this.ports.size) {
        causes.push(
          portCause(
            field,
            port,
            `provided port is not in the valid range. The range of valid ports is ${nodePortFirst}-${nodePortLast}`,
          ),
        );
        return;
      }
      if (mine.has(index)) return;
      if (isRefusedPort(index) || (strict && this.ports.has(index))) {
        causes.push(portCause(field, port, 'provided port is already allocated'));
        return;
      }
      mine.add(index);
      if (this.ports.take(index)) taken.push(() => this.ports.free(index));
    };
    const anyPort = (field: string, give: (port: number | undefined) => void): void => {
      const index = this.ports.takeAny(0, this.ports.size, this.random, isRefusedPort);
      if (index === undefined) {
        causes.push(portCause(field, 0, 'failed to allocate a nodePort: range is full'));
        return;
      }
      mine.add(index);
      give(nodePortFirst + index);
      taken.push(() => {
        this.ports.free(index);
        give(undefined);
      });
    };
    if (hasNodePorts(spec)) {
      const ports = spec.ports ?? [];
      // Requested ports come first, so that no random choice takes them.
      ports.forEach((port, i) => {
        if (port.nodePort) takePort(`spec.ports[${i}].nodePort`, port.nodePort);
      });
      if (causes.length > 0) return causes;
      if (needsHealthCheckPort(spec) && spec.healthCheckNodePort) {
        takePort('spec.healthCheckNodePort', spec.healthCheckNodePort);
      }
      ports.forEach((port, i) => {
        if (port.nodePort || !allocatesNodePorts(spec)) return;
        const twin = ports.find(
          (other) => other.nodePort && other.port === port.port && other.protocol !== port.protocol,
        );
        if (twin?.nodePort) {
          port.nodePort = twin.nodePort;
          taken.push(() => setNumber(port, 'nodePort', undefined));
        } else anyPort(`spec.ports[${i}].nodePort`, (number) => setNumber(port, 'nodePort', number));
      });
    }
    if (needsHealthCheckPort(spec) && !spec.healthCheckNodePort) {
      anyPort('spec.healthCheckNodePort', (number) => setNumber(spec, 'healthCheckNodePort', number));
    }
    return causes;
  }

  private holdingOf(spec: Spec | undefined): Holding {
    const ips = new Set<string>();
    const ports = new Set<number>();
    if (!spec) return { ips, ports };
    if (spec.type !== 'ExternalName') {
      for (const ip of spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])) {
        if (this.poolOf(ip)?.contains(ip)) ips.add(ip);
      }
    }
    const numbers = [...(spec.ports ?? []).map(({ nodePort }) => nodePort), spec.healthCheckNodePort];
    for (const number of numbers) {
      if (number && number >= nodePortFirst && number <= nodePortLast) ports.add(number - nodePortFirst);
    }
    return { ips, ports };
  }

  private poolOf(address: string): AddressPool | undefined {
    return this.pools.get(familyOf(address));
  }
}

const none: Holding = { ips: new Set(), ports: new Set() };

function setNumber<K extends string>(target: { [key in K]?: number }, key: K, value: number | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value as (typeof target)[K];
}

/** clusterIP is the first of clusterIPs. */
function setAddresses(spec: Spec, addresses: readonly string[]): void {
  spec.clusterIP = addresses[0]!;
  spec.clusterIPs = [...addresses];
}

const ipCause = (requested: readonly string[], why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field: 'spec.clusterIPs',
  message: `Invalid value: ${JSON.stringify(requested)}: ${why}`,
});
const portCause = (field: string, port: number, why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${port}: ${why}`,
});
