// Counts probe results against thresholds. Pure. Source: kubernetes.io "Configure Liveness, Readiness and Startup Probes".

export type ProbeKind = 'startup' | 'liveness' | 'readiness';
export interface Thresholds {
  readonly success: number;
  readonly failure: number;
}
export interface ProbeState {
  /** The verdict so far: what holds until the thresholds say otherwise. */
  readonly verdict: boolean;
  readonly last: boolean | undefined;
  /** How many results in a row were like `last`. */
  readonly run: number;
}

/** Before the first result a container counts as alive, but as ready and as started only if it was so before. */
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

/** True when this result was the one that lets the probe give the container up: only failures past the threshold count. */
export const failedForGood = (state: ProbeState, thresholds: Thresholds): boolean =>
  state.last === false && state.run >= thresholds.failure;
