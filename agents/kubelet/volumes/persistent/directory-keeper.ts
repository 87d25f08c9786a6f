// The folders of the volumes that the cluster has provisioned on this node. It promises:
//   1. The folder of a PersistentVolume that is being deleted is removed, and then the finalizer that has kept the object until then. The
//      folder stays while the volume is still bound to a claim, and with the reclaim policy Retain: then only the finalizer is removed.
//   2. Only folders that lie directly in this kubelet's own folder are removed, never what is mounted below them.
//   3. The limit of a folder that has one follows the capacity of its PersistentVolume, which an expansion raises.
//   4. What fails is repeated with back-off, also after a restart of the kubelet.
import type { PersistentVolume } from '../../../../controlplane/api';
import { persistentVolumes } from '../../../../controlplane/api';
import { directoryProvisioner, nodeLabel } from '../../../../controlplane/api/volumes/binding';
import type { Clock } from '../../../../controlplane/base/clock';
import { isNotFound } from '../../../../controlplane/base/errors';
import type { Logger } from '../../../../controlplane/base/logger';
import type { Client } from '../../../../controlplane/client/client';
import { createInformer } from '../../../../controlplane/client/informer';
import { WorkQueue } from '../../../../controlplane/client/work-queue';
import type { Mounts } from '../../../../dataplane/mount/mounts';
import type { FolderQuotas } from '../../../../dataplane/quota/folder-quotas';
import { removeLargeTree } from '../remove-tree';
import { capacityBytes, provisionedPath } from './provisioned';

export interface DirectoryKeeperDeps {
  readonly client: Client;
  readonly mounts: Pick<Mounts, 'detachBelow'>;
  readonly quotas: Pick<FolderQuotas, 'change' | 'release'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
  readonly rootDir: string;
}

const protection = 'kubernetes.io/pv-protection';
const retry = { initialMs: 100, maxMs: 60_000 };

export class DirectoryKeeper {
  constructor(private readonly deps: DirectoryKeeperDeps) {}

  /** Works until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, log, nodeName } = this.deps;
    // The node authorizer allows a kubelet this selection alone.
    const params = { labelSelector: `${nodeLabel}=${nodeName}` };
    const volumes = createInformer(client, persistentVolumes, { params, log, clock });
    const queue = new WorkQueue({
      clock,
      backoff: retry,
      onRetry: (volume, error, retryMs) =>
        log.warn('the folder of a volume is not removed yet', { volume, retryMs, error }),
    });
    volumes.onChange(({ key }) => queue.add(key));
    const work = async () => {
      for await (const key of queue.keys(signal)) {
        const volume = volumes.get(key);
        await (volume ? this.reconcile(volume, signal) : Promise.resolve()).then(
          () => queue.done(key),
          (err: unknown) => queue.done(key, err),
        );
      }
    };
    await Promise.all([volumes.run(signal), work()]);
  }

  async reconcile(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const step = planRemoval(volume, this.deps);
    if (step === 'none') return this.fit(volume);
    if (step === 'refuse') {
      const path = volume.spec?.local?.path;
      this.deps.log.warn('a volume of this node has a folder elsewhere; it stays', {
        volume: volume.metadata?.name,
        path,
      });
      return;
    }
    if (step === 'remove') await this.removeFolder(provisionedPath(volume, this.deps.rootDir)!);
    await this.release(volume, signal);
  }

  /** The folder may not exist yet: the first pod makes it, with the limit. */
  private async fit(volume: PersistentVolume): Promise<void> {
    const path = provisionedPath(volume, this.deps.rootDir);
    if (path === undefined) return;
    await this.deps.quotas.change(path, capacityBytes(volume)).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }

  private async removeFolder(path: string): Promise<void> {
    // What a container has mounted in its volume may be visible here too.
    await this.deps.mounts.detachBelow(path);
    await this.deps.quotas.release(path);
    await removeLargeTree(path);
  }

  private async release({ metadata }: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { name = '', resourceVersion, finalizers = [] } = metadata ?? {};
    const rest = finalizers.filter((finalizer) => finalizer !== directoryProvisioner);
    const patch = { metadata: { resourceVersion, finalizers: rest } };
    await this.deps.client.patch(persistentVolumes, name, 'merge', patch, { signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }
}

type Step = 'none' | 'remove' | 'release' | 'refuse';

/** Pure. */
export function planRemoval(
  volume: PersistentVolume,
  { nodeName, rootDir }: Pick<DirectoryKeeperDeps, 'nodeName' | 'rootDir'>,
): Step {
  const { metadata, spec } = volume;
  const { labels, deletionTimestamp, finalizers = [] } = metadata ?? {};
  const isOurs = labels?.[nodeLabel] === nodeName && finalizers.includes(directoryProvisioner);
  if (!isOurs || deletionTimestamp === undefined || finalizers.includes(protection)) return 'none';
  if (spec?.persistentVolumeReclaimPolicy === 'Retain') return 'release';
  return provisionedPath(volume, rootDir) === undefined ? 'refuse' : 'remove';
}
