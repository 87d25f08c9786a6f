// Waits until the attach-detach controller has attached a volume to this node: first this node says that it uses the volume, then the Node
// shows it as attached, then the VolumeAttachment has what the driver's controller wants to tell its node part.
import { attachedVolumeName, attachmentName, type Node, volumeAttachments } from '../../../../controlplane/api';
import type { Clock } from '../../../../controlplane/base/clock';
import { AppError, describeError, isNotFound } from '../../../../controlplane/base/errors';
import type { Client } from '../../../../controlplane/client/client';
import { NotAttached } from '../failures';
import type { VolumesInUse } from './volumes-in-use';

export interface AttachmentDeps {
  readonly client: Pick<Client, 'get'>;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly inUse: VolumesInUse;
  /** Undefined while the kubelet has not seen its Node object. */
  readonly ownNode: () => Node | undefined;
}

/** Pods get an Event after this time, and wait on. As upstream. */
export const attachWaitMs = 123_000;

export class Attachments {
  private wake = Promise.withResolvers<void>();

  constructor(private readonly deps: AttachmentDeps) {}

  /** This node's object has changed. */
  nodeChanged(): void {
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }

  /** Resolves to the publish context. @throws NotAttached, the signal's reason, or what is wrong with the attachment */
  async attached(driver: string, handle: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const { inUse } = this.deps;
    const name = attachedVolumeName(driver, handle);
    inUse.add(name);
    const late = new AbortController();
    const cancel = this.deps.clock.after(attachWaitMs, () => late.abort(new NotAttached()));
    try {
      const either = AbortSignal.any([signal, late.signal]);
      await inUse.shown(name, either);
      await this.shownAttached(name, either);
    } finally {
      cancel();
    }
    return this.context(driver, handle, signal);
  }

  private async shownAttached(name: string, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      const isShown = () => this.deps.ownNode()?.status?.volumesAttached?.some((volume) => volume.name === name);
      while (!isShown()) await Promise.race([this.wake.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  private async context(driver: string, handle: string, signal: AbortSignal) {
    const name = attachmentName(driver, handle, this.deps.nodeName);
    const found = await this.deps.client.get(volumeAttachments, name, signal).catch((cause: unknown) => {
      const said = isNotFound(cause) ? `volumeattachments.storage.k8s.io "${name}" not found` : describeError(cause);
      throw new AppError('Unavailable', `volume ${handle} has GET error for volume attachment ${name}: ${said}`, {
        cause,
      });
    });
    if (found.metadata?.deletionTimestamp) throw new AppError('Unavailable', 'volume attachment is being deleted');
    if (!found.status?.attached) {
      const why = found.status?.attachError?.message;
      throw new AppError('Unavailable', why ?? `volume ${handle} is not attached for volume attachment ${name}`);
    }
    return found.status.attachmentMetadata ?? {};
  }
}
