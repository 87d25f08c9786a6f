// Cluster IPs and node ports of Services: allocated in the same synchronous stretch as the write, given back when the Service is
// gone or no longer uses them. What an update keeps of them is a rule of the kind (api/services/carry-over.ts).
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

/** What one Service holds. */
interface Holding {
  readonly ips: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
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

  /** `ranges`: one per family, that of the default family first. */
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
        for (const ip of after.ips) this.poolOf(ip)?.take(ip);
        for (const port of after.ports) this.ports.take(port);
        for (const ip of before.ips) if (!after.ips.has(ip)) this.poolOf(ip)?.free(ip);
        for (const port of before.ports) if (!after.ports.has(port)) this.ports.free(port);
      },
      signal,
    );
  }

  concerns({ kind, context }: Write): boolean {
    return kind.prefix === services.prefix && context !== undefined;
  }

  /** Families follow from policy and cluster. @throws Invalid when those asked for do not fit each other or the cluster */
  prepare({ name, object, old }: Write): void {
    const { spec } = object as Service;
    if (!spec) return;
    const causes = initFamilies(spec, (old as Service | undefined)?.spec, [...this.pools.keys()]);
    if (causes.length > 0) throw invalid(services, name, causes);
  }

  /** Fills in what is missing and takes what is asked for. @throws Invalid when it is taken, outside the range, or none is left */
  reserve({ object, old }: Write): Reservation {
    const service = object as Service;
    const spec = service.spec;
    const taken: Array<() => void> = [];
    const undo = () => {
      for (const give of taken.splice(0)) give();
    };
    if (!spec) return { undo };
    const own = old ? this.holdingOf((old as Service).spec) : none;
    const causes = [...this.reserveIps(spec, own, taken), ...this.reservePorts(spec, own, taken)];
    if (causes.length > 0) {
      undo();
      throw invalid(services, service.metadata?.name ?? '', causes);
    }
    return { undo };
  }

  private reserveIps(spec: Spec, own: Holding, taken: Array<() => void>): FieldCause[] {
    if (spec.type === 'ExternalName' || spec.clusterIP === 'None') return [];
    const requested = spec.clusterIPs ?? [];
    const given: string[] = [];
    taken.push(() => {
      if (requested[0]) return setAddresses(spec, requested);
      delete spec.clusterIP;
      delete spec.clusterIPs;
    });
    for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
      const pool = this.pools.get(family as IpFamily)!;
      const request = requested[i] ?? '';
      const address = request === '' ? pool.takeAny(this.random) : request;
      if (address === undefined) return [ipCause(requested, 'failed to allocate a serviceIP: range is full')];
      const failed = `failed to allocate IP ${address}: `;
      if (!pool.contains(address)) {
        const why = `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${pool.text}`;
        return [ipCause(requested, failed + why)];
      }
      if (request !== '' && !own.ips.has(address)) {
        if (!pool.take(address)) return [ipCause(requested, `${failed}provided IP is already allocated`)];
      }
      if (!own.ips.has(address)) taken.push(() => pool.free(address));
      given.push(address);
    }
    setAddresses(spec, given);
    return [];
  }

  private reservePorts(spec: Spec, own: Holding, taken: Array<() => void>): FieldCause[] {
    const causes: FieldCause[] = [];
    // One number may serve TCP and UDP of the same Service.
    const mine = new Set(own.ports);
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
      } else if (!mine.has(index) && !this.ports.take(index)) {
        causes.push(portCause(field, port, 'provided port is already allocated'));
      } else if (!mine.has(index)) {
        mine.add(index);
        taken.push(() => this.ports.free(index));
      }
    };
    const anyPort = (field: string, give: (port: number | undefined) => void): void => {
      const index = this.ports.takeAny(0, this.ports.size, this.random);
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
      // Ports asked for come first, so that no random one takes their place.
      ports.forEach((port, i) => {
        if (port.nodePort) takePort(`spec.ports[${i}].nodePort`, port.nodePort);
      });
      if (causes.length > 0) return causes;
      ports.forEach((port, i) => {
        if (port.nodePort || !allocatesNodePorts(spec)) return;
        const twin = ports.find(
          (other) => other.nodePort && other.port === port.port && other.protocol !== port.protocol,
        );
        if (twin?.nodePort) port.nodePort = twin.nodePort;
        else anyPort(`spec.ports[${i}].nodePort`, (number) => setNumber(port, 'nodePort', number));
      });
    }
    if (needsHealthCheckPort(spec)) {
      if (spec.healthCheckNodePort) takePort('spec.healthCheckNodePort', spec.healthCheckNodePort);
      else anyPort('spec.healthCheckNodePort', (number) => setNumber(spec, 'healthCheckNodePort', number));
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
