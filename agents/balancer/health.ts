// The health of one server, judged from the results of its checks. Pure.

/** What one check of a server found. */
export type Finding =
  /** It answered that it is ready. */
  | 'ready'
  /** It answered something else: it starts, it stops, its store is lost. */
  | 'unready'
  /** No answer in time: it is frozen, cut off or far too busy. */
  | 'silent'
  /** Its machine refused the connection: no process listens there. */
  | 'refused';

export interface Health {
  /** `unknown`: not judged yet; such a server gets connections, after those that are up. */
  readonly state: 'unknown' | 'up' | 'down';
  /** Findings in a row that speak against `state`. */
  readonly against: number;
}

/**
 * Two failures in a row, so that one lost packet or one long garbage collection breaks no connection. Two successes, so that a server
 * that starts and fails again and again does not get clients each time.
 */
export const fall = 2;
export const rise = 2;

export const unjudged: Health = { state: 'unknown', against: 0 };
const up: Health = { state: 'up', against: 0 };
const down: Health = { state: 'down', against: 0 };

export function judge({ state, against }: Health, finding: Finding): Health {
  // A refused connection is no accident of the network, and its process has lost all connections already.
  if (finding === 'refused') return down;
  const isGood = finding === 'ready';
  if (isGood && state !== 'down') return up;
  if (!isGood && state === 'down') return down;
  const count = against + 1;
  if (isGood) return count >= rise ? up : { state, against: count };
  return count >= fall ? down : { state, against: count };
}
