// The objects that several parts of this agent watch.
import {
  type EndpointSlice,
  endpointSlices,
  nodes,
  pods,
  serviceCidrs,
  serviceKeyOf,
  services,
} from '../../controlplane/api';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';
import { hostPortParts } from './host-ports';

/** The index of EndpointSlices by the key of their Service. */
export const sliceIndex = 'service';
export const sliceIndexes = { [sliceIndex]: (slice: EndpointSlice) => [serviceKeyOf(slice)] };

export type Informers = ReturnType<typeof openInformers>;

/** All Services, EndpointSlices and ServiceCIDRs; the Node; the pods of this node, of which only those with host ports are kept completely. */
export const openInformers = (client: Client, nodeName: string, log: Logger) => ({
  services: createInformer(client, services, { log }),
  slices: createInformer(client, endpointSlices, { log, indexes: sliceIndexes }),
  cidrs: createInformer(client, serviceCidrs, { log }),
  nodes: createInformer(client, nodes, { log, params: { fieldSelector: `metadata.name=${nodeName}` } }),
  pods: createInformer(client, pods, {
    log,
    params: { fieldSelector: `spec.nodeName=${nodeName}` },
    keep: hostPortParts,
  }),
});
