// Expands volumes on this node, and writes the status of their claims (expansion.ts decides).
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../../../../controlplane/api';
import { describeError } from '../../../../controlplane/base/errors';
import { RpcError } from '../../../../controlplane/grpc/rpc-error';
import { secretData } from './credentials';
import type { CsiVolumesDeps } from './csi-volumes';
import {
  claimBytes,
  type Expansion,
  type Failure,
  failed,
  finished,
  inProgress,
  isFinal,
  neededExpansion,
  wantedBytes,
} from './expansion';
import { capabilityOf, stagingOf, type Task, targetOf } from './task';

type Deps = Pick<CsiVolumesDeps, 'client' | 'clock' | 'events' | 'log' | 'rootDir' | 'tokens' | 'nodeName'>;

export class Expander {
  /** Pod's UID and the volume's name → the size that the volume has on this node, as far as known. */
  private readonly known = new Map<string, number>();
  /** The same keys, of volumes whose driver has refused the last expansion for good. */
  private readonly refused = new Set<string>();

  constructor(private readonly deps: Deps) {}

  forget(podUid: string): void {
    for (const keys of [this.known, this.refused]) {
      for (const key of keys.keys()) if (key.startsWith(`${podUid} `)) keys.delete(key);
    }
  }

  /** Never fails: a volume that cannot grow is still usable, and the next look tries again. */
  async expand(task: Task): Promise<void> {
    const { use, capabilities } = task;
    const { volume, claim } = use;
    const key = `${use.podUid} ${use.name}`;
    const shown = claim && claimBytes(claim);
    if (shown !== undefined && !this.known.has(key)) this.known.set(key, shown);
    const needed = volume && claim && neededExpansion(volume, claim, this.known.get(key));
    if (!needed || !capabilities.has('EXPAND_VOLUME')) return;
    if (use.readOnly) {
      const why = `MountVolume.NodeExpandVolume failed for volume "${use.name}" requested read-only file system`;
      this.record(task, claim, 'Warning', 'FileSystemResizeFailed', why);
      return;
    }
    let current = claim;
    try {
      if (needed.isNegotiated) current = await this.write(claim, inProgress());
      await this.call(task, needed);
      if (!needed.isShown) await this.write(current, finished(current.status ?? {}, needed.size));
      this.known.set(key, needed.bytes);
      this.refused.delete(key);
    } catch (error) {
      task.signal.throwIfAborted();
      const isHopeless = this.refused.has(key) && wantedBytes(claim) !== needed.bytes;
      if (isFinal(error)) this.refused.add(key);
      await this.fail(task, current, { error, isHopeless });
      return;
    }
    const done = `MountVolume.NodeExpandVolume succeeded for volume "${use.name}" ${this.deps.nodeName}`;
    this.record(task, claim, 'Normal', 'FileSystemResizeSuccessful', done);
  }

  private async call({ use, api, capabilities, signal }: Task, { bytes }: Expansion): Promise<void> {
    const { rootDir } = this.deps;
    const secrets = await secretData(this.deps, 'NodeExpandSecretRef', use.expandSecret, signal);
    const isStaged = capabilities.has('STAGE_UNSTAGE_VOLUME');
    await api.call('NodeExpandVolume', {
      volumeId: use.handle,
      volumePath: api.pathFor(targetOf(use, rootDir)),
      capacityRange: { requiredBytes: bytes },
      stagingTargetPath: isStaged ? api.pathFor(stagingOf(use, rootDir)) : '',
      volumeCapability: capabilityOf(use, capabilities),
      secrets,
    });
  }

  private async fail(task: Task, claim: PersistentVolumeClaim, failure: Failure): Promise<void> {
    const { use } = task;
    const { error } = failure;
    const shown = failed(claim.status ?? {}, failure, this.deps.clock.now());
    if (shown) {
      await this.write(claim, shown).catch((cause: unknown) =>
        this.deps.log.warn('the claim does not show that its volume cannot grow', { error: cause }),
      );
    }
    // The driver cannot expand a volume in use: the next mount does it.
    if (error instanceof RpcError && error.status === 'FailedPrecondition') return;
    const why = `Expander.NodeExpand failed to expand the volume : ${describeError(error)}`;
    const message = `NodeExpandVolume.NodeExpandVolume failed for volume "${use.name}" : ${why}`;
    this.deps.events.record(use.pod, 'Warning', 'VolumeResizeFailed', message);
  }

  private write({ metadata }: PersistentVolumeClaim, status: object): Promise<PersistentVolumeClaim> {
    const key = `${metadata?.namespace}/${metadata?.name}`;
    return this.deps.client.patch(persistentVolumeClaims, key, 'merge', { status }, { subresource: 'status' });
  }

  private record(
    { use }: Task,
    claim: PersistentVolumeClaim,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    this.deps.events.record(use.pod, type, reason, message);
    this.deps.events.record(claim, type, reason, message);
  }
}
