// The next steps of a rolling update of a DaemonSet, when no node lacks a pod or has too many. Either old pods go first and their nodes
// get new ones (maxUnavailable), or new pods come first and old ones go when the new ones are available (maxSurge, KEP-1591). Pure.
import { isReady } from '../../api/conditions';
import type { DaemonSet } from '../../api/daemon-set';
import type { Pod } from '../../api/pod';
import { isDeleting } from '../shared/owner';
import { availability } from '../shared/pod';
import { revisionHashLabel } from '../shared/revisions';
import type { DaemonSetInput, Place, Step } from './types';

type Facts = Pick<DaemonSetInput, 'set' | 'hash' | 'now'>;

export function planUpdate(input: Facts, places: readonly Place[]): Step[] {
  if (input.set.spec?.updateStrategy?.type === 'OnDelete') return [];
  return allowsSurge(input.set) ? planSurge(input, places) : planReplacement(input, places);
}

/** Whether two pods may be on a node during an update. */
export function allowsSurge({ spec }: DaemonSet): boolean {
  if (spec?.updateStrategy?.type !== 'RollingUpdate') return false;
  return Number.parseInt(String(spec.updateStrategy.rollingUpdate?.maxSurge ?? 0), 10) > 0;
}

/**
 * Of several pods on a node during a surge: those to delete. The first pod of the present template and the first of older ones stay, until
 * the new one is available or the old one is not ready any more. `running`: the ones to keep first.
 */
export function excessOfSurge(input: Facts, running: readonly Pod[]): Pod[] {
  const { fresh, outdated, more } = pairOf(running, input.hash);
  const isOver = fresh && outdated && (!isReady(outdated) || isAvailable(input, fresh));
  return isOver ? [...more, outdated] : more;
}

interface Pair {
  readonly fresh?: Pod | undefined;
  readonly outdated?: Pod | undefined;
  readonly more: Pod[];
}

function pairOf(pods: readonly Pod[], hash: string): Pair {
  const [fresh, outdated] = [true, false].map((wanted) => pods.find((pod) => isFresh(pod, hash) === wanted));
  return { fresh, outdated, more: pods.filter((pod) => pod !== fresh && pod !== outdated) };
}

const isFresh = ({ metadata }: Pod, hash: string): boolean => metadata?.labels?.[revisionHashLabel] === hash;

const isAvailable = ({ set, now }: Facts, pod: Pod): boolean =>
  availability(pod, set.spec?.minReadySeconds ?? 0, now).available;

/** Old pods to delete now: pods that are not available, and as many others as may be missing at once. */
function planReplacement(input: Facts, places: readonly Place[]): Step[] {
  const desired = places.filter(({ shouldRun }) => shouldRun);
  let missing = 0;
  const useless: Pod[] = [];
  const serving: Pod[] = [];
  for (const { pods } of desired) {
    const pod = pods.find((each) => !isDeleting(each));
    const available = pod !== undefined && isAvailable(input, pod);
    if (!available) missing++;
    if (!pod || isFresh(pod, input.hash)) continue;
    if (available) serving.push(pod);
    else useless.push(pod);
  }
  const { maxUnavailable = 1 } = input.set.spec?.updateStrategy?.rollingUpdate ?? {};
  const more = Math.max(0, boundOf(maxUnavailable, desired.length) - missing);
  return [...useless, ...serving.slice(0, more)].map(remove);
}

/**
 * A node whose old pod is not available gets a new one at once, as do as many others as may have two pods. A node that should not run the
 * pod any more keeps an available one until there are enough elsewhere.
 */
function planSurge(input: Facts, places: readonly Place[]): Step[] {
  let surging = 0;
  let available = 0;
  const now: Step[] = [];
  const leaving: Pod[] = [];
  const candidates: Step[] = [];
  for (const { node, shouldRun, pods } of places) {
    const { fresh, outdated } = pairOf(
      pods.filter((pod) => !isDeleting(pod)),
      input.hash,
    );
    const serves = outdated ?? fresh;
    const isServing = serves !== undefined && isAvailable(input, serves);
    if (isServing) available++;
    if (!outdated) continue;
    const create: Step = { action: 'create', node: node.metadata?.name ?? '' };
    // The old pod goes in another pass, when the new one is available.
    if (fresh) surging++;
    else if (!shouldRun && isServing) leaving.push(outdated);
    else if (!shouldRun) now.push(remove(outdated));
    else if (isServing) candidates.push(create);
    else now.push(create);
  }
  const desired = places.filter(({ shouldRun }) => shouldRun).length;
  const { maxSurge = 0 } = input.set.spec?.updateStrategy?.rollingUpdate ?? {};
  const room = Math.max(0, boundOf(maxSurge, desired) - surging);
  const spare = Math.max(0, available - desired);
  return [...now, ...leaving.slice(0, spare).map(remove), ...candidates.slice(0, room)];
}

const remove = (pod: Pod): Step => ({ action: 'delete', pod });

/** A percentage of few nodes is at least one, or no pod would ever be updated. */
function boundOf(value: unknown, nodes: number): number {
  if (typeof value === 'number') return value;
  return Math.max(1, Math.ceil((Number.parseInt(String(value), 10) * nodes) / 100));
}
