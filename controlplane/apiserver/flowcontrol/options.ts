// How many requests run at once.

/** As the flags of kube-apiserver with these names. */
export interface LimitOptions {
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
  readonly enablePriorityAndFairness: boolean;
}
export const defaultLimits: LimitOptions = {
  maxRequestsInflight: 400,
  maxMutatingRequestsInflight: 200,
  enablePriorityAndFairness: true,
};
