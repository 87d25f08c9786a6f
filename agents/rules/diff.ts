// `k8ts rules diff`: reads what kube-proxy wants and what the kernel holds, until both are of one moment.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exec } from '../../dataplane/exec/exec';
import type { Difference } from '../../dataplane/rules-diff/difference';
import { type Observed, observe } from '../../dataplane/rules-diff/observe';
import { differencesOf, hasMoved, inBoth, type Report, reportOf } from '../../dataplane/rules-diff/report';
import type { Answer } from './door';

/** A write takes less, also with many Services; where Services change all the time, what differs each time counts. */
const tries = 3;
const pauseMs = 500;

export interface DiffDeps {
  /** Runs programs in the network namespace of the node. */
  readonly exec: Exec;
  readonly ask: (path: '/rules' | '/rules/state') => Promise<Answer>;
}

/** @throws CommandFailed without root */
export async function diff({ exec, ask }: DiffDeps): Promise<Report> {
  let first: readonly Difference[] | undefined;
  let earlier: readonly Difference[] | undefined;
  for (let left = tries; ; left--) {
    const desired = await ask('/rules');
    if ('why' in desired) return reportOf(desired, await observe(exec, []), []);
    const observed = await observe(
      exec,
      desired.parts.flatMap((part) => part.nft),
    );
    const found = differencesOf(desired, observed);
    const differences = earlier === undefined ? found : inBoth(earlier, found);
    first ??= found;
    const after = await ask('/rules/state');
    const moved = !('why' in after) && hasMoved([desired.parts, desired.end, after.end]);
    if (differences.length === 0 || !moved || left <= 1) {
      return reportOf(desired, withGone(observed, first, differences), differences);
    }
    earlier = found;
    await sleep(pauseMs);
  }
}

/** kube-proxy repairs what it notices: the person who asks should know that something was repaired just now. */
function withGone(observed: Observed, first: readonly Difference[], last: readonly Difference[]): Observed {
  const gone = first.length - inBoth(last, first).length;
  if (gone === 0) return observed;
  const remarks = [
    ...observed.remarks,
    `kube-proxy wrote meanwhile: ${gone} differences of the first reading are gone`,
  ];
  return { ...observed, remarks };
}
