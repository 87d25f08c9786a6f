// Seconds between asking the containers of a pod to end and making them.
import type { Pod } from '../../../controlplane/api';

export const defaultGraceSeconds = 30;

/** As the pod's spec says; a negative number counts as 1, as upstream has it. */
export function specGraceOf(spec: Pod['spec']): number {
  const seconds = spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  return seconds < 0 ? 1 : seconds;
}

/** As its deletion says, or its spec. */
export const graceOf = ({ metadata, spec }: Pod): number => metadata?.deletionGracePeriodSeconds ?? specGraceOf(spec);
