// Brings the kernel to the plan through one Nft, and finds what somebody else has changed. It remembers what it wrote; after a
// failure or a drift it forgets, and the next write replaces the whole table at once.
import { describeError, hasCode } from '../../controlplane/base/errors';
import type { Drift, DriftItem } from '../netfilter/writer';
import { ForeignChanges, type ForeignChangesDeps } from '../nftables/foreign-changes';
import type { Nft, TableName } from '../nftables/nft';
import { guardRemoval } from './bridge-guard';
import { diffTables } from './drift';
import type { PolicyPlan } from './model';
import { tableName } from './names';
import { removal, renderUpdate } from './update';

const table: TableName = { family: 'inet', name: tableName };
const bridgeTable: TableName = { family: 'bridge', name: tableName };

export interface PolicyWrite {
  /** The whole table was replaced. */
  readonly full: boolean;
  readonly bytes: number;
  /** Why the bridge is not guarded; the rest is in force all the same. */
  readonly unguarded?: string;
}

/** Calls must not overlap. */
export class PolicyApplier {
  private known: PolicyPlan | undefined;
  /** False: what the kernel holds is not known. */
  private sure = false;
  /** The table as nft printed it after our last write. */
  private printed: string | undefined;
  private readonly guard = {
    text: '',
    printed: undefined as string | undefined,
    failure: undefined as string | undefined,
  };

  private readonly foreign: ForeignChanges;

  /** Without a count of transactions every check asks nft. */
  constructor(
    private readonly nft: Nft,
    counting: ForeignChangesDeps = {},
  ) {
    this.foreign = new ForeignChanges(counting);
  }

  /** `undefined` takes the table away. Repeatable; nothing to do costs nothing. @throws what Nft.run throws */
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
      // Kernels can be built without tables for bridges.
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

  /** Where nft or the kernel cannot do it, nothing of ours can be. */
  private async isThere(name: TableName): Promise<boolean> {
    try {
      return (await this.nft.structure(name)) !== undefined;
    } catch (err) {
      if (hasCode(err, 'Unsupported')) return false;
      throw err;
    }
  }

  /**
   * What is not as we wrote it; then the next apply() replaces everything. When no other program has written, that is known for 0.2 ms;
   * else chains and declarations are compared, a few milliseconds, and every element of every set if that was not done just before.
   * `thorough` compares everything in any case. @throws what Nft.structure and Nft.read throw
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
    const found = await this.nft.read(table);
    const differs = (name: string, wanted: Iterable<string>, size: number) => {
      const elements = found?.sets.get(name);
      const texts = new Set([...(elements ?? [])].map(([key, { value }]) => withValue(protocolName(key), value)));
      return texts.size !== size || [...wanted].some((element) => !texts.has(element));
    };
    const sets = [...plan.sets].filter(([name, { elements }]) => differs(name, elements, elements.size));
    const maps = [...plan.maps].filter(([name, { elements }]) =>
      differs(
        name,
        [...elements].map(([key, value]) => withValue(key, value)),
        elements.size,
      ),
    );
    return [...sets, ...maps].map(([name]) => ({ table: tableName, chain: name, kind: 'changed' }));
  }
}

const withValue = (key: string, value: string | undefined): string => (value === undefined ? key : `${key} : ${value}`);

/** Listings say protocols in digits. */
const numbers: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };
const protocolName = (element: string): string =>
  element.replace(/ \. (\d+) \. /, (whole, number: string) => (numbers[number] ? ` . ${numbers[number]} . ` : whole));

const onlyElements = /^((add|delete) element [^\n]*\n)*$/;
