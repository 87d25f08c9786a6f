// Brings the kernel to the plan through one Nft, and finds changes by other programs. The applier remembers what it wrote. After
// a failure, or after a change by another program, it forgets that, and the next write replaces the table in one transaction.
import { describeError, hasCode } from '../../controlplane/base/errors';
import type { Drift, DriftItem } from '../netfilter/writer';
import { diffElements, elementTexts } from '../nftables/differences';
import { ForeignChanges, type ForeignChangesDeps } from '../nftables/foreign-changes';
import type { Nft, TableName } from '../nftables/nft';
import { guardRemoval } from './bridge-guard';
import { diffTables } from './drift';
import type { PolicyPlan } from './model';
import { tableName } from './names';
import { bridgeTable, policyElements, table } from './table';
import { removal, renderUpdate } from './update';

export interface PolicyWrite {
  /** The table was replaced, not updated. */
  readonly full: boolean;
  readonly bytes: number;
  /** Why the bridge is not guarded; all other rules are in force. */
  readonly unguarded?: string;
}

/** Calls must not overlap. */
export class PolicyApplier {
  private known: PolicyPlan | undefined;
  /** False: the content of the kernel is not known. */
  private sure = false;
  /** The table as nft printed it after our last write. */
  private printed: string | undefined;
  private readonly guard = {
    text: '',
    printed: undefined as string | undefined,
    failure: undefined as string | undefined,
  };

  private readonly foreign: ForeignChanges;

  /** Without a count of transactions every check reads the table. */
  constructor(
    private readonly nft: Nft,
    counting: ForeignChangesDeps = {},
  ) {
    this.foreign = new ForeignChanges(counting);
  }

  /** `undefined` removes the table. Repeatable; a call without differences does nothing. @throws what Nft.run throws */
  async apply(plan: PolicyPlan | undefined): Promise<PolicyWrite> {
    const full = !this.sure || this.known === undefined;
    await this.applyGuard(plan?.guard ?? '', !this.sure);
    const text = await this.textFor(plan);
    if (text !== '') {
      this.sure = false;
      await this.nft.run(text);
      if (!onlyElements.test(text)) this.printed = plan && (await this.nft.structure(table));
    }
    this.known = plan;
    this.sure = true;
    const { failure } = this.guard;
    return { full: full && text !== '', bytes: text.length, ...(failure ? { unguarded: failure } : {}) };
  }

  private async applyGuard(text: string, unsure: boolean): Promise<void> {
    if (text === this.guard.text && !unsure) return;
    this.guard.text = text;
    this.guard.failure = undefined;
    try {
      if (text !== '') await this.nft.run(text);
      else if (await this.isThere(bridgeTable)) await this.nft.run(guardRemoval());
      this.guard.printed = text === '' ? undefined : await this.nft.structure(bridgeTable);
    } catch (err) {
      // Some kernels are built without tables for bridges.
      if (!hasCode(err, 'Unsupported')) throw err;
      this.guard.failure = describeError(err);
      this.guard.printed = undefined;
    }
  }

  private async textFor(plan: PolicyPlan | undefined): Promise<string> {
    if (plan) return renderUpdate(this.sure ? this.known : undefined, plan);
    const there = this.sure ? this.known !== undefined : await this.isThere(table);
    return there ? removal() : '';
  }

  /** When nft or the kernel does not support tables, no table of ours can exist. */
  private async isThere(name: TableName): Promise<boolean> {
    try {
      return (await this.nft.structure(name)) !== undefined;
    } catch (err) {
      if (hasCode(err, 'Unsupported')) return false;
      throw err;
    }
  }

  /**
   * Differences between the kernel and what we wrote; when there are any, the next apply() replaces everything. If no other
   * program has written, the answer takes 0.2 ms. Otherwise chains and declarations are compared, which takes a few
   * milliseconds, and also every element of every set, unless that happened a moment ago. `thorough` always compares
   * everything. @throws what Nft.structure and Nft.read throw
   */
  async check(thorough: boolean): Promise<Drift> {
    if (!this.sure || !this.known) return [];
    if (!thorough && (await this.foreign.none())) return [];
    const plan = this.known;
    const everything = thorough || this.foreign.worthComparing();
    const drift = everything ? await this.foreign.comparing(() => this.wholeDrift(plan)) : await this.structureDrift();
    if (drift.length > 0) this.sure = false;
    return drift;
  }

  private async structureDrift(): Promise<DriftItem[]> {
    const drift = diffTables(this.printed ?? '', (await this.nft.structure(table)) ?? '');
    if (this.guard.printed === undefined) return drift;
    const guard = diffTables(this.guard.printed, (await this.nft.structure(bridgeTable)) ?? '');
    return [...drift, ...guard.map((item) => ({ ...item, table: `bridge ${tableName}` }))];
  }

  private async wholeDrift(plan: PolicyPlan): Promise<DriftItem[]> {
    const drift = await this.structureDrift();
    return drift.length > 0 ? drift : this.elementDrift(plan);
  }

  private async elementDrift(plan: PolicyPlan): Promise<DriftItem[]> {
    const found = (await this.nft.read(table)) ?? { sets: new Map() };
    return [...policyElements(plan)]
      .filter(([name, desired]) => diffElements(name, desired, elementTexts(found, name)).length > 0)
      .map(([name]) => ({ table: tableName, chain: name, kind: 'changed' }));
  }
}

const onlyElements = /^((add|delete) element [^\n]*\n)*$/;
