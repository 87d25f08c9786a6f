// What the binder does with one volume. Pure. Reasons and messages of Events are upstream's.
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';
import {
  annotationOf,
  boundByController,
  directoryProvisioner,
  hasAnnotation,
  migratedTo,
  provisionedBy,
} from '../../api/volumes/binding';
import { hasSameMode } from '../../api/volumes/match';
import { isDeleting, metaOf } from '../shared/owner';
import type { VolumeStep } from './types';

/** `claim` is the one that the volume names, with the same uid; undefined: it does not exist (any more). */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): readonly VolumeStep[] {
  // Without a uid a user keeps the volume for a claim of that name.
  if (!volume.spec?.claimRef?.uid) return [{ action: 'phase', phase: 'Available' }];
  if (!claim) return planReleased(volume);
  const { name } = metaOf(volume);
  if (!claim.spec?.volumeName) return hasSameMode(volume, claim) ? [] : reportModes(volume, claim);
  if (claim.spec.volumeName === name) return [{ action: 'phase', phase: 'Bound' }];
  // The claim took another volume. This one was made for it, and holds no data of any claim.
  const isSpare = hasAnnotation(volume, provisionedBy) && volume.spec.persistentVolumeReclaimPolicy === 'Delete';
  return isSpare ? planReleased(volume) : [{ action: 'unbind' }];
}

/** A claim and a volume of two modes name each other: neither can be bound. The plan of the claim finds no volume. */
function reportModes(volume: PersistentVolume, claim: PersistentVolumeClaim): readonly VolumeStep[] {
  const report = (on: 'volume' | 'claim', message: string): VolumeStep => ({
    action: 'report',
    on,
    report: { type: 'Warning', reason: 'VolumeMismatch', message },
  });
  const why = 'due to incompatible volumeMode.';
  const [claimName, volumeName] = [metaOf(claim).name, metaOf(volume).name];
  return [
    report('volume', `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claimName}" ${why}`),
    report('claim', `Cannot bind PersistentVolume "${volumeName}" to requested PersistentVolumeClaim ${why}`),
  ];
}

function planReleased(volume: PersistentVolume): readonly VolumeStep[] {
  const { phase } = volume.status ?? {};
  const isReleased = phase === 'Released' || phase === 'Failed';
  return [...(isReleased ? [] : [{ action: 'phase', phase: 'Released' } as const]), ...planReclaim(volume)];
}

/** What happens to a released volume. */
function planReclaim(volume: PersistentVolume): readonly VolumeStep[] {
  if (annotationOf(volume, migratedTo)) return [];
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return [];
    case 'Delete':
      return planDelete(volume);
    case 'Recycle':
      // Deprecated since 1.15; the programs that empty volumes are not part of k8ts.
      return [fail('VolumeFailedRecycle', 'No recycler plugin found for the volume!')];
    default:
      return [fail('VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy', '')];
  }
}

function planDelete(volume: PersistentVolume): readonly VolumeStep[] {
  const provisioner = annotationOf(volume, provisionedBy);
  if (provisioner === directoryProvisioner) return isDeleting(volume) ? [] : [{ action: 'delete' }];
  if (provisioner?.startsWith('kubernetes.io/'))
    return [fail('VolumeFailedDelete', `no volume plugin matched name: ${provisioner}`)];
  // Its provisioner, or its driver's, deletes it.
  if (provisioner || volume.spec?.csi) return [];
  return [fail('VolumeFailedDelete', whyKept(volume))];
}

/** Only upstream's plug-in for host paths deletes volumes; of these some have a plug-in without that part. */
function whyKept({ metadata, spec }: PersistentVolume): string {
  const path = spec?.hostPath?.path;
  if (path !== undefined && !/^\/tmp\/.+/.test(path))
    return `host_path deleter only supports /tmp/.+ but received provided ${path}`;
  // Beyond upstream, which deletes it on the machine of the controllers, wherever the pods ran.
  if (path !== undefined) return `host path ${path} is not deleted: it may be on any node`;
  const what = spec?.nfs ? 'no deletable volume plugin matched' : 'no volume plugin matched';
  return `error getting deleter volume plugin for volume "${metadata?.name}": ${what}`;
}

const fail = (reason: string, message: string, status = message): VolumeStep => ({
  action: 'phase',
  phase: 'Failed',
  message: status,
  report: { type: 'Warning', reason, message },
});

/** The volume without what the binder wrote; a reference that a user wrote stays without its uid. */
export function unboundVolume(volume: PersistentVolume): PersistentVolume {
  const { claimRef, ...spec } = volume.spec ?? {};
  if (!hasAnnotation(volume, boundByController)) {
    const { uid: _uid, ...kept } = claimRef ?? {};
    return { ...volume, spec: { ...spec, claimRef: kept } };
  }
  const { [boundByController]: _chosen, ...annotations } = volume.metadata?.annotations ?? {};
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec };
}
