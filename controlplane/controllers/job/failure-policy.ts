// Which rule of a Job's podFailurePolicy a failed pod matches, and what it says. Pure.
import type { Job } from '../../api/job';
import type { Pod } from '../../api/pod';

type Policy = NonNullable<NonNullable<Job['spec']>['podFailurePolicy']>;
type Rule = Policy['rules'][number];

export interface FailureVerdict {
  /** Undefined: no rule matches, so the failure counts. */
  readonly action?: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore';
  /** Why the Job fails; of action FailJob. */
  readonly message?: string;
}

/** The first rule that matches decides. */
export function matchFailurePolicy(policy: Policy | undefined, pod: Pod): FailureVerdict {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const cause = rule.onExitCodes ? matchExitCodes(rule.onExitCodes, pod) : matchConditions(rule, pod);
    if (cause === undefined) continue;
    const action = rule.action as NonNullable<FailureVerdict['action']>;
    return action === 'FailJob' ? { action, message: `${cause} matching FailJob rule at index ${index}` } : { action };
  }
  return {};
}

/** Init containers come last. A container that ended with 0 has not failed. */
function matchExitCodes(codes: NonNullable<Rule['onExitCodes']>, { metadata, status }: Pod): string | undefined {
  const ended = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  for (const { name, state } of ended) {
    const code = state?.terminated?.exitCode;
    if (!code || (codes.containerName !== undefined && codes.containerName !== name)) continue;
    if (codes.values.includes(code) === (codes.operator === 'In')) {
      return `Container ${name} for pod ${metadata?.namespace}/${metadata?.name} failed with exit code ${code}`;
    }
  }
  return undefined;
}

function matchConditions({ onPodConditions = [] }: Rule, { metadata, status }: Pod): string | undefined {
  const found = (status?.conditions ?? []).find(({ type, status: value }) =>
    onPodConditions.some((pattern) => pattern.type === type && pattern.status === value),
  );
  return found && `Pod ${metadata?.namespace}/${metadata?.name} has condition ${found.type}`;
}
