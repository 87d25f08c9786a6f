// The objects that this agent watches, except TLS Secrets, which are read one by one (client/live-objects).
import {
  type EndpointSlice,
  endpointSlices,
  ingressClasses,
  ingresses,
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
import { addressesOfHostPod, addressesOfService } from './reach';

/** The index of EndpointSlices by the key of their Service. */
export const serviceIndex = 'service';
/** The index of Services and of pods by their addresses. */
export const addressIndex = 'address';

export type Informers = ReturnType<typeof openInformers>;

export const openInformers = (client: Client, log: Logger) => ({
  ingresses: createInformer(client, ingresses, { log }),
  classes: createInformer(client, ingressClasses, { log }),
  services: createInformer<Service>(client, services, { log, indexes: { [addressIndex]: addressesOfService } }),
  slices: createInformer<EndpointSlice>(client, endpointSlices, {
    log,
    indexes: { [serviceIndex]: (slice) => [serviceKeyOf(slice)] },
  }),
  nodes: createInformer(client, nodes, { log }),
  hostPods: createInformer<Pod>(client, pods, {
    log,
    params: { fieldSelector: 'spec.hostNetwork=true' },
    indexes: { [addressIndex]: addressesOfHostPod },
  }),
});
