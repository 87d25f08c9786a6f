// Compiler, writer and flow cleaner of one node in the chosen mode, without the agent around them, for kernel tests of Services.
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import { changedFrontends } from '../../dataplane/conntrack/frontends';
import { Applier } from '../../dataplane/netfilter/applier';
import { type Backend, programsOf } from '../../dataplane/netfilter/backend';
import type { Family } from '../../dataplane/netfilter/model';
import { ServiceCompiler } from '../../dataplane/service/compiler';
import type { NodeFacts, ServiceInput } from '../../dataplane/service/input';
import { addresses, type ProxyMode, type ServiceLab } from './service-lab';

const defaultFacts: Readonly<Record<Family, NodeFacts>> = {
  4: { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' },
  6: { clusterCidr: 'fd00:244::/32', podCidr: 'fd00:244:1::/64' },
};

/** The iptables programs of a mode, named outright: what `iptables` points to on this host does not matter. */
export function backendOf(mode: Exclude<ProxyMode, 'nftables'>, family: Family = 4): Backend {
  return programsOf(family).find((backend) => `iptables-${backend.mode}` === mode)!;
}

export class NodeRules {
  private constructor(
    readonly compiler: ServiceCompiler,
    readonly applier: Applier,
    readonly cleaner: FlowCleaner,
  ) {}

  static open(lab: ServiceLab, facts: Partial<NodeFacts> = {}, family: Family = 4): NodeRules {
    const { exec, mode } = lab;
    if (mode === 'nftables') throw new Error('these tests do not know how to write rules for nftables');
    const all = { ...defaultFacts[family], ...facts };
    const nodeAddresses = () => new Set<string>([addresses.node, '10.244.1.1']);
    return new NodeRules(
      new ServiceCompiler(family, all),
      new Applier({ exec, backend: backendOf(mode, family) }),
      new FlowCleaner({ exec, family, nodeAddresses, clusterCidr: all.clusterCidr }),
    );
  }

  /** Services as given, others as they are. */
  async apply(...services: readonly ServiceInput[]) {
    for (const service of services) this.compiler.set(service.key, service);
    return await this.write();
  }

  /** As kube-proxy goes about a change: rules first, then the flows. Returns how many flows were deleted. */
  async change(key: string, after: ServiceInput | undefined): Promise<number> {
    const before = this.compiler.services.get(key);
    this.compiler.set(key, after);
    await this.write();
    return await this.cleaner.clean(changedFrontends(before, after, false));
  }

  async write() {
    const { plan, dirty } = this.compiler.take();
    return await this.applier.apply(plan, dirty);
  }

  /** What the kernel holds otherwise than planned. */
  async check() {
    return await this.applier.check(this.compiler.take().plan);
  }
}
