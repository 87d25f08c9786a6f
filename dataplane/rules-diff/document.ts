// The desired rules of a node as lines of JSON: kube-proxy writes them at its metrics address, `k8ts rules diff` reads them. Pure.
//
// A line holds one chain, one set, or a portion of elements, so neither side needs all of it as one text. The lines are made while they
// are read, from the maps of the compilers: a change meanwhile may be in some lines and not in others. Then the numbers of writes at the
// start and at the end differ.

import type { Family } from '../../controlplane/base/cidr';
import { Unavailable } from '../../controlplane/base/errors';
import type { DesiredRules } from '../netfilter/desired';
import type { OwnedTable } from '../netfilter/names';
import type { TableChain, TablePlan } from '../nftables/table-plan';

/** How far the kernel follows the plans. */
export interface WriteState {
  /** Writes that have begun. */
  readonly writes: number;
  /** A change waits, or a write is under way. */
  readonly pending: boolean;
  /** When the last successful write ended, in milliseconds since the epoch. */
  readonly writtenAt?: number;
  /** Why the last write failed; absent: it did not. */
  readonly failure?: string;
}

export interface PartState {
  readonly part: 'services' | 'policies';
  readonly mode: 'iptables' | 'nftables';
  readonly state: WriteState;
  /** False: nothing was planned yet. The rules of an earlier process stay until then. */
  readonly known: boolean;
  /** What a person should know: something that this node cannot have. */
  readonly notes: readonly string[];
}
export interface DesiredPart extends PartState {
  readonly iptables: readonly (DesiredRules['iptables'][number] & { readonly family: Family })[];
  readonly nft: DesiredRules['nft'];
}

/** Elements in one line. */
const portion = 500;
const version = 1;

type Line =
  | { readonly version: number }
  | PartState
  | { readonly iptables: Pick<DesiredPart['iptables'][number], 'family' | 'backend' | 'jumps'> }
  | { readonly of: OwnedTable; readonly chain: string; readonly rules: string }
  | { readonly nft: DesiredPart['nft'][number]['table'] }
  | { readonly chain: string; readonly content: TableChain }
  | { readonly set: string; readonly declared: string }
  | { readonly elements: string; readonly pairs: readonly (readonly [string, string])[] }
  | { readonly end: readonly PartState[] };

export const stateOf = ({ part, mode, state, known, notes }: PartState): PartState => ({
  part,
  mode,
  state,
  known,
  notes,
});

/** Each with its line end. `parts` is asked again at the end. */
export function* desiredLines(parts: () => readonly DesiredPart[]): Generator<string> {
  for (const line of linesOf(parts)) yield `${JSON.stringify(line)}\n`;
}

/** Only the states of the parts. */
export function* stateLines(parts: () => readonly PartState[]): Generator<string> {
  const lines: readonly Line[] = [{ version }, { end: parts().map(stateOf) }];
  for (const line of lines) yield `${JSON.stringify(line)}\n`;
}

function* linesOf(parts: () => readonly DesiredPart[]): Generator<Line> {
  yield { version };
  for (const { iptables, nft, ...part } of parts()) {
    yield stateOf(part);
    for (const { family, backend, jumps, chains } of iptables) {
      yield { iptables: { family, backend, jumps } };
      for (const of of ['nat', 'filter'] as const) {
        for (const [chain, rules] of chains[of]) yield { of, chain, rules };
      }
    }
    for (const { table, plan } of nft) {
      yield { nft: table };
      for (const [chain, content] of plan.chains) yield { chain, content };
      for (const [set, declared] of plan.sets) yield { set, declared };
      for (const [elements, all] of plan.elements) {
        let pairs: (readonly [string, string])[] = [];
        for (const pair of all) {
          pairs.push(pair);
          if (pairs.length < portion) continue;
          yield { elements, pairs };
          pairs = [];
        }
        yield { elements, pairs };
      }
    }
  }
  yield { end: parts().map(stateOf) };
}

export interface DesiredOfNode {
  readonly parts: readonly DesiredPart[];
  /** The states when the last line was made. */
  readonly end: readonly PartState[];
}

/** Give each line to take(), then call done(). */
export class DesiredReader {
  private readonly parts: Filling[] = [];
  private ended: readonly PartState[] | undefined;

  /** @throws Unavailable for a line that is none of these */
  take(text: string): void {
    const line = parseLine(text);
    if ('version' in line) {
      if (line.version !== version)
        throw new Unavailable(`kube-proxy answers in version ${line.version} of the format`);
    } else if ('part' in line) this.parts.push({ ...line, iptables: [], nft: [] });
    else if ('end' in line) this.ended = line.end;
    else if ('iptables' in line) {
      this.part.iptables.push({ ...line.iptables, chains: { nat: new Map(), filter: new Map() } });
    } else if ('of' in line) last(this.part.iptables).chains[line.of].set(line.chain, line.rules);
    else if ('nft' in line) this.part.nft.push({ table: line.nft, plan: emptyPlan() });
    else if ('content' in line) last(this.part.nft).plan.chains.set(line.chain, line.content);
    else if ('set' in line) last(this.part.nft).plan.sets.set(line.set, line.declared);
    else this.fill(line.elements, line.pairs);
  }

  /** @throws Unavailable when the last line is missing */
  done(): DesiredOfNode {
    if (!this.ended) throw new Unavailable('the answer of kube-proxy ended early');
    return { parts: this.parts, end: this.ended };
  }

  private get part(): Filling {
    return last(this.parts);
  }

  private fill(set: string, pairs: readonly (readonly [string, string])[]): void {
    const { elements } = last(this.part.nft).plan;
    const all = elements.get(set) ?? new Map<string, string>();
    for (const [key, rest] of pairs) all.set(key, rest);
    elements.set(set, all);
  }
}

interface Filling extends PartState {
  readonly iptables: (Omit<DesiredPart['iptables'][number], 'chains'> & {
    readonly chains: Record<OwnedTable, Map<string, string>>;
  })[];
  readonly nft: { readonly table: DesiredPart['nft'][number]['table']; readonly plan: ReturnType<typeof emptyPlan> }[];
}

const emptyPlan = () =>
  ({
    chains: new Map<string, TableChain>(),
    sets: new Map<string, string>(),
    elements: new Map<string, Map<string, string>>(),
  }) satisfies TablePlan;

function last<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) throw new Unavailable('the answer of kube-proxy has a line at the wrong place');
  return item;
}

function parseLine(text: string): Line {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null) return line as Line;
  } catch {
    // Handled below.
  }
  throw new Unavailable(`kube-proxy answered a line that is not understood: ${JSON.stringify(text.slice(0, 100))}`);
}
