// Brings the kernel's table of pod sources to the desired state, and finds changes by other programs.
import { AppError, hasCode } from '../../controlplane/base/errors';
import { ForeignChanges, type ForeignChangesDeps } from '../nftables/foreign-changes';
import type { Nft, TableName } from '../nftables/nft';
import { elementsOf, type PodPort, type SourceElements } from './ports';
import { type SourceRules, sourcesRemoval, sourcesText, tableName } from './text';

const table: TableName = { family: 'bridge', name: tableName };

/** Calls must not overlap. */
export class SourceFilter {
  /** Undefined: no table is desired, or none was written yet. */
  private desired: readonly PodPort[] | undefined;
  /** The table as nft printed it after our last write; undefined after a failure. */
  private printed: string | undefined;
  private canTarget = true;
  private readonly foreign: ForeignChanges;

  /** Without a count of transactions every check reads the table. */
  constructor(
    private readonly nft: Nft,
    private readonly options: ForeignChangesDeps & Pick<SourceRules, 'tunnelPort'> = {},
  ) {
    this.foreign = new ForeignChanges(options);
  }

  /** False: this nft has no syntax for the targets of IPv6 neighbour messages, so the table does not compare them. */
  get comparesTargets(): boolean {
    return this.canTarget;
  }

  /** Replaces everything in one transaction, so that no packet passes unchecked. Repeatable. @throws what Nft.run throws */
  async apply(ports: readonly PodPort[]): Promise<void> {
    this.desired = ports;
    this.printed = undefined;
    try {
      await this.write(ports);
    } catch (err) {
      // Another program changed this table so far that ours does not fit into it: a chain with another hook, a set of another
      // type.
      if (hasCode(err, 'Forbidden') || (err instanceof AppError && err.details?.['failure'] === 'busy')) throw err;
      await this.nft.run(sourcesRemoval());
      await this.write(ports);
    }
    this.printed = await this.nft.structure(table);
  }

  private async write(ports: readonly PodPort[]): Promise<void> {
    try {
      await this.nft.run(this.textFor(ports, this.canTarget));
    } catch (err) {
      if (!this.canTarget || !hasCode(err, 'Unsupported')) throw err;
      await this.nft.run(this.textFor(ports, false));
      this.canTarget = false;
    }
  }

  private textFor(ports: readonly PodPort[], targets: boolean): string {
    const { tunnelPort } = this.options;
    return sourcesText(ports, tunnelPort === undefined ? { targets } : { targets, tunnelPort });
  }

  /** Removes the table. Where nft or the kernel does not support tables for bridges, there is none. */
  async remove(): Promise<void> {
    this.desired = undefined;
    this.printed = undefined;
    try {
      if ((await this.nft.structure(table)) !== undefined) await this.nft.run(sourcesRemoval());
    } catch (err) {
      if (!hasCode(err, 'Unsupported')) throw err;
    }
  }

  /** True: the kernel does not hold what was applied last; apply() again. `thorough` reads every element in any case. */
  async isDamaged(thorough: boolean): Promise<boolean> {
    const { desired } = this;
    if (!desired) return false;
    if (this.printed === undefined) return true;
    if (!thorough && (await this.foreign.none())) return false;
    const isStructureDamaged = (await this.nft.structure(table)) !== this.printed;
    if (isStructureDamaged || !(thorough || this.foreign.worthComparing())) return isStructureDamaged;
    return this.foreign.comparing(() => this.areElementsDamaged(desired));
  }

  private async areElementsDamaged(desired: readonly PodPort[]): Promise<boolean> {
    const found = (await this.nft.read(table))?.sets;
    const sets = Object.entries(elementsOf(desired)) as [keyof SourceElements, string[]][];
    return sets
      .filter(([name]) => this.canTarget || name !== 'targets6')
      .some(([name, elements]) => {
        const present = found?.get(name);
        return present?.size !== elements.length || elements.some((element) => !present.has(element));
      });
  }
}
