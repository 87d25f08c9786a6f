// Reads what the kernel holds, and how nft prints what is desired. Changes nothing on the node, and makes no transaction that kube-proxy
// would take for a change by another program.
import { AppError, describeError, isNotFound } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { programsOf } from '../netfilter/backend';
import { NftProgram, type TableName } from '../nftables/nft';
import { tableText } from '../nftables/structure';
import type { TablePlan } from '../nftables/table-plan';
import { bridgeTable, table as policyTable } from '../policy/table';
import { tableOf } from '../service/nft/names';
import { renderStructure } from '../service/nft/transaction';
import type { IptablesDump, ObservedTable } from './compare';
import type { DesiredPart } from './document';

export interface Observed {
  readonly dumps: readonly IptablesDump[];
  /** What `nft -n -s -t list ruleset` prints; '' without nft. */
  readonly ruleset: string;
  readonly tables: readonly ObservedTable[];
  /** What could not be compared. */
  readonly notes: readonly string[];
  /** What else a person should know. */
  readonly remarks: readonly string[];
}

/** All tables that kube-proxy ever writes. */
const ownTables: readonly TableName[] = [tableOf(4), tableOf(6), policyTable, bridgeTable];

const readTimeoutMs = 60_000;

/** @throws CommandFailed without root */
export async function observe(exec: Exec, desired: DesiredPart['nft']): Promise<Observed> {
  const notes: string[] = [];
  const dumps = await readDumps(exec);
  const ruleset = await readRuleset(exec);
  if (ruleset === undefined && desired.length > 0)
    notes.push('tables of nftables are not compared: nft is not installed');
  const nft = new NftProgram(exec);
  const tables: ObservedTable[] = [];
  for (const table of ownTables) {
    const label = labelOf(table);
    const actual = tableText(ruleset ?? '', table.family, table.name);
    const wanted = ruleset === undefined ? undefined : desired.find((one) => labelOf(one.table) === label);
    try {
      const printed = wanted && (await printPlan(exec, wanted.table, wanted.plan));
      const elements = wanted && actual !== undefined ? await nft.read(table) : undefined;
      tables.push({
        label,
        actual,
        elements: elements ?? { sets: new Map() },
        desired: wanted && printed !== undefined ? { plan: wanted.plan, printed } : undefined,
      });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      notes.push(`table ${label} is not compared: ${describeError(error)}`);
    }
  }
  return { dumps, ruleset: ruleset ?? '', tables, notes, remarks: [] };
}

const labelOf = ({ family, name }: TableName): string => `${family} ${name}`;

/** Of both back ends: the kernel applies the rules of both. */
async function readDumps(exec: Exec): Promise<readonly IptablesDump[]> {
  const dumps: IptablesDump[] = [];
  for (const family of [4, 6] as const) {
    for (const { save, mode } of programsOf(family)) {
      try {
        const { stdout } = await exec.run([save], { timeoutMs: readTimeoutMs });
        dumps.push({ family, backend: mode, dump: stdout });
      } catch (error) {
        // A back end that is not installed, or that this kernel lacks, holds no rules.
        if (!isNotFound(error) && !/does not exist|not supported|No such file/i.test(describeError(error))) throw error;
      }
    }
  }
  return dumps;
}

/** Undefined without nft. */
async function readRuleset(exec: Exec): Promise<string | undefined> {
  try {
    // With elements nft would read every set of every program.
    return (await exec.run(['nft', '-n', '-s', '-t', 'list', 'ruleset'], { timeoutMs: readTimeoutMs })).stdout;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/**
 * Lets nft print the plan, because nft prints rules in other words than it reads them. It writes the plan into a network namespace of its
 * own, which ends with the command: the node's rules stay as they are.
 */
async function printPlan(exec: Exec, table: TableName, plan: TablePlan): Promise<string> {
  // The shell runs two programs in the one namespace. Its text is constant: rules go to standard input.
  const both = 'nft -f - && exec nft -n -s -t list ruleset';
  const { stdout } = await exec.run(['unshare', '--net', '--', 'sh', '-c', both], {
    input: renderStructure(table, plan),
    timeoutMs: readTimeoutMs,
  });
  const printed = tableText(stdout, table.family, table.name);
  if (printed === undefined) throw new AppError('Unavailable', 'nft does not print what was written');
  return printed;
}
