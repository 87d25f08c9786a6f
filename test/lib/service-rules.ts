// Compiler, writer and flow cleaner of one node in the chosen mode, without the agent around them, for kernel tests of Services.
import { ModeRules, type Rules } from '../../agents/kube-proxy/rules';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import { changedFrontends } from '../../dataplane/conntrack/frontends';
import { Applier } from '../../dataplane/netfilter/applier';
import { type Backend, programsOf } from '../../dataplane/netfilter/backend';
import type { Family } from '../../dataplane/netfilter/model';
import { NftProgram } from '../../dataplane/nftables/nft';
import type { NodeFacts, ServiceInput } from '../../dataplane/service/input';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { acceptJumps } from '../../dataplane/service/nft/accept';
import { NftModeCompiler, NftModeWriter } from '../../dataplane/service/nft/mode';
import { tableOf } from '../../dataplane/service/nft/names';
import { NftWriter } from '../../dataplane/service/nft/writer';
import { addresses, type ProxyMode, type ServiceLab } from './service-lab';

const defaultFacts: Readonly<Record<Family, NodeFacts>> = {
  4: { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' },
  6: { clusterCidr: 'fd00:244::/32', podCidr: 'fd00:244:1::/64' },
};

/** The iptables programs of a mode by their full names: `iptables` may point to another mode on this host. */
export function backendOf(mode: Exclude<ProxyMode, 'nftables'>, family: Family = 4): Backend {
  return programsOf(family).find((backend) => `iptables-${backend.mode}` === mode)!;
}

/** The needed parts of a lab: the Exec that runs programs on the node, and the mode. */
type Node = Pick<ServiceLab, 'exec' | 'mode'>;

export class NodeRules {
  private constructor(
    private facts: NodeFacts,
    private readonly rules: Rules,
    readonly cleaner: FlowCleaner,
  ) {}

  static open(lab: Node, facts: Partial<NodeFacts> = {}, family: Family = 4): NodeRules {
    const { exec } = lab;
    const all = { ...defaultFacts[family], ...facts };
    const nodeAddresses = () => new Set<string>([addresses.node, '10.244.1.1']);
    return new NodeRules(
      all,
      rulesOf(lab, family, all),
      new FlowCleaner({ exec, family, nodeAddresses, clusterCidr: all.clusterCidr }),
    );
  }

  setFacts(changes: Partial<NodeFacts>): void {
    this.facts = { ...this.facts, ...changes };
    this.rules.setFacts(this.facts);
  }

  /** Sets the given Services and writes the rules; other Services stay as they are. */
  async apply(...services: readonly ServiceInput[]) {
    for (const service of services) this.rules.set(service.key, service);
    return await this.write();
  }

  /** Applies a change as kube-proxy does: first the rules, then the flows. Returns how many flows were deleted. */
  async change(key: string, after: ServiceInput | undefined): Promise<number> {
    const before = this.rules.services.get(key);
    this.rules.set(key, after);
    await this.write();
    return await this.cleaner.clean(changedFrontends(before, after, false));
  }

  async write() {
    return await this.rules.write();
  }

  /** The differences between the kernel's rules and the plan. */
  async check() {
    return await this.rules.check(true);
  }

  async removeAll(): Promise<void> {
    await this.rules.removeAll();
  }
}

function rulesOf({ exec, mode }: Node, family: Family, facts: NodeFacts): Rules {
  if (mode !== 'nftables') {
    return new ModeRules(new ServiceCompiler(family, facts), new Applier({ exec, backend: backendOf(mode, family) }));
  }
  const table = new NftWriter({ nft: new NftProgram(exec), table: tableOf(family) });
  const accept = new Applier({ exec, backend: backendOf('iptables-nft', family), jumps: acceptJumps });
  return new ModeRules(new NftModeCompiler(family, facts), new NftModeWriter(table, [accept]));
}
