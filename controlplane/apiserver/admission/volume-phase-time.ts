// When the phase of a PersistentVolume changed last. Upstream's strategy of the kind sets it; here it is a rule, because the functions
// of a kind have no clock.
import { type PersistentVolume, persistentVolumes } from '../../api/index';
import { formatTime } from '../../base/clock';
import type { OpenRule } from '../write/rule';

export const volumePhaseTime: OpenRule = ({ clock }) => ({
  name: 'VolumePhaseTime',
  concerns: ({ operation, kind, subresource }) =>
    kind.prefix === persistentVolumes.prefix &&
    ((operation === 'create' && subresource === '') || (operation === 'update' && subresource === 'status')),
  prepare({ object, old }) {
    const volume = object as PersistentVolume;
    const before = (old as PersistentVolume | undefined)?.status;
    const { phase, lastPhaseTransitionTime: time } = volume.status ?? {};
    const then = before?.lastPhaseTransitionTime;
    if (old && phase === before?.phase) {
      if (time === undefined && then !== undefined) volume.status = { ...volume.status, lastPhaseTransitionTime: then };
      return;
    }
    // A client may write a time of its own, but the old one never stays with another phase.
    if (old && time !== undefined && time !== then) return;
    volume.status = { ...volume.status, lastPhaseTransitionTime: formatTime(clock.now()) };
  },
});
