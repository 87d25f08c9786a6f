// Facts about a pod that many parts need: its containers, whether it has ended, its grace period.
import type { V1PodStatus } from '@kubernetes/client-node';
import { atLeastOne } from '../deletion';
import type { Wire } from '../types';
import type { Container, PodSpec } from './types';

/** The containers of a pod, or of the parts of a pod that an agent keeps. */
type Containers = Pick<Partial<PodSpec>, 'containers' | 'initContainers' | 'ephemeralContainers'>;

/** Init, app and ephemeral containers, in the order in which they start. */
export const allContainers = (spec: Containers): Container[] => [
  ...initAndAppContainers(spec),
  ...(spec.ephemeralContainers ?? []),
];

/** All containers except the ephemeral ones: only these may request resources, and they have volumes from the start. */
export const initAndAppContainers = ({ initContainers = [], containers = [] }: Containers): Container[] => [
  ...initContainers,
  ...containers,
];

/** For an init container: true when it starts in its turn and then runs as long as the app containers. */
export const isSidecar = ({ restartPolicy }: Pick<Container, 'restartPolicy'>): boolean => restartPolicy === 'Always';

/** App containers, then sidecars: the containers that run as long as the pod. */
export const lastingContainers = ({ initContainers = [], containers = [] }: Containers): Container[] => [
  ...containers,
  ...initContainers.filter(isSidecar),
];

/** True when all containers have ended and none will start again. */
export const isTerminal = ({ status }: { readonly status?: Pick<Wire<V1PodStatus>, 'phase'> }): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** The default of terminationGracePeriodSeconds. */
export const defaultGraceSeconds = 30;

/** Seconds between SIGTERM and SIGKILL, from the spec. A negative number counts as 1. */
export function graceSecondsOf(spec: Pick<Partial<PodSpec>, 'terminationGracePeriodSeconds'> | undefined): number {
  return atLeastOne(spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds);
}
