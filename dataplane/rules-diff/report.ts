// What `k8ts rules diff` says about a node, as values. Pure.

import { compareIptables, compareTable, type OwnRules, ownRules } from './compare';
import { type Bounded, bounded, type Difference, identityOf, type Kind } from './difference';
import type { DesiredOfNode, PartState } from './document';
import { type Foreign, foreignRules } from './foreign';
import type { Observed } from './observe';

/** Why nothing desired is known. */
export interface Silence {
  readonly why: string;
}

export interface Report {
  readonly verdict: 'equal' | 'different' | 'unknown';
  /** Empty: kube-proxy did not answer. */
  readonly parts: readonly PartState[];
  readonly silence?: Silence;
  readonly rules: Readonly<Record<Kind, Bounded<Difference>>>;
  readonly elements: Readonly<Record<Kind, Bounded<Difference>>>;
  /** Only where nothing desired is known. */
  readonly own: readonly OwnRules[];
  readonly foreign: Foreign;
  /** What was not compared, and why. */
  readonly notes: readonly string[];
}

/** Nothing, while a part has planned nothing: the rules of an earlier process are neither desired nor too many. */
export function differencesOf({ parts }: DesiredOfNode, { dumps, tables }: Observed): readonly Difference[] {
  const [services, policies] = (['services', 'policies'] as const).map((name) =>
    parts.find(({ part, known }) => part === name && known),
  );
  const isOfPolicies = (label: string) => label.endsWith(' k8ts-policy');
  const compared = tables.filter(({ label }) => (isOfPolicies(label) ? policies : services) !== undefined);
  return [...(services ? compareIptables(dumps, services.iptables) : []), ...compared.flatMap(compareTable)];
}

const always = ['table bridge k8ts-pod-sources is not compared: the kubelet writes it, and checks it itself'];

export function reportOf(
  desired: DesiredOfNode | Silence,
  observed: Observed,
  differences: readonly Difference[],
): Report {
  const { dumps, ruleset, tables } = observed;
  const foreign = foreignRules(dumps, ruleset);
  const parts = 'parts' in desired ? desired.end : [];
  const unknown = parts.length === 0 || parts.some(({ known }) => !known);
  const kinds = (only: readonly Difference[]): Report['rules'] => {
    const of = (kind: Kind) => bounded(only.filter((one) => one.kind === kind));
    return { missing: of('missing'), extra: of('extra'), changed: of('changed') };
  };
  return {
    verdict: differences.length > 0 ? 'different' : unknown || observed.notes.length > 0 ? 'unknown' : 'equal',
    parts,
    ...('why' in desired ? { silence: desired } : {}),
    rules: kinds(differences.filter(({ what }) => what !== 'element')),
    elements: kinds(differences.filter(({ what }) => what === 'element')),
    own: unknown ? ownRules(dumps, tables) : [],
    foreign,
    notes: [
      ...parts.flatMap(({ notes }) => notes),
      ...observed.notes,
      ...observed.remarks,
      ...foreign.notes,
      ...always,
    ],
  };
}

/** What differs in both readings: kube-proxy wrote meanwhile, and a write that was under way is no difference. */
export function inBoth(earlier: readonly Difference[], later: readonly Difference[]): readonly Difference[] {
  const before = new Set(earlier.map(identityOf));
  return later.filter((one) => before.has(identityOf(one)));
}

/** Whether plans changed or waited between these answers, so that they cannot be compared with what was read between. */
export function hasMoved(answers: readonly (readonly PartState[])[]): boolean {
  // A write that fails waits all the time, and nothing moves.
  const steady = answers.map((states) => states.filter(({ state }) => state.failure === undefined));
  const writes = new Set(steady.map((states) => JSON.stringify(states.map(({ part, state }) => [part, state.writes]))));
  return writes.size > 1 || steady.flat().some(({ state }) => state.pending);
}
