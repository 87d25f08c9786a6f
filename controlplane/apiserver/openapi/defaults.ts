// Values of `default` in version 3 of built-in types, as Go's types imply or declare them. Version 2 has none, as upstream: kubectl
// cannot read them.
import type { FieldSchema } from '../../api/schema/schema';
import { isValueField } from '../protobuf/value-fields';

type Scalar = string | number | boolean;

/** Defaults that upstream's types declare and nothing else implies. By definition, then by field. */
const declared: Readonly<Record<string, Readonly<Record<string, Scalar>>>> = {
  'io.k8s.api.autoscaling.v1.ScaleSpec': { replicas: 0 },
  'io.k8s.api.core.v1.AzureDiskVolumeSource': {
    cachingMode: 'ReadWrite',
    fsType: 'ext4',
    kind: 'Shared',
    readOnly: false,
  },
  'io.k8s.api.core.v1.FileKeySelector': { optional: false },
  'io.k8s.api.core.v1.GRPCAction': { service: '' },
  'io.k8s.api.core.v1.ISCSIPersistentVolumeSource': { iscsiInterface: 'default' },
  'io.k8s.api.core.v1.ISCSIVolumeSource': { iscsiInterface: 'default' },
  'io.k8s.api.core.v1.RBDPersistentVolumeSource': { keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' },
  'io.k8s.api.core.v1.RBDVolumeSource': { keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' },
  'io.k8s.api.core.v1.ReplicationControllerSpec': { minReadySeconds: 0, replicas: 1 },
  'io.k8s.api.core.v1.ScaleIOPersistentVolumeSource': { fsType: 'xfs', storageMode: 'ThinProvisioned' },
  'io.k8s.api.core.v1.ScaleIOVolumeSource': { fsType: 'xfs', storageMode: 'ThinProvisioned' },
  'io.k8s.api.resource.v1.DeviceToleration': { operator: 'Equal' },
  // These types contain a LocalObjectReference, whose name has a default.
  ...Object.fromEntries(
    ['EnvSource', 'KeySelector', 'Projection']
      .flatMap((type) => [`ConfigMap${type}`, `Secret${type}`])
      .concat('ConfigMapVolumeSource')
      .map((type) => [`io.k8s.api.core.v1.${type}`, { name: '' }]),
  ),
};

const zeros: Readonly<Record<string, Scalar>> = { string: '', integer: 0, number: 0, boolean: false };

/** The zero of a scalar; undefined for bytes and moments, whose zero is no value of OpenAPI. */
function zero({ type, format = '' }: FieldSchema): Scalar | undefined {
  return format === 'byte' || format.startsWith('date-time') ? undefined : zeros[type];
}

/** Of a field of the definition `owner`; undefined for none. */
export function defaultOf(owner: string, name: string, field: FieldSchema): Scalar | object | undefined {
  const own = declared[owner]?.[name] ?? field.default;
  if (own !== undefined) return own;
  // A struct that is no pointer is never absent in Go.
  if (field.type === 'object') return field.object?.name && isValueField(owner, name) ? {} : undefined;
  return field.zero === 'written' ? zero(field) : undefined;
}

/** Of an element of a list or map. */
export function elementDefault(element: FieldSchema): Scalar | object | undefined {
  return element.type === 'object' ? {} : zero(element);
}
