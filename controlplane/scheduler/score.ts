// Which of the nodes that fit is best: each plug-in rates each node from 0 to 100, and the ratings are weighted. Pure.
import { isSteps, type Steps } from '../base/steps';
import type { NodeInfo } from './node-info';
import type { Rated, SchedulerPlugin, SchedulingCycle } from './plugins/plugin';

/** The total of each feasible node, in the order given. */
export function* scoreNodes(
  plugins: readonly SchedulerPlugin[],
  cycle: SchedulingCycle,
  feasible: readonly NodeInfo[],
): Steps<readonly number[]> {
  const totals = feasible.map(() => 0);
  for (const { score } of plugins) {
    const rated = score?.rate(cycle, feasible);
    const ratings = isSteps<Rated>(rated) ? yield* rated : rated;
    if (!score || !ratings) continue;
    for (let i = 0; i < totals.length; i++) totals[i] = totals[i]! + score.weight * ratings[i]!;
  }
  return totals;
}
