// Which fault follows which, from a seed. Pure.
import type { FaultKind } from './accounts';

/** Faults of a process that is started again at once. They meet whatever else happens. */
export const kills: readonly FaultKind[] = ['kube-proxy', 'dns', 'ingress', 'kubelet', 'docker'];
/** Faults and work that take their time, one after the other. */
export const events: readonly FaultKind[] = ['api-down', 'rollout', 'drain', 'node-loss', 'pod-kill'];

export interface Step {
  readonly kind: FaultKind;
  /** Empty for a fault of the whole cluster. */
  readonly node: string;
  /** Time to wait before it. */
  readonly pauseMs: number;
}
export interface ScheduleOptions {
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  readonly nodes: readonly string[];
  /** The node with the client's pod: never drained and never lost. */
  readonly clientNode: string;
}
export interface Schedule {
  /** Both without an end; each is done by its own loop. */
  readonly kills: () => Step | undefined;
  readonly events: () => Step | undefined;
}

type Fixed = Pick<Step, 'kind' | 'node'>;

/** Pauses: kills meet each other now and then, and there is time without a kill. */
const killPause = { leastMs: 1_500, mostMs: 6_000 } as const;
const eventPause = { leastMs: 2_000, mostMs: 5_000 } as const;

export function planSchedule({ seed, kinds, nodes, clientNode }: ScheduleOptions): Schedule {
  const others = nodes.filter((node) => node !== clientNode);
  const killRandom = randomFrom(seed * 2 + 1);
  const eventRandom = randomFrom(seed * 2 + 2);
  // Each fault comes once before one comes again, in an order of the seed.
  const killBag = bag(
    killRandom,
    kills.filter((kind) => kinds.includes(kind)).flatMap((kind) => nodes.map((node): Fixed => ({ kind, node }))),
  );
  const eventBag = bag(
    eventRandom,
    events
      .filter((kind) => kinds.includes(kind))
      .flatMap((kind): Fixed[] => {
        if (kind === 'api-down' || kind === 'rollout' || kind === 'pod-kill') return [{ kind, node: '' }];
        return others.length === 0 ? [] : [{ kind, node: pick(eventRandom, others) }];
      }),
  );
  const step =
    (
      next: () => Fixed | undefined,
      random: () => number,
      { leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number },
    ) =>
    (): Step | undefined => {
      const chosen = next();
      return chosen && { ...chosen, pauseMs: Math.round(leastMs + random() * (mostMs - leastMs)) };
    };
  return { kills: step(killBag, killRandom, killPause), events: step(eventBag, eventRandom, eventPause) };
}

/** Yields all values in random order, then all again in another order. */
function bag<T>(random: () => number, values: readonly T[]): () => T | undefined {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffle(random, values);
    return left.pop();
  };
}

function shuffle<T>(random: () => number, values: readonly T[]): T[] {
  const list = [...values];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}

const pick = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

/** A linear congruential generator, whose first numbers are dropped: those of near seeds are alike. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next();
  return next;
}
