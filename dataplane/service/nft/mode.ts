// The nftables mode for kube-proxy: compiles and writes the table together with the few rules in iptables.
import type { Family } from '../../../controlplane/base/cidr';
import type { Applier, DirtyChains } from '../../netfilter/applier';
import type { DesiredRules } from '../../netfilter/desired';
import type { OwnChains } from '../../netfilter/plan';
import type { Drift, RuleWriter, Written } from '../../netfilter/writer';
import type { NodeFacts, ServiceInput } from '../input';
import type { RuleCompiler } from '../mode';
import { acceptChains, changedChains } from './accept';
import { NftCompiler } from './compiler';
import type { NftChanges, NftPlan } from './model';
import type { NftWriter } from './writer';

export interface NftModePlan {
  readonly table: NftPlan;
  readonly accept: OwnChains;
}
export interface NftModeChanges {
  readonly table: NftChanges;
  readonly accept: DirtyChains;
}

export class NftModeCompiler implements RuleCompiler<NftModePlan, NftModeChanges> {
  private readonly compiler: NftCompiler;
  private accept: OwnChains | undefined;
  constructor(
    private readonly family: Family,
    private facts: NodeFacts,
  ) {
    this.compiler = new NftCompiler(family, facts);
  }

  set(key: string, input: ServiceInput | undefined): void {
    this.compiler.set(key, input);
  }

  setFacts(facts: NodeFacts): void {
    this.facts = facts;
    this.compiler.setFacts(facts);
  }

  get services(): ReadonlyMap<string, ServiceInput> {
    return this.compiler.services;
  }

  get ruleCounts(): ReadonlyMap<string, number> {
    return this.compiler.ruleCounts;
  }

  take(): { readonly plan: NftModePlan; readonly dirty: NftModeChanges } {
    const { plan, dirty } = this.compiler.take();
    const accept = acceptChains(this.facts, this.services.values(), this.family);
    const changed = changedChains(this.accept, accept);
    this.accept = accept;
    return { plan: { table: plan, accept }, dirty: { table: dirty, accept: changed } };
  }
}

/** Writes the table first: while iptables still holds the rules of another mode, both lead to the same endpoints. */
export class NftModeWriter implements RuleWriter<NftModePlan, NftModeChanges> {
  /** `accepts`: one writer for each iptables back end in use on this node; empty where iptables is not installed. */
  constructor(
    private readonly table: NftWriter,
    private readonly accepts: readonly Applier[],
  ) {}

  get noticesAll(): boolean {
    return [this.table, ...this.accepts].every((writer) => writer.noticesAll);
  }

  async apply(plan: NftModePlan, dirty: NftModeChanges): Promise<Written> {
    let written = await this.table.apply(plan.table, dirty.table);
    for (const applier of this.accepts) {
      const { full, chains, bytes, ms } = await applier.apply(plan.accept, dirty.accept);
      written = {
        full: written.full || full,
        chains: written.chains + chains,
        bytes: written.bytes + bytes,
        ms: written.ms + ms,
      };
    }
    return written;
  }

  async canaryAlive(): Promise<boolean> {
    const alive = await Promise.all([this.table, ...this.accepts].map((writer) => writer.canaryAlive()));
    return alive.every(Boolean);
  }

  async check(plan: NftModePlan): Promise<Drift> {
    const drift = await Promise.all([
      this.table.check(plan.table),
      ...this.accepts.map((applier) => applier.check(plan.accept)),
    ]);
    return drift.flat();
  }

  desired(plan: NftModePlan): DesiredRules {
    const iptables = this.accepts.flatMap((applier) => applier.desired(plan.accept).iptables);
    return { iptables, nft: this.table.desired(plan.table).nft };
  }

  async removeAll(): Promise<void> {
    for (const writer of [this.table, ...this.accepts]) await writer.removeAll();
  }
}
