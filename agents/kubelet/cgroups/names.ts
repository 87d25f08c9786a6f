// Names of the cgroups of pods, as upstream's for both drivers: tools and metrics know them. Pure.
// cgroupfs   ROOT/kubepods/podUID                    Guaranteed
//            ROOT/kubepods/burstable/podUID          ROOT/kubepods/besteffort/podUID
// systemd    /kubepods.slice/kubepods-podUID.slice   the dashes of the UID are underscores, because a dash leads to a slice below
//            /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice
import { type Pod, qosClass } from '../../../controlplane/api';
import { BadRequest } from '../../../controlplane/base/errors';
import { uidFolder } from '../spec/names';

export type PodClass = '' | 'burstable' | 'besteffort';
export const podClasses: readonly PodClass[] = ['', 'burstable', 'besteffort'];

export const podClassOf = ({ spec }: Pod): PodClass => {
  const qos = qosClass(spec ?? { containers: [] });
  return qos === 'Guaranteed' ? '' : qos === 'Burstable' ? 'burstable' : 'besteffort';
};

/** The value of --cgroup-root. @throws BadRequest */
export function parseCgroupRoot(text: string): string {
  const names = text.split('/').filter((name) => name !== '');
  if (!text.startsWith('/') || names.some((name) => name === '.' || name === '..')) {
    throw new BadRequest('expected the path of a cgroup, beginning with a slash');
  }
  return `/${names.join('/')}`;
}

/** Paths from the root of the cgroup file system. */
export interface GroupNames {
  /** The group of all pods. */
  readonly pods: string;
  ofClass(podClass: PodClass): string;
  /** @throws BadRequest for an invalid UID: the kubelet makes and removes this folder */
  ofPod(podClass: PodClass, uid: string): string;
  /** The group of a pod by the name that its runtime knows. */
  parent(podClass: PodClass, uid: string): string;
  /** The group that Docker makes for a container of the pod. */
  ofContainer(podClass: PodClass, uid: string, containerId: string): string;
  /** The UID of the pod whose group is this folder of a class; undefined for other folders. */
  uidOf(folder: string): string | undefined;
}

/** `root`: as parseCgroupRoot gives it. */
export function cgroupfsNames(root: string): GroupNames {
  const pods = `${root === '/' ? '' : root}/kubepods`;
  const ofClass = (podClass: PodClass) => (podClass === '' ? pods : `${pods}/${podClass}`);
  const ofPod = (podClass: PodClass, uid: string) => `${ofClass(podClass)}/pod${uidFolder(uid)}`;
  return {
    pods,
    ofClass,
    ofPod,
    parent: ofPod,
    ofContainer: (podClass, uid, id) => `${ofPod(podClass, uid)}/${id}`,
    uidOf: (folder) => /^pod(.+)$/.exec(folder)?.[1],
  };
}

const podsSlice = 'kubepods.slice';

/** Source: systemd.slice(5). A UID with underscores is none that the API server makes, so the way back is certain. */
export function systemdNames(): GroupNames {
  const ofClass = (podClass: PodClass) =>
    podClass === '' ? `/${podsSlice}` : `/${podsSlice}/kubepods-${podClass}.slice`;
  const parent = (podClass: PodClass, uid: string) =>
    ['kubepods', ...(podClass === '' ? [] : [podClass]), `pod${uidFolder(uid).replaceAll('-', '_')}.slice`].join('-');
  const ofPod = (podClass: PodClass, uid: string) => `${ofClass(podClass)}/${parent(podClass, uid)}`;
  return {
    pods: `/${podsSlice}`,
    ofClass,
    ofPod,
    parent,
    ofContainer: (podClass, uid, id) => `${ofPod(podClass, uid)}/docker-${id}.scope`,
    uidOf: (folder) => /^kubepods-(?:burstable-|besteffort-)?pod(.+)\.slice$/.exec(folder)?.[1]?.replaceAll('_', '-'),
  };
}
