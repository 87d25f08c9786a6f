// From a DaemonSet, its pods and the nodes to the steps of one pass. Pure: no I/O, no clock.
import { isDeepStrictEqual } from 'node:util';
import { isReady } from '../../api/conditions';
import { type DaemonSet, templateGeneration } from '../../api/daemon-set';
import type { Node } from '../../api/node';
import { notReadyTaint, unreachableTaint } from '../../api/node-taints';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { allowsNode, tolerates } from '../../api/pods/placement';
import type { PodSpec } from '../../api/pods/types';
import type { OwnerReference } from '../../api/types';
import { isDeleting } from '../shared/owner';
import { availability } from '../shared/pod';
import { revisionHashLabel } from '../shared/revisions';

export type Step =
  | { readonly action: 'create'; readonly node: string }
  /** `ended`: the pod has failed or finished, which a daemon should not. */
  | { readonly action: 'delete'; readonly pod: Pod; readonly ended?: 'failed' | 'succeeded' };

export interface DaemonSetInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** The pods it owns. */
  readonly pods: readonly Pod[];
  /** The hash in the label of up-to-date pods. */
  readonly hash: string;
  readonly now: number;
}
export interface DaemonSetPlan {
  readonly steps: readonly Step[];
  /** Undefined when the stored status is right already. */
  readonly status?: NonNullable<DaemonSet['status']>;
  /** When a ready pod will have been ready long enough, in ms from now. */
  readonly againInMs?: number;
}

/** Pods created in one pass, as upstream. */
const burst = 250;

interface Place {
  readonly node: Node;
  readonly shouldRun: boolean;
  /** False when an existing pod on the node must be deleted. */
  readonly mayStay: boolean;
  readonly pods: readonly Pod[];
}

export function planDaemonSet(input: DaemonSetInput): DaemonSetPlan {
  const { set, nodes, pods } = input;
  const byNode = Map.groupBy(pods, targetNode);
  const spec = withTolerations(set.spec?.template?.spec ?? { containers: [] });
  const places = nodes.map((node): Place => {
    return { node, pods: byNode.get(node.metadata?.name ?? '') ?? [], ...judge(spec, node) };
  });
  const { status, againInMs } = planStatus(input, places);
  if (isDeleting(set)) return { steps: [], status, againInMs };
  const steps = places.flatMap((place) => planPlace(place));
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

function planPlace({ node, shouldRun, mayStay, pods }: Place): Step[] {
  if (!mayStay) return pods.filter((pod) => !isDeleting(pod)).map((pod) => ({ action: 'delete', pod }));
  // A terminating pod keeps its node until it has ended: two pods must never run at once.
  if (pods.length === 0) return shouldRun ? [{ action: 'create', node: node.metadata?.name ?? '' }] : [];
  const staying = pods.filter((pod) => !isDeleting(pod));
  const ended = staying.filter(isTerminal).map((pod): Step => {
    return { action: 'delete', pod, ended: pod.status?.phase === 'Failed' ? 'failed' : 'succeeded' };
  });
  const running = staying.filter((pod) => !isTerminal(pod));
  const spare = [...running].sort(byWorth).slice(1);
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

/** Old pods to delete now: pods that are not available, and as many others as may be missing at once. */
function planUpdate({ set, hash, now }: DaemonSetInput, places: readonly Place[]): Step[] {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const minReady = set.spec?.minReadySeconds ?? 0;
  const desired = places.filter(({ shouldRun }) => shouldRun);
  let missing = 0;
  const useless: Pod[] = [];
  const serving: Pod[] = [];
  for (const { pods } of desired) {
    const pod = pods.find((each) => !isDeleting(each));
    const available = pod !== undefined && availability(pod, minReady, now).available;
    if (!available) missing++;
    if (!pod || pod.metadata?.labels?.[revisionHashLabel] === hash) continue;
    if (available) serving.push(pod);
    else useless.push(pod);
  }
  const limit = maxUnavailable(set, desired.length);
  const more = Math.max(0, limit - missing);
  return [...useless, ...serving.slice(0, more)].map((pod) => ({ action: 'delete', pod }));
}

/** A percentage of few nodes is at least one, or no pod would ever be updated. */
function maxUnavailable({ spec }: DaemonSet, nodes: number): number {
  const value = (spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1) as number | string;
  if (typeof value === 'number') return value;
  return Math.max(1, Math.ceil((Number.parseInt(value, 10) * nodes) / 100));
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

/** Tolerations that every daemon pod gets: it stays on its node in every state of the node. */
const nodeTroubles: readonly (readonly [key: string, effect: string])[] = [
  [notReadyTaint, 'NoExecute'],
  [unreachableTaint, 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];

function withTolerations(spec: PodSpec): PodSpec {
  const troubles = [...nodeTroubles];
  if (spec.hostNetwork) troubles.push(['node.kubernetes.io/network-unavailable', 'NoSchedule']);
  const own = spec.tolerations ?? [];
  const added = troubles
    .filter(
      ([key, effect]) => !own.some((each) => each.key === key && each.effect === effect && each.operator === 'Exists'),
    )
    .map(([key, effect]) => ({ key, operator: 'Exists', effect }));
  return { ...spec, tolerations: [...own, ...added] };
}

/** The pod for one node. The scheduler binds it, and its affinity allows only that node. */
export function renderPod(set: DaemonSet, node: string, hash: string, owner: OwnerReference): Pod {
  const { metadata, spec = { containers: [] } } = set.spec?.template ?? {};
  const only = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] };
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    // The terms of the template are checked already. This term replaces them, since terms are alternatives.
    requiredDuringSchedulingIgnoredDuringExecution: only,
  };
  return {
    metadata: {
      generateName: `${set.metadata?.name}-`,
      namespace: set.metadata?.namespace,
      labels: {
        ...metadata?.labels,
        [revisionHashLabel]: hash,
        'pod-template-generation': String(templateGeneration(set)),
      },
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [owner],
    },
    spec: { ...withTolerations(spec), affinity: { ...spec.affinity, nodeAffinity } },
  };
}
