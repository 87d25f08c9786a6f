// The status of a CustomResourceDefinition, as a function of the definition and of the others of its group. Pure.
import { isDeepStrictEqual } from 'node:util';
import { withCondition } from '../../api/conditions';
import { acceptNames } from '../../api/crd/names';
import type { CrdCondition, CrdStatus, CustomResourceDefinition } from '../../api/crd/types';
import { unreadableBundle } from '../../api/crd/validate-conversion';

export interface StatusPlan {
  readonly status: CrdStatus;
  /** True when its kinds are to be served. */
  readonly established: boolean;
  readonly changed: boolean;
}

type Verdict = Omit<CrdCondition, 'lastTransitionTime'>;

/** `others` are the other definitions of the group; `now` is milliseconds since the epoch. */
export function planStatus(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: number,
): StatusPlan {
  const { status, metadata } = definition;
  const before = status ?? { acceptedNames: { plural: '', kind: '' }, conditions: [], storedVersions: [] };
  const { names, condition } = acceptNames(definition, others);
  let conditions: readonly CrdCondition[] = before.conditions ?? [];
  const set = (verdict: Verdict) => {
    conditions = withCondition<CrdCondition>(conditions, verdict, now);
  };
  const known = conditions.find(({ type }) => type === 'Established');
  const was = known?.status === 'True';
  const { caBundle } = definition.spec.conversion?.webhook?.clientConfig ?? {};
  const isUnreadable = !was && unreadableBundle(caBundle) !== undefined;
  const hasNames = was || condition.status === 'True';
  const established = hasNames && !isUnreadable;
  set(condition);
  if (established) set(initialNames);
  else set(hasNames ? invalidBundle : notAccepted);
  if (metadata?.deletionTimestamp) set(deleting);
  const next = { ...before, acceptedNames: names, conditions: [...conditions] };
  return { status: next, established, changed: !isDeepStrictEqual(next, status) };
}

const initialNames: Verdict = {
  type: 'Established',
  status: 'True',
  reason: 'InitialNamesAccepted',
  message: 'the initial names have been accepted',
};
const notAccepted: Verdict = {
  type: 'Established',
  status: 'False',
  reason: 'NotAccepted',
  message: 'not all names are accepted',
};
/** A definition that is established stays so. */
const invalidBundle: Verdict = {
  type: 'Established',
  status: 'False',
  reason: 'InvalidCABundle',
  message: 'The conversion webhook CABundle is invalid',
};
const deleting: Verdict = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionInProgress',
  message: 'CustomResource deletion is in progress',
};
