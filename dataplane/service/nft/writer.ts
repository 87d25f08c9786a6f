// Brings the table of one family to the plan: one transaction per call, with only the changes. The writer remembers only the text
// that nft printed after the last write. After a failure it reads the kernel and writes all differences.
import type { DesiredRules } from '../../netfilter/desired';
import type { Drift, RuleWriter, Written } from '../../netfilter/writer';
import { ForeignChanges } from '../../nftables/foreign-changes';
import type { Generations } from '../../nftables/generations';
import type { Nft, TableName } from '../../nftables/nft';
import { tableParts } from '../../nftables/structure';
import { type Comparison, compare } from './compare';
import { countChanges, type NftChanges, type NftPlan } from './model';
import { renderStructure, renderTransaction } from './transaction';

export interface NftWriterDeps {
  readonly nft: Nft;
  readonly table: TableName;
  /**
   * Says whether another program changed anything. Without it canaryAlive() runs nft, and only check() finds changed elements.
   */
  readonly generations?: Pick<Generations, 'others'>;
  /** A monotonic clock in milliseconds, for durations. */
  readonly elapsed?: () => number;
}

export class NftWriter implements RuleWriter<NftPlan, NftChanges> {
  /** The table as nft printed it after the last write; undefined: unknown, the next apply() compares everything. */
  private printed: string | undefined;
  private applied = false;
  private readonly foreign: ForeignChanges;
  private readonly label: string;
  constructor(private readonly deps: NftWriterDeps) {
    this.foreign = new ForeignChanges(deps);
    this.label = `${deps.table.family} ${deps.table.name}`;
  }

  get noticesAll(): boolean {
    return this.deps.generations !== undefined;
  }

  async apply(plan: NftPlan, dirty: NftChanges): Promise<Written> {
    const start = this.now();
    const full = this.printed === undefined;
    const { changes, replace } = full ? await this.compare(plan) : { changes: dirty, replace: false };
    const text = replace ? this.renderReplacement(plan) : renderTransaction(this.deps.table, plan, changes);
    await this.run(text);
    const ms = this.now() - start;
    if (full || changes.chains.size > 0 || changes.sets.size > 0) this.printed = await this.structure();
    this.applied = true;
    return { full, chains: countChanges(changes), bytes: text.length, ms };
  }

  async canaryAlive(): Promise<boolean> {
    if (!this.applied) return true;
    if (this.printed === undefined) return false;
    if (await this.foreign.none()) return true;
    if ((await this.structure()) !== this.printed) return false;
    // Another program changed something, but no chain of ours. It may be an element; only a comparison can find that.
    return !this.foreign.worthComparing();
  }

  async check(plan: NftPlan): Promise<Drift> {
    const { drift } = await this.compare(plan);
    if (drift.length > 0) this.printed = undefined;
    return drift;
  }

  desired(plan: NftPlan): DesiredRules {
    return { iptables: [], nft: [{ table: this.deps.table, plan }] };
  }

  async removeAll(): Promise<void> {
    this.printed = undefined;
    // The table is declared first: deleting a missing table is an error.
    await this.deps.nft.run(`add table ${this.label}\ndelete table ${this.label}\n`);
  }

  private async run(text: string): Promise<void> {
    try {
      await this.deps.nft.run(text);
    } catch (err) {
      this.printed = undefined;
      throw err;
    }
  }

  private structure(): Promise<string> {
    return this.deps.nft.structure(this.deps.table).then((text) => text ?? '');
  }

  /** One transaction: each packet meets the old table or the new one. */
  private renderReplacement(plan: NftPlan): string {
    const absent = <T>(values: ReadonlyMap<string, T>) => new Map([...values.keys()].map((key) => [key, undefined]));
    const everything: NftChanges = {
      chains: absent(plan.chains),
      sets: absent(plan.sets),
      elements: new Map([...plan.elements].map(([set, elements]) => [set, absent(elements)])),
    };
    return `delete table ${this.label}\n${renderTransaction(this.deps.table, plan, everything)}`;
  }

  private compare(plan: NftPlan): Promise<Comparison> {
    return this.foreign.comparing(() => this.compareNow(plan));
  }

  /** Writes the plan as a dormant table under another name, so that nft prints both in the same words. */
  private async compareNow(plan: NftPlan): Promise<Comparison> {
    const { nft, table } = this.deps;
    const draft = { ...table, name: `${table.name}-draft` };
    const remove = `add table ${draft.family} ${draft.name}\ndelete table ${draft.family} ${draft.name}\n`;
    await nft.run(remove + renderStructure(draft, plan));
    try {
      const [desired, actual] = [await nft.structure(draft), await nft.structure(table)];
      const elements = actual === undefined ? undefined : await nft.read(table);
      return compare(this.label, plan, {
        desired: tableParts(desired ?? ''),
        actual: tableParts(actual ?? ''),
        elements: elements ?? { sets: new Map() },
      });
    } finally {
      await nft.run(remove);
    }
  }

  private now(): number {
    return this.deps.elapsed?.() ?? performance.now();
  }
}
