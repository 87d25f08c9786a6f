// How many replicas a resource metric asks for, from what the pods use. Pure. Pods without a measurement count as if they opposed the
// change: so a gap in the measurements never makes a target larger or smaller.
import type { Pod } from '../../api/pod';
import type { PodMetrics } from '../../api/resource-metrics';
import { groupPods, requestsByPod, type Usage, usageByPod, type Wanted } from './pod-usage';
import { isWithin, type Tolerances } from './tolerances';

export interface Question {
  readonly wanted: Wanted;
  /** Percent of the request, or thousandths per pod. */
  readonly target: { readonly utilization: number } | { readonly milli: number };
  readonly pods: readonly Pod[];
  readonly metrics: readonly PodMetrics[];
  /** Replicas of the target's spec. */
  readonly current: number;
  readonly tolerances: Tolerances;
  readonly now: number;
}
export interface Answer {
  readonly replicas: number;
  /** Percent of the requests; only for targets in percent. */
  readonly utilization?: number;
  /** Thousandths per pod that was measured. */
  readonly milli: number;
}

/** The answer, or the words of the error. */
export function askResource({ wanted, metrics, ...question }: Question): Answer | string {
  const { resource } = wanted;
  if (metrics.length === 0) {
    return `unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`;
  }
  const requests = () => requestsByPod(question.pods, wanted);
  return askUsages({ ...question, resource, measured: usageByPod(metrics, wanted), requests });
}

export interface UsageQuestion extends Omit<Question, 'wanted' | 'metrics'> {
  /** '' for a metric that is no resource. */
  readonly resource: string;
  /** By the name of the pod. */
  readonly measured: ReadonlyMap<string, Usage>;
  /** Thousandths by the name of the pod, or the words of the error; only for targets in percent. */
  readonly requests: () => ReadonlyMap<string, number> | string;
}

/** The same for any metric of pods. */
export function askUsages(question: UsageQuestion): Answer | string {
  const { resource, measured, target, pods, current, tolerances, now } = question;
  if (pods.length === 0) return 'no pods returned by selector while calculating replica count';
  const groups = groupPods(pods, measured, resource, now);
  const usages = new Map([...measured].filter(([name]) => !groups.ignored.has(name) && !groups.unready.has(name)));
  if (usages.size === 0) return 'did not receive metrics for targeted pods (pods might be unready)';
  const requests = 'utilization' in target ? question.requests() : new Map<string, number>();
  if (typeof requests === 'string') return requests;
  const measure = 'utilization' in target ? utilizationOf(requests, target.utilization) : averageOf(target.milli);
  const first = measure(amounts(usages));
  if (typeof first === 'string') return first;
  const answer = (replicas: number): Answer => ({
    replicas,
    milli: first.milli,
    ...(first.utilization === undefined ? {} : { utilization: first.utilization }),
  });
  const rises = groups.unready.size > 0 && first.ratio > 1;
  if (!rises && groups.missing.size === 0) {
    return answer(isWithin(first.ratio, tolerances) ? current : Math.ceil(first.ratio * groups.ready));
  }
  const assumed = amounts(usages);
  for (const name of groups.missing) assumed.set(name, first.ratio < 1 ? opposing(name, target, requests) : 0);
  if (rises) for (const name of groups.unready) assumed.set(name, 0);
  const second = measure(assumed);
  if (typeof second === 'string') return second;
  const turns = (first.ratio < 1 && second.ratio > 1) || (first.ratio > 1 && second.ratio < 1);
  if (isWithin(second.ratio, tolerances) || turns) return answer(current);
  const replicas = Math.ceil(second.ratio * assumed.size);
  const opposes = (second.ratio < 1 && replicas > current) || (second.ratio > 1 && replicas < current);
  return answer(opposes ? current : replicas);
}

const amounts = (usages: ReadonlyMap<string, Usage>): Map<string, number> =>
  new Map([...usages].map(([name, { milli }]) => [name, milli]));

/** What a pod without a measurement is assumed to use, when the others use little. */
function opposing(name: string, target: Question['target'], requests: ReadonlyMap<string, number>): number {
  if ('milli' in target) return target.milli;
  return ((requests.get(name) ?? 0) * Math.max(100, target.utilization)) / 100;
}

interface Measured {
  readonly ratio: number;
  readonly utilization?: number;
  readonly milli: number;
}
type Measure = (usages: ReadonlyMap<string, number>) => Measured | string;

const utilizationOf =
  (requests: ReadonlyMap<string, number>, target: number): Measure =>
  (usages) => {
    let [used, requested, count] = [0, 0, 0];
    for (const [name, milli] of usages) {
      const request = requests.get(name);
      if (request === undefined) continue;
      used += milli;
      requested += request;
      count++;
    }
    if (requested === 0) return 'no metrics returned matched known pods';
    const utilization = Math.trunc((used * 100) / requested);
    return { ratio: utilization / target, utilization, milli: Math.trunc(used / count) };
  };

const averageOf =
  (target: number): Measure =>
  (usages) => {
    const used = [...usages.values()].reduce((total, milli) => total + milli, 0);
    const milli = Math.trunc(used / usages.size);
    return { ratio: milli / target, milli };
  };
