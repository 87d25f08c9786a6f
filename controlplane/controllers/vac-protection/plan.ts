// Which VolumeAttributesClasses volumes and claims name. Pure.
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';

export const classFinalizer = 'kubernetes.io/vac-protection';

/** A claim may have one class, change to a second and name a third: all of them are in use. */
export function classesOfClaim({ spec, status }: PersistentVolumeClaim): readonly string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name) => name !== undefined && name !== ''))] as string[];
}

export const classesOfVolume = ({ spec }: PersistentVolume): readonly string[] =>
  spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
