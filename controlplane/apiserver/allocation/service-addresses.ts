// Cluster IPs and node ports of Services: chosen in the same synchronous stretch as the write, free again when the Service is
// deleted or no longer uses them. This server knows what it has seen; the store decides, since another server may choose the same
// value at the same time. Which of them an update keeps is a rule of the kind (api/services/carry-over.ts). The IPAddress of each
// cluster IP is created and deleted in the transaction of the Service's write, so neither exists without the other.
import { clusterIpClaim, serviceClaims } from '../../api/claims';
import { ipAddresses, type Service, services } from '../../api/index';
import { clusterIpsOf } from '../../api/ip-addresses/facts';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Together } from '../../store/store';
import { followKind } from '../follow';
import { invalid } from '../status';
import type { OpenRule, Reservation, RuleDeps, Write, WriteRule } from '../write/rule';
import type { Attempt } from './attempt';
import { ClusterIps } from './cluster-ips';
import { initFamilies } from './ip-families';
import { NodePorts, portsOf } from './node-ports';
import { deletionOf, newAddress } from './service-ip-addresses';

export const serviceAddresses: OpenRule = async (deps) => {
  const rule = new ServiceAddresses(deps);
  await rule.start();
  return rule;
};

class ServiceAddresses implements WriteRule {
  readonly name = 'ServiceAddresses';
  private readonly ips: ClusterIps;
  private readonly ports = new NodePorts();

  constructor(private readonly deps: RuleDeps) {
    this.ips = new ClusterIps(deps.serviceRanges);
  }

  /** Resolves when the values of all Services are known; follows them until the signal of the rules is aborted. */
  async start(): Promise<void> {
    const { cache, signal } = this.deps;
    await this.ips.start(cache, signal);
    await followKind(cache, services, (previous, current) => this.ports.change(previous?.spec, current?.spec), signal);
  }

  concerns({ kind, context }: Write): boolean {
    return kind.prefix === services.prefix && context !== undefined;
  }

  /** Sets the families. @throws Invalid when the requested families do not fit each other or the cluster */
  prepare({ name, object, old }: Write): void {
    const { spec } = object as Service;
    if (!spec) return;
    const causes = initFamilies(spec, (old as Service | undefined)?.spec, this.ips.families);
    if (causes.length > 0) throw invalid(services, name, causes);
  }

  /**
   * Chooses missing values and reserves requested ones. A requested value goes to the store even if this server sees it in use:
   * the Service that had it may have been deleted through another server. @throws Invalid when the store refused the value or it
   * is outside the range, StatusError when none is free
   */
  reserve(write: Write): Reservation {
    const service = write.object as Service;
    const { spec } = service;
    const taken: Array<() => void> = [];
    const undo = () => {
      for (const give of taken.splice(0)) give();
    };
    if (!spec) return { undo };
    const before = (write.old as Service | undefined)?.spec;
    const own = clusterIpsOf({ spec: before });
    const { dryRun, refused } = write;
    const isRefused = (claim: string) => refused?.has(claim) ?? false;
    const strict = refused !== undefined && serviceClaims(service).some(isRefused);
    const attempt: Attempt = { isRefused, strict, dryRun, random: this.deps.random, taken };
    try {
      const refusal = this.ips.reserve(write.name, spec, own, attempt);
      const causes = refusal ? [refusal] : this.ports.reserve(spec, portsOf(before), attempt);
      if (causes.length > 0) throw invalid(services, service.metadata?.name ?? '', causes);
    } catch (err) {
      undo();
      throw err;
    }
    return dryRun ? { undo } : { undo, together: this.addressChanges(write, own) };
  }

  /** With the deletion of a Service, that of its IPAddresses. */
  release({ prefix }: Kind, object: KubeObject): readonly Together[] {
    if (prefix !== services.prefix) return [];
    return clusterIpsOf(object as Service).map((address) => deletionOf(address, object));
  }

  /** The IPAddresses of cluster IPs that the Service gets, and of those that it gives up. */
  private addressChanges({ object = {} }: Write, own: readonly string[]): readonly Together[] {
    const given = clusterIpsOf(object as Service);
    const { cache, clock, ownersFromCreate } = this.deps;
    const options = { now: clock.now(), owned: ownersFromCreate };
    const added = given.filter((address) => !own.includes(address));
    const dropped = own.filter((address) => !given.includes(address));
    return [
      ...added.map((address) =>
        cache.kind(ipAddresses).creation(newAddress(address, object, options), clusterIpClaim(address)),
      ),
      ...dropped.map((address) => deletionOf(address, object)),
    ];
  }
}
