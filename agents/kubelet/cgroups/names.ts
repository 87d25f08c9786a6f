// Names of the cgroups of pods, as upstream's: tools and metrics know them. Pure.
//   ROOT/kubepods/podUID  Guaranteed      ROOT/kubepods/burstable/podUID      ROOT/kubepods/besteffort/podUID
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

/** `cgroupRoot`: '' or '/' for the root of all cgroups. Begins with a slash. */
export const podsGroup = (cgroupRoot: string): string => `${cgroupRoot.replace(/\/+$/, '')}/kubepods`;

export const classGroup = (cgroupRoot: string, podClass: PodClass): string =>
  podClass === '' ? podsGroup(cgroupRoot) : `${podsGroup(cgroupRoot)}/${podClass}`;

/** @throws BadRequest for an invalid UID: the kubelet makes and removes this folder */
export const podGroup = (cgroupRoot: string, podClass: PodClass, uid: string): string =>
  `${classGroup(cgroupRoot, podClass)}/pod${uidFolder(uid)}`;

/** The pod of a folder in the folder of a class; undefined for other folders. */
export const uidOf = (folder: string): string | undefined => /^pod(.+)$/.exec(folder)?.[1];
