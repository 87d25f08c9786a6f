// Whether a Job's successPolicy is met. Pure.
import type { Job } from '../../api/job';
import { countCommon, countIndexes, type IndexRanges, parseIndexes } from '../../api/jobs/indexes';

/** Which rule is met, in the words of the condition; undefined when none is. */
export function matchSuccessPolicy({ spec }: Job, succeeded: IndexRanges): string | undefined {
  if (succeeded.length === 0) return undefined;
  const met = (spec?.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return countIndexes(succeeded) >= (succeededCount ?? Number.POSITIVE_INFINITY);
    const required = parseIndexes(succeededIndexes, spec?.completions ?? 0);
    return required.length > 0 && countCommon(required, succeeded) >= (succeededCount ?? countIndexes(required));
  });
  return met < 0 ? undefined : `Matched rules at index ${met}`;
}
