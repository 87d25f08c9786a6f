// Seconds between the stop signal and the kill of a pod's containers.
import { graceSecondsOf, type Pod } from '../../../controlplane/api';

/** The deletion's value, else that of the spec. */
export const graceOf = ({ metadata, spec }: Pod): number =>
  metadata?.deletionGracePeriodSeconds ?? graceSecondsOf(spec);
