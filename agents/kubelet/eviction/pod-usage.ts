// What one pod uses of the node, as the order of eviction and its messages need it. Pure: how it is measured is elsewhere.
import { type Pod, requestsOf } from '../../../controlplane/api';
import { parseQuantity } from '../../../controlplane/api/quantity';
import type { DiskUse } from '../stats/samples';

export interface ContainerUse {
  readonly name: string;
  /** Working set: without the page cache that the kernel can take back at once. */
  readonly memoryBytes?: number;
  /** The container's own layer above its image. */
  readonly rootfs?: DiskUse;
  readonly logs?: DiskUse;
}

export interface PodUse {
  readonly memoryBytes?: number;
  readonly processes?: number;
  readonly containers: readonly ContainerUse[];
  /** By name: the volumes whose files lie on the node's disk and belong to the pod. */
  readonly volumes: ReadonlyMap<string, DiskUse>;
}

/** Undefined: not measured. */
export type PodUses = (pod: Pod) => PodUse | undefined;

export type DiskPart = 'rootfs' | 'logs' | 'volumes';

export function diskUse({ containers, volumes }: PodUse, parts: readonly DiskPart[]): DiskUse {
  const uses = [
    ...(parts.includes('rootfs') ? containers.map(({ rootfs }) => rootfs) : []),
    ...(parts.includes('logs') ? containers.map(({ logs }) => logs) : []),
    ...(parts.includes('volumes') ? volumes.values() : []),
  ];
  return uses.reduce<DiskUse>(
    (sum, use) => ({ bytes: sum.bytes + (use?.bytes ?? 0), inodes: sum.inodes + (use?.inodes ?? 0) }),
    { bytes: 0, inodes: 0 },
  );
}

/** What the pod requests with its overhead, in whole units. An overhead alone is no request. */
export function requestOf({ spec }: Pod, resource: string): number {
  const own = requestsOf(spec ?? { containers: [] })[resource]?.nano ?? 0n;
  const overhead = spec?.overhead?.[resource];
  const nano = own === 0n || overhead === undefined ? own : own + parseQuantity(overhead).nano;
  return Number((nano + 999_999_999n) / 1_000_000_000n);
}

export type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];

/** An emptyDir on the node's disk. */
export const isDiskEmptyDir = ({ emptyDir }: Volume): boolean => emptyDir !== undefined && !emptyDir.medium;
