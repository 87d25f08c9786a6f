// The objects that this agent watches, except TLS Secrets, which are read one by one (client/live-objects).
import {
  type EndpointSlice,
  endpointSlices,
  ingressClasses,
  ingresses,
  type KindRef,
  type KubeObject,
  nodes,
  type Pod,
  pods,
  type Service,
  serviceKeyOf,
  services,
} from '../../controlplane/api';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';
import { keptIn } from '../../controlplane/client/kept-copy';
import { addressesOfHostPod, addressesOfService } from './reach';

/** The index of EndpointSlices by the key of their Service. */
export const serviceIndex = 'service';
/** The index of Services and of pods by their addresses. */
export const addressIndex = 'address';

export type Informers = ReturnType<typeof openInformers>;

/** `stateDir` empty: no state is kept for the next process. */
export const openInformers = (client: Client, log: Logger, stateDir = '') => {
  const kept = <T extends KubeObject>(kind: KindRef<T>) => ({ log, ...keptIn<T>(stateDir, kind, log) });
  return {
    ingresses: createInformer(client, ingresses, kept(ingresses)),
    classes: createInformer(client, ingressClasses, kept(ingressClasses)),
    services: createInformer<Service>(client, services, {
      ...kept(services),
      indexes: { [addressIndex]: addressesOfService },
    }),
    slices: createInformer<EndpointSlice>(client, endpointSlices, {
      ...kept(endpointSlices),
      indexes: { [serviceIndex]: (slice) => [serviceKeyOf(slice)] },
    }),
    nodes: createInformer(client, nodes, kept(nodes)),
    hostPods: createInformer<Pod>(client, pods, {
      ...kept(pods),
      params: { fieldSelector: 'spec.hostNetwork=true' },
      indexes: { [addressIndex]: addressesOfHostPod },
    }),
  };
};
