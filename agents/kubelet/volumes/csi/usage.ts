// What a CSI volume uses, as its driver says (NodeGetVolumeStats).
import type { FileSystem } from '../volume-usage';
import type { NodeDriver } from './drivers';
import { usageUnits, type VolumeUsage } from './node-service';
import { stagingOf, targetOf } from './task';
import type { CsiUse } from './use';

export type CsiUsage = FileSystem;

/** A driver need not count everything. */
const none: VolumeUsage = { available: 0, total: 0, used: 0, unit: 0 };

/** Undefined for a driver that has no figures. @throws RpcError */
export async function readUsage(use: CsiUse, api: NodeDriver, rootDir: string): Promise<CsiUsage | undefined> {
  const capabilities = await api.capabilities();
  if (!capabilities.has('GET_VOLUME_STATS')) return undefined;
  const isStaged = use.mode === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
  const { usage } = await api.call('NodeGetVolumeStats', {
    volumeId: use.handle,
    volumePath: api.pathFor(targetOf(use, rootDir)),
    stagingTargetPath: isStaged ? api.pathFor(stagingOf(use, rootDir)) : '',
  });
  const bytes = usage.find(({ unit }) => unit === usageUnits.BYTES) ?? none;
  const inodes = usage.find(({ unit }) => unit === usageUnits.INODES) ?? none;
  return {
    size: {
      capacityBytes: bytes.total,
      availableBytes: bytes.available,
      inodes: inodes.total,
      inodesFree: inodes.available,
    },
    used: { bytes: bytes.used, inodes: inodes.used },
  };
}
