// The IPAddress objects of Services, as the server writes them together with a Service.
import { type IPAddress, ipAddresses } from '../../api/index';
import { addressOfService, belongsTo } from '../../api/ip-addresses/facts';
import type { KubeObject } from '../../api/types';
import { formatTime } from '../../base/clock';
import type { TogetherDelete } from '../../store/store';
import { prepareNewMetadata } from '../rest/metadata';

export interface NewAddress {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether the object gets managedFields, as all new objects. */
  readonly owned: boolean;
}

/** The IPAddress of a Service; upstream's server writes it through its API, as this owner. */
export function newAddress(address: string, service: KubeObject, { now, owned }: NewAddress): IPAddress {
  const { labels, spec } = addressOfService(address, service.metadata ?? {});
  const object: IPAddress = { metadata: { name: address, labels }, spec };
  prepareNewMetadata(ipAddresses, object, '', now);
  if (owned) object.metadata!.managedFields = [{ ...ownership, time: formatTime(now) }];
  return object;
}

const ownership = {
  manager: 'kube-apiserver',
  operation: 'Update',
  apiVersion: ipAddresses.apiVersion,
  fieldsType: 'FieldsV1',
  fieldsV1: {
    'f:metadata': {
      'f:labels': {
        '.': {},
        'f:ipaddress.kubernetes.io/ip-family': {},
        'f:ipaddress.kubernetes.io/managed-by': {},
      },
    },
    'f:spec': { 'f:parentRef': { '.': {}, 'f:name': {}, 'f:namespace': {}, 'f:resource': {} } },
  },
};

/** The deletion of a Service's IPAddress, unless it has another parent by now. */
export function deletionOf(address: string, { metadata }: KubeObject): TogetherDelete {
  const { namespace = '', name = '' } = metadata ?? {};
  return {
    action: 'delete',
    key: ipAddresses.prefix + address,
    applies: (value) => belongsTo(JSON.parse(value.toString()) as IPAddress, namespace, name),
  };
}
