// What code that works on pods needs of devices, and the answers without any.
import type { Node, Pod } from '../../../controlplane/api';
import type { Container } from '../spec/container';
import type { DeviceOptions } from './container-options';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
export type AllocatedResources = NonNullable<ContainerStatus['allocatedResourcesStatus']>;

export interface PodDevices {
  /** Whether a device plug-in serves a resource of the pod: then the pod must be allocated before it is admitted. */
  wants(pod: Pod): boolean;
  /** Gives devices to all containers of a new pod. @throws with the reason, in upstream's words */
  allocate(pod: Pod): Promise<void>;
  /** The node, with at least what its pods have: a plug-in that is gone does not end those. */
  covering(pod: Pod, node: Node): Node;
  /** Before a container is created. Undefined when it has no devices. @throws with the reason, in upstream's words */
  optionsFor(pod: Pod, container: Container): Promise<DeviceOptions> | undefined;
  /** The devices of a container and their health; undefined when it has none. */
  healthOf(podUid: string, container: string): AllocatedResources | undefined;
  /** The pod has no containers any more. */
  release(podUid: string): void;
  /** Called when the health of a pod's devices has changed. */
  onChange(handler: (podUid: string) => void): void;
  /** Devices of other pods are free. */
  countActive(isActive: (podUid: string) => boolean): void;
}

export const noDevices: PodDevices = {
  wants: () => false,
  allocate: async () => {},
  covering: (_, node) => node,
  optionsFor: () => undefined,
  healthOf: () => undefined,
  release: () => {},
  onChange: () => {},
  countActive: () => {},
};
