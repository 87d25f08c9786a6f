// Seconds between asking the containers of a pod to end and killing them.
import { graceSecondsOf, type Pod } from '../../../controlplane/api';

/** As its deletion says, or its spec. */
export const graceOf = ({ metadata, spec }: Pod): number =>
  metadata?.deletionGracePeriodSeconds ?? graceSecondsOf(spec);
