// Which servers a new connection tries, and whose open connections are closed. Pure.
import type { Health } from './health';

export interface Candidate {
  readonly name: string;
  readonly state: Health['state'];
  /** A server that the cluster does not list now: see members.ts. */
  readonly isSpare: boolean;
  /** Open connections, and those that are being opened. */
  readonly connections: number;
  /** Moments as numbers that grow: when the state changed, and when the last good and the last bad check began. 0: never. */
  readonly changedAt: number;
  readonly goodAt: number;
  readonly badAt: number;
}

const rankOf = ({ state, isSpare }: Candidate): number => (state === 'up' ? 0 : 1) + (isSpare ? 2 : 0);

/**
 * The servers to try, in this order: servers that are down only if there are no others. Among equals the one with the fewest connections
 * is first: watches stay for minutes, so turns alone would leave a server that came back without work. `turn` grows by one with each
 * connection; servers with equal counts take turns by it.
 */
export function candidatesFor(candidates: readonly Candidate[], turn: number): readonly string[] {
  const usable = candidates.filter(({ state }) => state !== 'down');
  const tried = usable.length > 0 ? usable : candidates;
  const start = tried.length === 0 ? 0 : turn % tried.length;
  const rotated = [...tried.slice(start), ...tried.slice(0, start)];
  return rotated.sort((a, b) => rankOf(a) - rankOf(b) || a.connections - b.connections).map(({ name }) => name);
}

/**
 * Servers whose connections are closed: they are down and another one is up. If none is up, a connection to a server that is only slow is
 * better than none. Both must be known by checks that began after the other one changed: servers that lose their store together are
 * found down one after another, and up again one after another, and no connection is to move between them.
 */
export function abandoned(candidates: readonly Candidate[]): readonly string[] {
  const up = candidates.filter(({ state }) => state === 'up');
  return candidates
    .filter(
      ({ state, changedAt, badAt }) =>
        state === 'down' && up.some((other) => other.goodAt > changedAt && badAt > other.changedAt),
    )
    .map(({ name }) => name);
}
