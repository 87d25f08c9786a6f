// Field rules of a container's mounts and block devices.
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, notFound, notSupported, required } from '../validation/causes';
import { oneOf } from '../validation/selectors';
import type { Container, PodSpec } from './types';
import { localPath, noBacksteps } from './validate-path';

type Mount = NonNullable<Container['volumeMounts']>[number];

const propagations = ['Bidirectional', 'HostToContainer', 'None'];

/** Messages about subPath and propagation name the list and not the mount, as in kube-apiserver. */
export function validateMounts(container: Container, spec: PodSpec, field: string): FieldCause[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const devices = container.volumeDevices ?? [];
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${field}[${i}]`;
    const { name = '', mountPath = '', subPath, subPathExpr } = mount;
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    if (!volumes.has(name)) causes.push(notFound(`${at}.name`, name));
    if (mountPath === '') causes.push(required(`${at}.mountPath`));
    // The documentation of the field forbids a colon; kube-apiserver does not check.
    if (mountPath.includes(':')) causes.push(invalid(`${at}.mountPath`, mountPath, "must not contain ':'"));
    if (paths.has(mountPath)) causes.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      causes.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      causes.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    if (subPath) causes.push(...localPath(subPath, `${field}.subPath`));
    if (subPathExpr) {
      if (subPath) {
        const detail = 'subPathExpr and subPath are mutually exclusive';
        causes.push(invalid(`${at}.subPathExpr`, subPathExpr, detail));
      }
      causes.push(...localPath(subPathExpr, `${field}.subPathExpr`));
    }
    return [...causes, ...validatePropagation(mount, container, field), ...validateRecursion(mount, field)];
  });
}

/** Only a privileged container may have a mount that also appears on the host. */
function validatePropagation({ mountPropagation }: Mount, { securityContext }: Container, field: string): FieldCause[] {
  const at = `${field}.mountPropagation`;
  const causes = oneOf(at, mountPropagation, propagations);
  if (mountPropagation === 'Bidirectional' && !securityContext?.privileged) {
    causes.push(forbidden(at, 'Bidirectional mount propagation is available only to privileged containers'));
  }
  return causes;
}

const recursions = ['Disabled', 'Enabled', 'IfPossible'];

function validateRecursion({ recursiveReadOnly, readOnly, mountPropagation }: Mount, field: string): FieldCause[] {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return [];
  const at = `${field}.recursiveReadOnly`;
  if (!recursions.includes(recursiveReadOnly)) return [notSupported(at, recursiveReadOnly, recursions)];
  return [
    ...(readOnly ? [] : [forbidden(at, 'may only be specified when readOnly is true')]),
    ...(mountPropagation === undefined || mountPropagation === 'None'
      ? []
      : [forbidden(at, 'may only be specified when mountPropagation is None or not specified')]),
  ];
}

export function validateDevices(container: Container, spec: PodSpec, field: string): FieldCause[] {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  return (container.volumeDevices ?? []).flatMap(({ name = '', devicePath = '' }, i) => {
    const at = `${field}[${i}]`;
    const volume = (spec.volumes ?? []).find((one) => one.name === name);
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(`${at}.name`));
    if (names.has(name)) causes.push(invalid(`${at}.name`, name, 'must be unique'));
    if (!volume) causes.push(notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      causes.push(invalid(`${at}.name`, name, detail));
    }
    if (devicePath === '') causes.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) causes.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    if (noBacksteps(devicePath, '').length > 0) {
      causes.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      causes.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (mounts.some(({ mountPath }) => mountPath === devicePath)) {
      causes.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (name !== '') names.add(name);
    return causes;
  });
}
