// Removes images that no container uses: every five minutes when their disk is nearly full or they are too old, and at once when the
// node runs short of disk. An image in use, the pause image, and an image that was just pulled stay. Docker refuses to remove an image of
// a container that the kubelet does not know.
import type { Clock } from '../../../controlplane/base/clock';
import { AppError, describeError, isConflict } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { ImageGcPolicy } from '../node/policy';
import type { NodeEvent, Part } from '../part';
import type { ContainerRuntime } from '../runtime/runtime';
import { type KnownImage, remember, removable, shortage, sizeText, tooOld } from './plan';

const periodMs = 300_000;

export interface ImageGcDeps {
  readonly runtime: Pick<ContainerRuntime, 'images' | 'removeImage'>;
  /** IDs and names of images that containers or volumes of pods use, in any state. */
  readonly inUse: () => Iterable<string>;
  /** The file system of images. @throws when it cannot be read */
  readonly imageFs: () => Promise<{ readonly capacityBytes: number; readonly availableBytes: number } | undefined>;
  readonly policy: ImageGcPolicy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: NodeEvent;
}

export class ImageGc implements Part {
  private known: ReadonlyMap<string, KnownImage> = new Map();
  private readonly startedAtMs: number;

  constructor(private readonly deps: ImageGcDeps) {
    this.startedAtMs = deps.clock.now();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, report, policy } = this.deps;
    if (policy.highPercent === 100 && policy.maxAgeMs === 0) return;
    let failedBefore = false;
    while (!signal.aborted) {
      try {
        await this.collect();
        failedBefore = false;
      } catch (error) {
        log.warn('images were not collected; the next try is in five minutes', { error });
        // Once is no Event: Docker may just have been away.
        if (failedBefore) report('Warning', 'ImageGCFailed', describeError(error));
        failedBefore = true;
      }
      await clock.sleep(periodMs, signal).catch(() => {});
    }
  }

  /** @throws when Docker does not answer, or not enough could be freed */
  async collect(): Promise<void> {
    const { policy, clock, imageFs, report } = this.deps;
    const images = await this.look();
    const now = clock.now();
    const old = new Set(tooOld(images, policy, this.startedAtMs, now));
    const failures = (await this.remove([...old], Number.POSITIVE_INFINITY)).failures;
    if (failures.length > 0) throw failures[0];
    const fs = await imageFs();
    if (!fs) return;
    if (fs.capacityBytes === 0) {
      report('Warning', 'InvalidDiskCapacity', 'invalid capacity 0 on image filesystem');
      throw new AppError('Internal', 'invalid capacity 0 on image filesystem');
    }
    const short = shortage(fs, policy);
    if (!short) return;
    const rest = images.filter((image) => !old.has(image));
    const { freedBytes, failures: failed } = await this.remove(rest, short.bytesToFree);
    if (failed.length > 0) throw failed[0];
    if (freedBytes >= short.bytesToFree) return;
    const message =
      `Insufficient free disk space on the node's image filesystem (${short.usedPercent}% of ${sizeText(fs.capacityBytes)} used). ` +
      `Failed to free sufficient space by deleting unused images (freed ${freedBytes} bytes). ` +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';
    report('Warning', 'FreeDiskSpaceFailed', message);
    throw new AppError('Unavailable', message);
  }

  /** All that may be removed. @throws when Docker does not answer, or refuses one that should be unused */
  async removeUnused(): Promise<void> {
    const { failures } = await this.remove(await this.look(), Number.POSITIVE_INFINITY);
    if (failures.length > 0) throw failures[0];
  }

  private async look(): Promise<KnownImage[]> {
    const { runtime, inUse, clock, policy } = this.deps;
    const images = await runtime.images();
    // After the listing: a container that was created meanwhile counts.
    const now = clock.now();
    this.known = remember(this.known, images, new Set(inUse()), now);
    return removable(this.known, policy, now);
  }

  private async remove(images: readonly KnownImage[], bytesToFree: number) {
    const { runtime, log, inUse } = this.deps;
    const failures: unknown[] = [];
    let freedBytes = 0;
    for (const { image } of images) {
      if (freedBytes >= bytesToFree) break;
      // A pod may have come since the look.
      const used = new Set(inUse());
      const names = [...image.tags, ...image.digests];
      if ([image.id, ...names].some((name) => used.has(name))) continue;
      try {
        // Docker removes an image with several names only by all its names.
        for (const name of image.tags.length > 0 ? image.tags : [image.id]) await runtime.removeImage(name);
        freedBytes += image.sizeBytes;
        log.info('unused image removed', { image: names[0] ?? image.id, sizeBytes: image.sizeBytes });
      } catch (error) {
        // A container of another program uses it.
        if (!isConflict(error)) failures.push(error);
      }
    }
    return { freedBytes, failures };
  }
}
