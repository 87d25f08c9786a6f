// All checks of a history. Each takes time in proportion to the history, or to its sorting. Pure.
import { checkAcknowledged } from './acknowledged';
import { checkClaims } from './claims';
import type { History, Problem } from './history';
import { checkLists, checkPages } from './lists';
import { type Log, readLog } from './log';
import { checkClients, checkReads } from './reads';
import { checkRefusals, checkSwaps } from './swaps';
import { checkWatches } from './watches';

/** By the name that `Problem.check` has. */
export const checks: Readonly<Record<string, (log: Log) => readonly Problem[]>> = {
  agreement: ({ problems }) => problems.filter(({ check }) => check === 'agreement'),
  acknowledged: checkAcknowledged,
  swaps: checkSwaps,
  refusals: checkRefusals,
  reads: checkReads,
  clients: checkClients,
  watches: checkWatches,
  lists: checkLists,
  pages: checkPages,
  claims: checkClaims,
};

/** Everything that is wrong; empty for a history that keeps all promises. */
export function checkHistory(history: History): readonly Problem[] {
  const log = readLog(history);
  return Object.values(checks).flatMap((check) => check(log));
}
