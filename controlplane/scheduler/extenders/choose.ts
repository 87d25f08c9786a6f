// One scheduling decision with extenders: the plug-ins decide first, the extenders refuse and rate what is left.
import type { Logger } from '../../base/logger';
import { run } from '../../base/steps';
import { type Choice, type ChooseInput, type Feasible, findFeasible, pickBest } from '../choose';
import type { Refusal } from '../filter';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import type { Candidate } from '../preemption';
import { scoreNodes } from '../score';
import type { HttpExtender } from './extender';

/** Stands for all extenders where a plug-in's name is expected: every event may help a pod that one of them refused. */
export const extenderName = 'Extender';

export interface ExtenderDeps {
  /** Those that are interested in the pod. */
  readonly extenders: readonly HttpExtender[];
  readonly log: Logger;
}

/** @throws Unavailable when an extender that is not ignorable cannot filter */
export async function chooseWithExtenders(
  input: ChooseInput,
  deps: ExtenderDeps,
  signal: AbortSignal,
): Promise<Choice> {
  const first = await run(findFeasible(input));
  const found = await filtered(first, input, deps, signal);
  // The node that is kept for the pod has been refused: now all nodes are examined.
  const { feasible, refusals, examined, podRefusal } =
    first.reserved && found.feasible.length === 0
      ? await filtered(await run(findFeasible(input, true)), input, deps, signal)
      : found;
  if (feasible.length === 0) return { node: undefined, examined, refusals, ...(podRefusal ? { podRefusal } : {}) };
  if (feasible.length === 1) return { node: feasible[0]!, examined };
  const scores = await run(scoreNodes(input.plugins, input, feasible));
  const added = await Promise.all(
    deps.extenders
      .filter(({ rates }) => rates)
      .map((extender) => rated(extender, input.pod, feasible, deps.log, signal)),
  );
  const totals = feasible.map(({ name }, i) => added.reduce((sum, each) => sum + (each.get(name) ?? 0), scores[i]!));
  return { node: pickBest(feasible, totals, input.random), examined };
}

async function filtered(
  found: Feasible,
  { pod }: ChooseInput,
  { extenders, log }: ExtenderDeps,
  signal: AbortSignal,
): Promise<Feasible> {
  const refusals = new Map(found.refusals);
  let feasible = found.feasible;
  for (const extender of extenders) {
    if (feasible.length === 0 || !extender.filters) continue;
    try {
      const { nodes, refused, unresolvable } = await extender.filter(pod, feasible, signal);
      const refuse = (reason: string, resolvable: boolean): Refusal => ({
        plugin: extenderName,
        reasons: reason === '' ? [] : [reason],
        resolvable,
      });
      const left = new Set(nodes);
      // A node that the answer does not mention at all is refused without a reason, as upstream.
      for (const node of feasible) if (!left.has(node)) refusals.set(node.name, refuse('', false));
      for (const [name, why] of refused) refusals.set(name, refuse(why, true));
      for (const [name, why] of unresolvable) refusals.set(name, refuse(why, false));
      feasible = nodes;
    } catch (error) {
      if (!extender.ignorable || signal.aborted) throw error;
      log.warn('an extender that may be ignored did not filter', { extender: extender.name, error });
    }
  }
  return { ...found, feasible, refusals };
}

/** An extender that does not answer adds nothing. */
async function rated(
  extender: HttpExtender,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  log: Logger,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  try {
    return await extender.rate(pod, nodes, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn('an extender did not rate the nodes', { extender: extender.name, error });
    return new Map();
  }
}

/** The candidates for a preemption that all extenders leave. @throws Unavailable */
export async function preemptWithExtenders(
  pod: PodInfo,
  all: readonly Candidate[],
  { extenders, log }: ExtenderDeps,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  let candidates = all;
  for (const extender of extenders) {
    if (candidates.length === 0 || !extender.preempts) continue;
    try {
      candidates = await extender.preempt(pod, candidates, signal);
    } catch (error) {
      if (!extender.ignorable || signal.aborted) throw error;
      log.warn('an extender that may be ignored did not judge a preemption', { extender: extender.name, error });
    }
  }
  return candidates;
}
