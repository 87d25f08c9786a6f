// Which images of the node are removed. Pure. Source: kubernetes.io "Garbage Collection of containers and images".
import type { ImageGcPolicy } from '../node/policy';
import type { ImageRecord } from '../runtime/runtime';

/** An image with what the kubelet remembers of it; times in ms since the epoch. */
export interface KnownImage {
  readonly image: ImageRecord;
  readonly firstSeenMs: number;
  /** 0: never, since this kubelet has started. */
  readonly lastUsedMs: number;
}

/** After a look at all images at `now`. Images that are gone are forgotten. */
export function remember(
  before: ReadonlyMap<string, KnownImage>,
  images: readonly ImageRecord[],
  inUse: ReadonlySet<string>,
  now: number,
): ReadonlyMap<string, KnownImage> {
  return new Map(
    images.map((image) => {
      const known = before.get(image.id);
      const used = [image.id, ...image.tags, ...image.digests].some((name) => inUse.has(name));
      const firstSeenMs = known?.firstSeenMs ?? now;
      return [image.id, { image, firstSeenMs, lastUsedMs: used ? now : (known?.lastUsedMs ?? 0) }];
    }),
  );
}

/** Those that may be removed at `now`: unused, and not new. The one that was unused for longest comes first. */
export const removable = (
  images: ReadonlyMap<string, KnownImage>,
  { minAgeMs }: Pick<ImageGcPolicy, 'minAgeMs'>,
  now: number,
): KnownImage[] =>
  [...images.values()]
    .filter(({ firstSeenMs, lastUsedMs }) => lastUsedMs < now && now - firstSeenMs >= minAgeMs)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.firstSeenMs - b.firstSeenMs);

/** Those that no container has used for so long that they are removed whatever the disk has. `sinceMs`: when this kubelet has started. */
export function tooOld(
  images: readonly KnownImage[],
  { maxAgeMs }: Pick<ImageGcPolicy, 'maxAgeMs'>,
  sinceMs: number,
  now: number,
): KnownImage[] {
  // Before that the kubelet does not know whether they were used.
  if (maxAgeMs === 0 || now - sinceMs <= maxAgeMs) return [];
  return images.filter(({ lastUsedMs }) => now - lastUsedMs > maxAgeMs);
}

export interface DiskShortage {
  readonly usedPercent: number;
  readonly bytesToFree: number;
}

/** Undefined while the file system of images is used less than the high threshold. */
export function shortage(
  { capacityBytes, availableBytes }: { readonly capacityBytes: number; readonly availableBytes: number },
  { highPercent, lowPercent }: Pick<ImageGcPolicy, 'highPercent' | 'lowPercent'>,
): DiskShortage | undefined {
  const available = Math.min(availableBytes, capacityBytes);
  const usedPercent = 100 - Math.floor((available * 100) / capacityBytes);
  if (usedPercent < highPercent) return undefined;
  return { usedPercent, bytesToFree: Math.floor((capacityBytes * (100 - lowPercent)) / 100) - available };
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** As upstream prints a size: 97.5 GiB. */
export function sizeText(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
