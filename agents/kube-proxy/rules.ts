// The rules of one address family in one proxy mode: its compiler and its writer, joined.
import type { Family } from '../../controlplane/base/cidr';
import { hasCode } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Exec } from '../../dataplane/exec/exec';
import { Applier } from '../../dataplane/netfilter/applier';
import { type Backend, backendsInUse, detectBackend } from '../../dataplane/netfilter/backend';
import type { DesiredRules } from '../../dataplane/netfilter/desired';
import type { Drift, RuleWriter, Written } from '../../dataplane/netfilter/writer';
import type { Generations } from '../../dataplane/nftables/generations';
import { NftProgram } from '../../dataplane/nftables/nft';
import type { NodeFacts, ServiceInput } from '../../dataplane/service/input';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import type { ProxyMode, RuleCompiler } from '../../dataplane/service/mode';
import { acceptJumps } from '../../dataplane/service/nft/accept';
import { NftModeCompiler, NftModeWriter } from '../../dataplane/service/nft/mode';
import { tableOf } from '../../dataplane/service/nft/names';
import { NftWriter } from '../../dataplane/service/nft/writer';

/** What FamilyProxy needs of a mode. Calls of write() and check() must not overlap. */
export interface Rules {
  set(key: string, input: ServiceInput | undefined): void;
  setFacts(facts: NodeFacts): void;
  readonly services: ReadonlyMap<string, ServiceInput>;
  readonly ruleCounts: ReadonlyMap<string, number>;
  /** @throws what RuleWriter.apply throws. The next call then writes everything that differs. */
  write(): Promise<Written>;
  /** True where a check that is not thorough notices every change by other processes. */
  readonly noticesAll: boolean;
  /** Finds nothing before the first write. Compares everything if `thorough`, or if the canaries are missing. */
  check(thorough: boolean): Promise<Drift>;
  /** As last planned; undefined before the first plan. */
  desired(): DesiredRules | undefined;
  removeAll(): Promise<void>;
}

export class ModeRules<Plan, Dirty> implements Rules {
  /** The plan of the last write. In an object, because a plan may be of any type. */
  private taken: { readonly plan: Plan } | undefined;
  private othersGone = false;
  /** `removeOthers` removes the rules of other modes, once those of this mode are in the kernel. It does not throw. */
  constructor(
    private readonly compiler: RuleCompiler<Plan, Dirty>,
    private readonly writer: RuleWriter<Plan, Dirty>,
    private readonly removeOthers: () => Promise<boolean> = async () => true,
  ) {}

  set(key: string, input: ServiceInput | undefined): void {
    this.compiler.set(key, input);
  }

  setFacts(facts: NodeFacts): void {
    this.compiler.setFacts(facts);
  }

  get services(): ReadonlyMap<string, ServiceInput> {
    return this.compiler.services;
  }

  get ruleCounts(): ReadonlyMap<string, number> {
    return this.taken ? this.compiler.ruleCounts : new Map();
  }

  get noticesAll(): boolean {
    return this.writer.noticesAll;
  }

  async write(): Promise<Written> {
    const { plan, dirty } = this.compiler.take();
    this.taken = { plan };
    const written = await this.writer.apply(plan, dirty);
    if (!this.othersGone) this.othersGone = await this.removeOthers();
    return written;
  }

  async check(thorough: boolean): Promise<Drift> {
    if (!this.taken) return [];
    if (!thorough && (await this.writer.canaryAlive())) return [];
    return this.writer.check(this.taken.plan);
  }

  desired(): DesiredRules | undefined {
    return this.taken && this.writer.desired(this.taken.plan);
  }

  removeAll(): Promise<void> {
    return this.writer.removeAll();
  }
}

export interface RulesDeps {
  readonly mode: ProxyMode;
  readonly exec: Exec;
  readonly family: Family;
  readonly facts: NodeFacts;
  readonly log: Logger;
  /**
   * One for both families, in the namespace where `exec` runs its programs: notices changes by other processes, except in
   * legacy iptables.
   */
  readonly generations?: Generations;
}

/** @throws Unsupported when this node lacks what the mode needs; the message says what to do. */
export function openRules(deps: RulesDeps): Promise<Rules> {
  return deps.mode === 'nftables' ? openNftables(deps) : openIptables(deps);
}

async function openIptables({ exec, family, facts, log, generations }: RulesDeps): Promise<Rules> {
  const backend = await detectBackend(exec, family);
  log.info('netfilter', { family, mode: 'iptables', backend: backend.mode, version: backend.version });
  const table = new NftWriter({ nft: new NftProgram(exec, generations), table: tableOf(family) });
  const removeOthers = async () => {
    try {
      await table.removeAll();
    } catch (err) {
      // Without nft on this node there is no such table, or no way to remove it.
      if (!hasCode(err, 'Unsupported')) {
        log.warn('rules of proxy mode nftables not removed', { family, error: err });
        return false;
      }
    }
    return true;
  };
  const applier = new Applier({ exec, backend, ...counted(backend, generations) });
  return new ModeRules(new ServiceCompiler(family, facts), applier, removeOthers);
}

/** The kernel does not count changes by legacy iptables. */
const counted = ({ mode }: Backend, generations: Generations | undefined) =>
  mode === 'nft' && generations ? { generations } : {};

/** The appliers of the accepting rules keep these few rules in iptables, and remove all others that mode iptables wrote. */
async function openNftables({ exec, family, facts, log, generations }: RulesDeps): Promise<Rules> {
  const nft = new NftProgram(exec, generations);
  const table = tableOf(family);
  // The result is not used: the call throws if nft is not installed or not permitted.
  await nft.structure(table);
  const backends = await backendsInUse(exec, family);
  log.info('netfilter', { family, mode: 'nftables', accepting: backends.map((backend) => backend.mode) });
  const accepts = backends.map(
    (backend) => new Applier({ exec, backend, jumps: acceptJumps, ...counted(backend, generations) }),
  );
  const writer = new NftModeWriter(new NftWriter({ nft, table, ...(generations ? { generations } : {}) }), accepts);
  return new ModeRules(new NftModeCompiler(family, facts), writer);
}
