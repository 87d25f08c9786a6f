// Which hops of a path a reader need not see at first: those that only pass the packet on. Pure.
import type { PathReport } from '../../../base/path-report';
import type { Step } from './steps';

/** Consecutive hops: `isQuiet`: nothing happens at any of them. */
export interface Fold {
  readonly isQuiet: boolean;
  readonly steps: readonly Step[];
}

const passing: ReadonlySet<Step['kind']> = new Set(['interface', 'routing', 'neighbour', 'hook']);

/** It changes nothing, judges nothing by an object of the API, and is as it should be. */
export const isQuiet = ({ kind, state, becomes, fault, isGuilty, rules = [] }: Step): boolean =>
  passing.has(kind) &&
  state === 'passes' &&
  !becomes &&
  !fault &&
  !isGuilty &&
  rules.every(({ objects, verdict }) => objects.length === 0 && !/^(?:drop|reject)/i.test(verdict));

/** One hop alone takes no more room than the line that would stand for it. */
const least = 2;

/** The hops in their order, the quiet ones together. */
export function foldsOf(steps: readonly Step[]): readonly Fold[] {
  const folds: { isQuiet: boolean; steps: Step[] }[] = [];
  for (const step of steps) {
    const last = folds.at(-1);
    const quiet = isQuiet(step);
    if (last?.isQuiet === quiet) last.steps.push(step);
    else folds.push({ isQuiet: quiet, steps: [step] });
  }
  return folds.map((fold) => (fold.steps.length < least ? { ...fold, isQuiet: false } : fold));
}

/** The first hop that is not as it should be: the one that the verdict names. undefined for a packet that arrives. */
export function firstFailing({ hops, verdict }: PathReport): number | undefined {
  if (verdict.works === 'yes') return undefined;
  if (verdict.hop !== undefined) return verdict.hop;
  const index = hops.findIndex(({ state }) => state === 'stops' || state === 'doubtful');
  return index < 0 ? undefined : index;
}
