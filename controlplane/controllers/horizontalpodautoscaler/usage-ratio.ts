// How many replicas a metric of an object, or of something outside the cluster, asks for: one value for all pods. Pure.
import { isConditionTrue } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import { isWithin, type Tolerances } from './tolerances';

const mostReplicas = 2 ** 31 - 1;

export interface ValueAnswer {
  readonly replicas: number;
  /** Thousandths: of the value, or of its share for each pod. */
  readonly milli: number;
}

/** The value is to be the target. The answer, or the words of the error. */
export function askValue(
  milli: number,
  targetMilli: number,
  current: number,
  pods: readonly Pod[],
  tolerances: Tolerances,
): ValueAnswer | string {
  const ratio = milli / targetMilli;
  if (isWithin(ratio, tolerances)) return { replicas: current, milli };
  if (pods.length === 0) {
    return 'unable to calculate ready pods: no pods returned by selector while calculating replica count';
  }
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isConditionTrue(pod, 'Ready')).length;
  return { replicas: Math.min(Math.ceil(ratio * ready), mostReplicas), milli };
}

/** The value is shared by the replicas of the status; each share is to be the target. */
export function askShare(milli: number, targetMilli: number, replicas: number, tolerances: Tolerances): ValueAnswer {
  const ratio = milli / (targetMilli * replicas);
  return {
    replicas: isWithin(ratio, tolerances) ? replicas : Math.min(Math.ceil(milli / targetMilli), mostReplicas),
    milli: replicas === 0 ? milli : Math.ceil(milli / replicas),
  };
}
