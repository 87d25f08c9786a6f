// Cluster IPs and node ports of Services: allocated in the same synchronous stretch as the write, carried over by updates that
// leave them out, given back when the Service is gone or no longer uses them.
import { type Service, services } from '../../api/index';
import type { KubeObject } from '../../api/types';
import { type Cidr, cidrSize, formatAddress, formatCidr, parseAddress } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { Reservation, WriteHook } from '../rest/context';
import { invalid } from '../status';
import { NumberPool } from './number-pool';

type Spec = NonNullable<Service['spec']>;
type Port = NonNullable<Spec['ports']>[number];

export const nodePortFirst = 30_000;
export const nodePortLast = 32_767;
/** The first addresses of the range are left to those who ask for a certain one, as kube-apiserver does. */
const maxReserved = 256;
/** A larger range is used up to this many addresses: one bit each. */
const maxAddresses = 1 << 22;

/** What one Service holds. */
interface Holding {
  readonly ips: ReadonlySet<number>;
  readonly ports: ReadonlySet<number>;
}

export class ServiceAddresses implements WriteHook {
  private readonly ips: NumberPool;
  private readonly ports = new NumberPool(nodePortLast - nodePortFirst + 1);
  private readonly base: bigint;

  constructor(
    private readonly range: Cidr,
    private readonly random: () => number,
  ) {
    const size = cidrSize(range);
    this.ips = new NumberPool(size > BigInt(maxAddresses) ? maxAddresses : Number(size));
    this.base = range.base;
    // Neither the network address nor the broadcast address.
    this.ips.take(0);
    if (size <= BigInt(maxAddresses)) this.ips.take(this.ips.size - 1);
  }

  /** Resolves when the addresses of all Services are known; follows them until the signal is aborted. */
  async start(cache: Cache, signal: AbortSignal): Promise<void> {
    await followKind(
      cache,
      services,
      (previous, current) => {
        const before = previous ? this.holdingOf(previous.spec) : none;
        const after = current ? this.holdingOf(current.spec) : none;
        for (const ip of after.ips) this.ips.take(ip);
        for (const port of after.ports) this.ports.take(port);
        for (const ip of before.ips) if (!after.ips.has(ip)) this.ips.free(ip);
        for (const port of before.ports) if (!after.ports.has(port)) this.ports.free(port);
      },
      signal,
    );
  }

  /** Fields the server once filled in stay when an update leaves them out. */
  prepare(object: KubeObject, old: KubeObject | undefined): void {
    const spec = (object as Service).spec;
    const before = (old as Service | undefined)?.spec;
    if (!spec) return;
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    } else if (before && before.type !== 'ExternalName' && !spec.clusterIP && before.clusterIP) {
      spec.clusterIP = before.clusterIP;
      if (before.clusterIPs) spec.clusterIPs ??= [...before.clusterIPs];
    }
    if (spec.clusterIP && !spec.clusterIPs) spec.clusterIPs = [spec.clusterIP];
    if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
    if (before && usesNodePorts(spec) && usesNodePorts(before)) carryPorts(spec, before);
    if (!usesNodePorts(spec)) for (const port of spec.ports ?? []) dropStalePort(port, before);
    if (!needsHealthPort(spec)) delete spec.healthCheckNodePort;
    else if (before?.healthCheckNodePort) spec.healthCheckNodePort ??= before.healthCheckNodePort;
  }

  /** Fills in what is missing and takes what is asked for. @throws Invalid when it is taken, outside the range, or none is left */
  reserve(object: KubeObject, old: KubeObject | undefined): Reservation {
    const service = object as Service;
    const spec = service.spec;
    const taken: Array<() => void> = [];
    const undo = () => {
      for (const give of taken.splice(0)) give();
    };
    if (!spec) return { undo };
    const own = old ? this.holdingOf((old as Service).spec) : none;
    const causes = [...this.reserveIp(spec, own, taken), ...this.reservePorts(spec, own, taken)];
    if (causes.length > 0) {
      undo();
      throw invalid(services, service.metadata?.name ?? '', causes);
    }
    return { undo };
  }

  private reserveIp(spec: Spec, own: Holding, taken: Array<() => void>): FieldCause[] {
    if (spec.type === 'ExternalName' || spec.clusterIP === 'None') return [];
    if (!spec.clusterIP) {
      const reserved = Math.min(Math.max(16, Math.floor(this.ips.size / 16)), maxReserved);
      const first = this.ips.size > reserved * 2 ? reserved : 1;
      const index = this.ips.takeAny(first, this.ips.size, this.random) ?? this.ips.takeAny(1, first, this.random);
      if (index === undefined) return [ipCause(spec, 'failed to allocate a serviceIP: range is full')];
      taken.push(() => {
        this.ips.free(index);
        delete spec.clusterIP;
        delete spec.clusterIPs;
      });
      spec.clusterIP = formatAddress({ family: this.range.family, value: this.base + BigInt(index) });
      spec.clusterIPs = [spec.clusterIP];
      return [];
    }
    const index = this.indexOf(spec.clusterIP);
    if (index === undefined) {
      const range = formatCidr(this.range);
      return [
        ipCause(
          spec,
          `failed to allocate IP ${spec.clusterIP}: the provided IP (${spec.clusterIP}) is not in the valid range. ` +
            `The range of valid IPs is ${range}`,
        ),
      ];
    }
    if (own.ips.has(index)) return [];
    if (!this.ips.take(index)) {
      return [ipCause(spec, `failed to allocate IP ${spec.clusterIP}: provided IP is already allocated`)];
    }
    taken.push(() => this.ips.free(index));
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
    if (usesNodePorts(spec)) {
      const ports = spec.ports ?? [];
      // Ports asked for come first, so that no random one takes their place.
      ports.forEach((port, i) => {
        if (port.nodePort) takePort(`spec.ports[${i}].nodePort`, port.nodePort);
      });
      if (causes.length > 0) return causes;
      ports.forEach((port, i) => {
        if (port.nodePort || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false)) return;
        const twin = ports.find(
          (other) => other.nodePort && other.port === port.port && other.protocol !== port.protocol,
        );
        if (twin?.nodePort) port.nodePort = twin.nodePort;
        else anyPort(`spec.ports[${i}].nodePort`, (number) => setNumber(port, 'nodePort', number));
      });
    }
    if (needsHealthPort(spec)) {
      if (spec.healthCheckNodePort) takePort('spec.healthCheckNodePort', spec.healthCheckNodePort);
      else anyPort('spec.healthCheckNodePort', (number) => setNumber(spec, 'healthCheckNodePort', number));
    }
    return causes;
  }

  private holdingOf(spec: Spec | undefined): Holding {
    const ips = new Set<number>();
    const ports = new Set<number>();
    if (!spec) return { ips, ports };
    if (spec.type !== 'ExternalName') {
      for (const ip of spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])) {
        const index = ip === 'None' ? undefined : this.indexOf(ip);
        if (index !== undefined) ips.add(index);
      }
    }
    const numbers = [...(spec.ports ?? []).map(({ nodePort }) => nodePort), spec.healthCheckNodePort];
    for (const number of numbers) {
      if (number && number >= nodePortFirst && number <= nodePortLast) ports.add(number - nodePortFirst);
    }
    return { ips, ports };
  }

  private indexOf(ip: string): number | undefined {
    try {
      const { family, value } = parseAddress(ip);
      const offset = Number(value - this.base);
      return family === this.range.family && offset >= 0 && offset < this.ips.size ? offset : undefined;
    } catch {
      // Not an address at all: validation has its own message for that.
      return undefined;
    }
  }
}

const none: Holding = { ips: new Set(), ports: new Set() };

const usesNodePorts = (spec: Spec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';
const needsHealthPort = (spec: Spec): boolean => spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

function carryPorts(spec: Spec, before: Spec): void {
  for (const port of spec.ports ?? []) {
    if (port.nodePort) continue;
    const same = (before.ports ?? []).find(
      (other) => other.port === port.port && (other.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    const used = (spec.ports ?? []).some(
      (other) => other.nodePort === same?.nodePort && other.protocol === port.protocol,
    );
    if (same?.nodePort && !used) port.nodePort = same.nodePort;
  }
}

/** On the way back to ClusterIP the node port that the server or user had set before goes; one newly asked for is an error. */
function dropStalePort(port: Port, before: Spec | undefined): void {
  if (!port.nodePort) return;
  if ((before?.ports ?? []).some((other) => other.nodePort === port.nodePort)) delete port.nodePort;
}

function setNumber<K extends string>(target: { [key in K]?: number }, key: K, value: number | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value as (typeof target)[K];
}

const ipCause = (spec: Spec, why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field: 'spec.clusterIPs',
  message: `Invalid value: []string{${(spec.clusterIPs ?? []).map((ip) => JSON.stringify(ip)).join(', ')}}: ${why}`,
});
const portCause = (field: string, port: number, why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${port}: ${why}`,
});
