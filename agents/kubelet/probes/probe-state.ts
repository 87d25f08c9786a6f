// Counts probe results against thresholds. Pure. Source: kubernetes.io "Configure Liveness, Readiness and Startup Probes".

export type ProbeKind = 'startup' | 'liveness' | 'readiness';
export interface Thresholds {
  readonly success: number;
  readonly failure: number;
}
export interface ProbeState {
  /** The current verdict. It changes when a threshold is reached. */
  readonly verdict: boolean;
  readonly last: boolean | undefined;
  /** How many results in a row were equal to `last`. */
  readonly run: number;
}

/** Before the first result a container counts as alive. It counts as ready or started only if it was so before. */
export const initialState = (
  kind: ProbeKind,
  before?: { readonly started: boolean; readonly ready: boolean },
): ProbeState => ({
  verdict: { liveness: true, readiness: before?.ready ?? false, startup: before?.started ?? false }[kind],
  last: undefined,
  run: 0,
});

export function applyResult(state: ProbeState, success: boolean, thresholds: Thresholds): ProbeState {
  const run = state.last === success ? state.run + 1 : 1;
  const reached = run >= (success ? thresholds.success : thresholds.failure);
  return { verdict: reached ? success : state.verdict, last: success, run };
}

/** True when the last result was a failure and the number of failures has reached the threshold: the container must be restarted. */
export const failedForGood = (state: ProbeState, thresholds: Thresholds): boolean =>
  state.last === false && state.run >= thresholds.failure;
