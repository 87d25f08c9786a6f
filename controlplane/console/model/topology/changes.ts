// What has happened in the last minutes: what lasts (packets are stopped, a rollout runs, nothing was measured), and when it began and ended.
// So a drop that stands hides no rollout. Pure.
import type { Structure } from './boxes';
import type { FrameInput } from './frame';
import { isGap } from './remarks';
import type { Stop } from './traffic';

/** Of one moment, found once when it comes. */
export interface Seen {
  /** Nothing was measured here, or just before. */
  readonly isGap: boolean;
  /** Rules that stop packets, one for each set of objects; undefined: rates are not known yet. */
  readonly stopped?: readonly Stop[];
  /** NAMESPACE/NAME of Deployments: those with pods of several revisions, and those whose rollout has just begun or ended. */
  readonly rolling: readonly string[];
  readonly rolloutsBegun: readonly string[];
  readonly rolloutsEnded: readonly string[];
  /** Namespaces in which pods came, went, became ready or not. */
  readonly podsChanged: readonly string[];
}

export interface SeenMoment {
  readonly atMs: number;
  readonly seen: Seen;
}

/** What lasts: a part of the timeline. */
export interface Lasting {
  readonly what: 'gap' | 'stopped' | 'rollout';
  readonly fromMs: number;
  readonly toMs: number;
}

export type Change = { readonly atMs: number } & (
  | { readonly what: 'stopBegan' | 'stopEnded'; readonly stop: Stop }
  /** `name`: NAMESPACE/NAME of a Deployment; of pods their namespace. */
  | { readonly what: 'rolloutBegan' | 'rolloutEnded' | 'pods'; readonly name: string }
);

/** Moments that are further apart: the page was hidden, or the server gone. */
const gapMs = 10_000;
/** A sender waits longer and longer before it tries again: only after this time without a packet has a drop ended. */
const quietMs = 20_000;

export function seenAt(last: FrameInput | undefined, next: FrameInput): Seen {
  const { atMs, structure, stops, areStopsKnown, remarks } = next;
  const byKey = new Map(
    stops.filter(({ packetsPerSecond }) => packetsPerSecond > 0).map((stop) => [stopKey(stop), stop]),
  );
  const revisions = summaryOf(structure).revisions;
  const before = last && last.structure !== structure ? summaryOf(last.structure) : undefined;
  const turned = [...revisions].flatMap(([name, ids]) => {
    const known = before?.revisions.get(name);
    return known ? [{ name, known, ids }] : [];
  });
  const hasNew = ({ known, ids }: (typeof turned)[number]) => ids.some((id) => !known.includes(id));
  return {
    isGap: remarks.some(isGap) || (last !== undefined && atMs - last.atMs > gapMs),
    ...(areStopsKnown ? { stopped: [...byKey.values()] } : {}),
    rolling: [...revisions].flatMap(([name, ids]) => (ids.length > 1 ? [name] : [])),
    rolloutsBegun: turned.filter(hasNew).map(({ name }) => name),
    rolloutsEnded: turned
      .filter((one) => one.ids.length === 1 && (one.known.length > 1 || hasNew(one)))
      .map(({ name }) => name),
    podsChanged: before ? changedKeys(before.pods, summaryOf(structure).pods) : [],
  };
}

interface Summary {
  /** Boxes of each Deployment, by NAMESPACE/NAME. */
  readonly revisions: ReadonlyMap<string, readonly string[]>;
  /** The pods of each namespace, and whether they are ready. */
  readonly pods: ReadonlyMap<string, string>;
}

/** A structure stays the same object as long as nothing in it changes. */
const summaries = new WeakMap<Structure, Summary>();

function summaryOf(structure: Structure): Summary {
  const known = summaries.get(structure);
  if (known) return known;
  const revisions = new Map<string, string[]>();
  const pods = new Map<string, string>();
  for (const { id, kind, type, namespace, name, pods: own, isEnded } of structure.boxes) {
    if (kind !== 'workload' || isEnded) continue;
    const key = `${namespace}/${name}`;
    if (type === 'Deployment') revisions.set(key, [...(revisions.get(key) ?? []), id]);
    const text = own.map((pod) => `${pod.key} ${pod.isReady}`).join();
    pods.set(namespace, `${pods.get(namespace) ?? ''}${text}\n`);
  }
  const summary = { revisions, pods };
  summaries.set(structure, summary);
  return summary;
}

const changedKeys = (before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] =>
  [...new Set([...before.keys(), ...now.keys()])].filter((key) => before.get(key) !== now.get(key)).sort();

/** The same policies at another pod are the same drop: pods come and go. */
const stopKey = ({ cause, direction, objects, box }: Stop): string =>
  `${cause} ${direction ?? ''} ${objects.length > 0 ? objects.join() : box}`;

interface Open {
  readonly what: 'stopped' | 'rollout';
  readonly fromMs: number;
  lastMs: number;
  readonly stop?: Stop;
}

export interface History {
  readonly lasting: readonly Lasting[];
  /** The oldest first. */
  readonly changes: readonly Change[];
}

/**
 * Of moments in their order. What already lasts when they begin, or after a gap, has no beginning: it is not known.
 * `namespace`: '' for all; of nodes and of programs outside of namespaces all is shown.
 */
export function historyOf(moments: readonly SeenMoment[], namespace: string): History {
  const lasting: Lasting[] = [];
  const changes: Change[] = [];
  const open = new Map<string, Open>();
  let isKnown = false;
  const isShown = (key: string) => namespace === '' || key.split('/')[0] === namespace;
  const close = (key: string, { what, fromMs, lastMs }: Open) => {
    open.delete(key);
    lasting.push({ what, fromMs, toMs: lastMs });
  };
  for (const [i, { atMs, seen }] of moments.entries()) {
    if (seen.isGap) {
      for (const [key, one] of open) close(key, one);
      lasting.push({ what: 'gap', fromMs: moments[i - 1]?.atMs ?? atMs, toMs: atMs });
      isKnown = false;
    }
    for (const stop of seen.stopped ?? []) {
      if (stop.objects.length > 0 && !stop.objects.some(isShown)) continue;
      const key = `stop ${stopKey(stop)}`;
      const known = open.get(key);
      if (known) known.lastMs = atMs;
      else {
        open.set(key, { what: 'stopped', fromMs: atMs, lastMs: atMs, stop });
        if (isKnown) changes.push({ what: 'stopBegan', atMs, stop });
      }
    }
    const rolling = new Set(seen.rolling.filter(isShown));
    for (const name of rolling) {
      const key = `rollout ${name}`;
      const known = open.get(key);
      if (known) known.lastMs = atMs;
      else open.set(key, { what: 'rollout', fromMs: atMs, lastMs: atMs });
    }
    for (const [key, one] of open) {
      if (one.stop && seen.stopped && atMs - one.lastMs > quietMs) {
        close(key, one);
        changes.push({ what: 'stopEnded', atMs: one.lastMs, stop: one.stop });
      }
      if (one.what === 'rollout' && one.lastMs < atMs) close(key, one);
    }
    const named = (what: 'rolloutBegan' | 'rolloutEnded' | 'pods', names: readonly string[]) =>
      names.filter(isShown).map((name): Change => ({ what, atMs, name }));
    changes.push(
      ...named('rolloutBegan', seen.rolloutsBegun),
      ...named('rolloutEnded', seen.rolloutsEnded),
      ...named('pods', seen.podsChanged),
    );
    isKnown ||= seen.stopped !== undefined;
  }
  for (const [key, one] of open) close(key, one);
  return { lasting, changes: changes.sort((a, b) => a.atMs - b.atMs) };
}

/** What a reader jumps to: the nearest one before or after this time. Pods alone come and go all the time. */
export function changeNextTo(changes: readonly Change[], atMs: number, direction: 1 | -1): Change | undefined {
  const marked = changes.filter(({ what }) => what !== 'pods');
  return direction > 0
    ? marked.find((change) => change.atMs > atMs)
    : [...marked].reverse().find((change) => change.atMs < atMs);
}
