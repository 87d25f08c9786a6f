// Brings the kernel to the plan, for one family: one iptables-restore per call, with only the chains that differ. The applier
// remembers what it wrote. After a failure it forgets that, reads the kernel again, and writes all differences.
import { AppError, CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { ForeignChanges } from '../nftables/foreign-changes';
import type { Generations } from '../nftables/generations';
import type { Backend } from './backend';
import { classifyFailure, type Failure } from './classify';
import type { DesiredRules } from './desired';
import { chains, type Jump, jumps, type OwnedTable, ownedTables } from './names';
import { splitDump } from './parse';
import {
  type Difference,
  diffChains,
  driftOf,
  jumpRule,
  type OwnChains,
  readState,
  renderRemoval,
  renderRestore,
  type WrongJumps,
} from './plan';
import type { Drift, RuleWriter, Written } from './writer';

/** A restore of 5,000 Services takes a second; waiting for the xtables lock of another process can make it longer. */
const writeTimeoutMs = 60_000;
const readTimeoutMs = 30_000;

export interface ApplierDeps {
  readonly exec: Exec;
  readonly backend: Backend;
  /** Jumps to install in foreign chains; default: all in names.ts. Our jumps in all other foreign chains are removed. */
  readonly jumps?: readonly Jump[];
  /**
   * The kernel's count of nftables transactions, where the back end is nft. With it, canaryAlive() notices every change by
   * another program and asks for a comparison. The applier reports each table that it writes to it.
   */
  readonly generations?: Pick<Generations, 'writing' | 'others'>;
  /** A monotonic clock in milliseconds, for durations. */
  readonly elapsed?: () => number;
}

/** Where other programs change nftables all the time, the comparisons this causes take at most a tenth of the time. */
const restPerCompare = 9;

const noneWrong: WrongJumps = { missing: [], surplus: [] };

export type DirtyChains = Readonly<Record<OwnedTable, ReadonlySet<string>>>;

export class Applier implements RuleWriter<OwnChains, DirtyChains> {
  /** Our chains in the kernel, as last read or written; undefined: the kernel must be read first. */
  private known: Record<OwnedTable, Map<string, string>> | undefined;
  private readonly jumps: readonly Jump[];
  private readonly foreign: ForeignChanges;
  constructor(private readonly deps: ApplierDeps) {
    this.jumps = deps.jumps ?? jumps;
    this.foreign = new ForeignChanges({ ...deps, rest: restPerCompare });
  }

  get noticesAll(): boolean {
    return this.deps.generations !== undefined;
  }

  /** The next apply() reads the kernel and compares every chain. */
  markFull(): void {
    this.known = undefined;
  }

  get needsFull(): boolean {
    return this.known === undefined;
  }

  async apply(desired: OwnChains, dirty: DirtyChains): Promise<Written> {
    const start = this.now();
    const full = this.known === undefined;
    const { chains: known, wrong } = this.known ? { chains: this.known, wrong: noneWrong } : await this.read();
    const differences = diffChains(desired, known, full ? undefined : dirty);
    const bytes = await this.write(desired, differences, wrong);
    for (const { table, chain } of differences) {
      const text = desired[table].get(chain);
      if (text === undefined) known[table].delete(chain);
      else known[table].set(chain, text);
    }
    this.known = known;
    return { full, chains: differences.length, bytes, ms: this.now() - start };
  }

  /**
   * The quick check; true when nothing is missing. Where transactions are counted: false as soon as another program has made
   * one, because it may have changed any rule of ours. Otherwise it looks for the canary chains and for our jumps in the
   * built-in chains: a few milliseconds, whatever the number of Services. Before the first apply nothing can be missing.
   */
  async canaryAlive(): Promise<boolean> {
    if (!this.known) return true;
    if (await this.foreign.none()) return true;
    if (this.foreign.worthComparing()) return false;
    const { known } = this;
    const tables = ownedTables.filter((table) => known[table].has(chains.canary));
    const alive = await Promise.all(tables.map((table) => this.tableAlive(table)));
    return alive.every(Boolean);
  }

  /**
   * The thorough check: compares every chain of ours with `desired`. After a difference the next apply() compares everything
   * again.
   */
  async check(desired: OwnChains): Promise<Drift> {
    const drift = driftOf(desired, await this.read());
    if (drift.length > 0) this.markFull();
    return drift;
  }

  desired(chains: OwnChains): DesiredRules {
    return { iptables: [{ backend: this.deps.backend.mode, jumps: this.jumps, chains }], nft: [] };
  }

  async removeAll(): Promise<void> {
    const { chains: actual, present } = await this.read();
    this.markFull();
    const text = renderRemoval(actual, present);
    if (text !== '') await this.restore(text);
  }

  private async write(desired: OwnChains, differences: readonly Difference[], wrong: WrongJumps): Promise<number> {
    const text = renderRestore(desired, differences, wrong);
    if (text === '') return 0;
    await this.restore(text);
    return text.length;
  }

  private async restore(input: string): Promise<void> {
    const { exec, backend, generations } = this.deps;
    try {
      const write = () => exec.run([backend.restore, '--noflush', '--wait'], { input, timeoutMs: writeTimeoutMs });
      // iptables-restore makes one transaction for each table.
      const tables = input.match(/^COMMIT$/gm)?.length ?? 0;
      await (generations ? generations.writing(tables, write) : write());
    } catch (cause) {
      this.markFull();
      const failure = classifyFailure(cause);
      throw new AppError(failure === 'unsupported' ? 'Unsupported' : 'Unavailable', reaction[failure], {
        cause,
        details: { failure, line: lineOf(cause, input) },
      });
    }
  }

  private read() {
    return this.foreign.comparing(() => this.readNow());
  }

  private async readNow() {
    // One dump per table we own: the other tables do not concern us, and raw or mangle may be large.
    const dumps = await Promise.all(ownedTables.map((table) => this.dump(table)));
    return readState(splitDump(dumps.join('')), this.jumps);
  }

  /**
   * Table filter is small whatever the number of Services, so one dump answers for all its chains. Table nat is read chain by
   * chain.
   */
  private async tableAlive(table: OwnedTable): Promise<boolean> {
    const desired = this.jumps.filter((jump) => jump.table === table);
    const text =
      table === 'filter'
        ? await this.dump('filter')
        : (
            await Promise.all(
              [chains.canary, ...desired.map(({ from }) => from)].map((chain) => this.list(table, chain)),
            )
          ).join('');
    return (
      text.includes(`-A ${chains.canary} `) && desired.every(({ from, to }) => text.includes(`${jumpRule(from, to)}\n`))
    );
  }

  private async dump(table: OwnedTable): Promise<string> {
    const { exec, backend } = this.deps;
    return (await exec.run([backend.save, '-t', table], { timeoutMs: readTimeoutMs })).stdout;
  }

  /** One chain's rules; '' when the chain does not exist. */
  private async list(table: OwnedTable, chain: string): Promise<string> {
    const { exec, backend } = this.deps;
    try {
      const argv = [backend.restore.replace('-restore', ''), '--wait', '-t', table, '-S', chain];
      return (await exec.run(argv, { timeoutMs: readTimeoutMs })).stdout;
    } catch (err) {
      // The message for a missing chain differs by version ("incompatible, use 'nft' tool"), so any failure counts as missing;
      // the thorough check decides.
      if (err instanceof CommandFailed) return '';
      throw err;
    }
  }

  private now(): number {
    return this.deps.elapsed?.() ?? performance.now();
  }
}

const reaction: Readonly<Record<Failure, string>> = {
  busy: 'rules not written: netfilter is busy',
  stale: 'rules not written: the kernel does not hold what was expected',
  unsupported: 'rules not written: the kernel or iptables lacks what they need',
  forbidden: 'rules not written: not permitted',
  unknown: 'rules not written',
};

/** The line that iptables-restore complains about, if the message names one. */
function lineOf(cause: unknown, input: string): string | undefined {
  const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
  const found = /line:? (\d+)/.exec(text);
  return found ? input.split('\n')[Number(found[1]) - 1] : undefined;
}
