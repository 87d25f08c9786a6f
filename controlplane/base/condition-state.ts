// What a condition in the status of an object says; for the API (api/conditions.ts) and the console.

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

interface Conditioned<C> {
  readonly status?: { readonly conditions?: readonly C[] };
}

export function conditionOf<C extends { readonly type: string }>(
  { status }: Conditioned<C>,
  type: string,
): C | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

type Verdict = Pick<Condition, 'type' | 'status'>;

export const isConditionTrue = (object: Conditioned<Verdict>, type: string): boolean =>
  conditionOf(object, type)?.status === 'True';

/** Of a pod or a node: the condition Ready is True. Unknown and absent count as not ready. */
export const isReady = (object: Conditioned<Verdict>): boolean => isConditionTrue(object, 'Ready');
