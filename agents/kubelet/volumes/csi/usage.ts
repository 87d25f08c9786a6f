// What a CSI volume uses, as its driver says (NodeGetVolumeStats).
import type { NodeDriver } from './drivers';
import { usageUnits, type VolumeUsage } from './node-service';
import { stagingOf, targetOf } from './task';
import type { CsiUse } from './use';

export interface CsiUsage {
  /** Of the volume in the pod, or of its PersistentVolume. */
  readonly name: string;
  readonly usedBytes: number;
  readonly capacityBytes: number;
  readonly availableBytes: number;
  /** Zeros from a driver that does not count them. */
  readonly inodesUsed: number;
  readonly inodes: number;
  readonly inodesFree: number;
  /** What the driver says about the volume's health, if it says something. */
  readonly condition?: { readonly abnormal: boolean; readonly message: string };
}

const none: VolumeUsage = { available: 0, total: 0, used: 0, unit: 0 };

/** Undefined for a driver that has no figures. @throws RpcError */
export async function readUsage(use: CsiUse, api: NodeDriver, rootDir: string): Promise<CsiUsage | undefined> {
  const capabilities = await api.capabilities();
  if (!capabilities.has('GET_VOLUME_STATS')) return undefined;
  const isStaged = use.mode === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
  const { usage, volumeCondition } = await api.call('NodeGetVolumeStats', {
    volumeId: use.handle,
    volumePath: api.pathFor(targetOf(use, rootDir)),
    stagingTargetPath: isStaged ? api.pathFor(stagingOf(use, rootDir)) : '',
  });
  const bytes = usage.find(({ unit }) => unit === usageUnits.BYTES) ?? none;
  const inodes = usage.find(({ unit }) => unit === usageUnits.INODES) ?? none;
  return {
    name: use.name,
    usedBytes: bytes.used,
    capacityBytes: bytes.total,
    availableBytes: bytes.available,
    inodesUsed: inodes.used,
    inodes: inodes.total,
    inodesFree: inodes.available,
    ...(volumeCondition && capabilities.has('VOLUME_CONDITION') ? { condition: volumeCondition } : {}),
  };
}
