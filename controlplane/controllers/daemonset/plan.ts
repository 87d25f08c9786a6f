// From a DaemonSet, its pods and the nodes to the steps of one pass. Pure: no I/O, no clock.
import { isDeepStrictEqual } from 'node:util';
import { isReady } from '../../api/conditions';
import type { DaemonSet } from '../../api/daemon-set';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { allowsNode, tolerates } from '../../api/pods/placement';
import type { PodSpec } from '../../api/pods/types';
import { isDeleting } from '../shared/owner';
import { availability } from '../shared/pod';
import { revisionHashLabel } from '../shared/revisions';
import { withTolerations } from './daemon-pod';
import type { DaemonSetInput, Place, Step } from './types';
import { allowsSurge, excessOfSurge, planUpdate } from './update';

export interface DaemonSetPlan {
  readonly steps: readonly Step[];
  /** Undefined when the stored status is right already. */
  readonly status?: NonNullable<DaemonSet['status']>;
  /** When a ready pod will have been ready long enough, in ms from now. */
  readonly againInMs?: number;
}

/** Pods created in one pass, as upstream. */
const burst = 250;

export function planDaemonSet(input: DaemonSetInput): DaemonSetPlan {
  const { set, nodes, pods } = input;
  const byNode = Map.groupBy(pods, targetNode);
  const spec = withTolerations(set.spec?.template?.spec ?? { containers: [] });
  const places = nodes.map((node): Place => {
    return { node, pods: byNode.get(node.metadata?.name ?? '') ?? [], ...judge(spec, node) };
  });
  const { status, againInMs } = planStatus(input, places);
  if (isDeleting(set)) return { steps: [], status, againInMs };
  const steps = places.flatMap((place) => planPlace(input, place));
  const creates = steps.filter(({ action }) => action === 'create').slice(0, burst);
  const deletes = steps.filter(({ action }) => action === 'delete');
  // No pod is replaced while a node lacks its pod: too many pods would be missing.
  const updates = steps.length === 0 ? planUpdate(input, places) : [];
  return { steps: [...deletes, ...creates, ...updates], status, againInMs };
}

/** The node on which the pod runs, or for which it was created. */
export function targetNode({ spec }: Pod): string {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === 'metadata.name' && operator === 'In' && values.length === 1) return values[0]!;
    }
  }
  return '';
}

function judge(spec: PodSpec, { metadata, spec: node }: Node): { shouldRun: boolean; mayStay: boolean } {
  const facts = { name: metadata?.name ?? '', labels: metadata?.labels ?? {} };
  if ((spec.nodeName && spec.nodeName !== facts.name) || !allowsNode(spec, facts)) {
    return { shouldRun: false, mayStay: false };
  }
  const refused = (effects: readonly string[]) =>
    (node?.taints ?? []).some(
      (taint) => effects.includes(taint.effect) && !(spec.tolerations ?? []).some((each) => tolerates(each, taint)),
    );
  return { shouldRun: !refused(['NoSchedule', 'NoExecute']), mayStay: !refused(['NoExecute']) };
}

function planPlace(input: DaemonSetInput, { node, shouldRun, mayStay, pods }: Place): Step[] {
  if (!mayStay) return pods.filter((pod) => !isDeleting(pod)).map((pod) => ({ action: 'delete', pod }));
  const surges = allowsSurge(input.set);
  // A terminating pod keeps its node until it has ended: two pods must not run at once, unless the set allows it.
  if (pods.every((pod) => surges && isDeleting(pod)))
    return shouldRun ? [{ action: 'create', node: node.metadata?.name ?? '' }] : [];
  const staying = pods.filter((pod) => !isDeleting(pod));
  const ended = staying.filter(isTerminal).map((pod): Step => {
    return { action: 'delete', pod, ended: pod.status?.phase === 'Failed' ? 'failed' : 'succeeded' };
  });
  const running = staying.filter((pod) => !isTerminal(pod));
  const sorted = [...running].sort(byWorth);
  const spare = surges ? excessOfSurge(input, sorted) : sorted.slice(1);
  return [...ended, ...spare.map((pod): Step => ({ action: 'delete', pod }))];
}

/** Pods to keep come first: on their node, ready, oldest. */
function byWorth(a: Pod, b: Pod): number {
  const key = (pod: Pod) => [pod.spec?.nodeName ? 0 : 1, isReady(pod) ? 0 : 1];
  const [x, y] = [key(a), key(b)];
  const at = x.findIndex((value, i) => value !== y[i]);
  if (at >= 0) return x[at]! - y[at]!;
  const age = ({ metadata }: Pod) => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
  return age(a) < age(b) ? -1 : 1;
}

function planStatus(
  { set, hash, now }: DaemonSetInput,
  places: readonly Place[],
): Pick<DaemonSetPlan, 'status' | 'againInMs'> {
  const minReady = set.spec?.minReadySeconds ?? 0;
  const counts = { desired: 0, current: 0, misplaced: 0, ready: 0, available: 0, updated: 0 };
  const soon: number[] = [];
  for (const { shouldRun, pods } of places) {
    if (!shouldRun) {
      if (pods.length > 0) counts.misplaced++;
      continue;
    }
    counts.desired++;
    const pod = [...pods].sort(byWorth)[0];
    if (!pod) continue;
    counts.current++;
    if (isReady(pod)) counts.ready++;
    const { available, inMs } = availability(pod, minReady, now);
    if (available) counts.available++;
    if (inMs !== undefined) soon.push(inMs);
    if (pod.metadata?.labels?.[revisionHashLabel] === hash) counts.updated++;
  }
  const status: NonNullable<DaemonSet['status']> = {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misplaced,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    observedGeneration: set.metadata?.generation,
    updatedNumberScheduled: counts.updated || undefined,
    numberAvailable: counts.available || undefined,
    numberUnavailable: counts.desired - counts.available || undefined,
    ...(set.status?.collisionCount === undefined ? {} : { collisionCount: set.status.collisionCount }),
  };
  const againInMs = soon.length > 0 ? Math.min(...soon) : undefined;
  return isDeepStrictEqual(set.status, JSON.parse(JSON.stringify(status))) ? { againInMs } : { status, againInMs };
}
