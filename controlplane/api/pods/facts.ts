// What follows from a pod and is asked for in many places: its containers, how it ends, how long its end may take.
import type { V1PodStatus } from '@kubernetes/client-node';
import { atLeastOne } from '../deletion';
import type { Wire } from '../types';
import type { Container, PodSpec } from './types';

/** A pod, or what an agent keeps of one. */
type Containers = Pick<Partial<PodSpec>, 'containers' | 'initContainers' | 'ephemeralContainers'>;

/** Init, app and ephemeral containers, in the order in which they start. */
export const allContainers = (spec: Containers): Container[] => [
  ...initAndAppContainers(spec),
  ...(spec.ephemeralContainers ?? []),
];

/** Those that may ask for resources and have volumes from the start: all but the ephemeral ones. */
export const initAndAppContainers = ({ initContainers = [], containers = [] }: Containers): Container[] => [
  ...initContainers,
  ...containers,
];

/** Of an init container: it starts in its turn and then runs as long as the app containers. */
export const isSidecar = ({ restartPolicy }: Pick<Container, 'restartPolicy'>): boolean => restartPolicy === 'Always';

/** App containers and sidecars: what runs as long as the pod does. The app containers come first. */
export const lastingContainers = ({ initContainers = [], containers = [] }: Containers): Container[] => [
  ...containers,
  ...initContainers.filter(isSidecar),
];

/** All containers have ended and none will start again. */
export const isTerminal = ({ status }: { readonly status?: Pick<Wire<V1PodStatus>, 'phase'> }): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** What terminationGracePeriodSeconds is where it is not set. */
export const defaultGraceSeconds = 30;

/** Seconds between the request to end and the kill, as the spec has it. A negative number counts as 1. */
export function graceSecondsOf(spec: Pick<Partial<PodSpec>, 'terminationGracePeriodSeconds'> | undefined): number {
  return atLeastOne(spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds);
}
