// The volumes of the pods on this node: set up before containers start, refreshed while they run, removed afterwards.
// The layout below the root directory is that of upstream's kubelet, so that tools find the files.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigMap, configMaps, type Node, type Pod, type Secret, secrets } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { LiveObjects } from '../../../controlplane/client/live-objects';
import type { Exec } from '../../../dataplane/exec/exec';
import type { Mounts } from '../../../dataplane/mount/mounts';
import type { RemoteFileSystems } from '../../../dataplane/mount/remote';
import type { FolderQuotas } from '../../../dataplane/quota/folder-quotas';
import type { NodeFacts } from '../spec/field-ref';
import { uidFolder } from '../spec/names';
import { kubeletActivity } from '../stats/activity';
import { DiskUsage } from '../stats/disk-usage';
import type { VolumeUse } from '../stats/node-sample';
import type { CsiVolumes } from './csi/csi-volumes';
import { type FailedVolume, StepError, VolumesFailed } from './failures';
import { KeyedTurns } from './keyed-turns';
import { machinePath } from './node-paths';
import { type Volume, VolumeError } from './payload';
import { claimUse, usedVolumes } from './persistent/claim-checks';
import { releaseVolumes, removeMountPoints, sweepVolumes, volumeKinds } from './persistent/release';
import { ClaimResolver } from './persistent/resolver';
import { contentOf } from './plugins/list';
import type { Content, VolumeDeps } from './plugins/plugin';
import { podReferences } from './references';
import { removeTree } from './remove-tree';
import { ServiceAccountTokens } from './service-account-tokens';
import { type DesiredSubPath, SubPaths } from './sub-paths';
import { VolumeCounts } from './volume-counts';
import { fileSystemOf, VolumeUsage } from './volume-usage';

export interface PodVolumesDeps {
  readonly client: Client;
  readonly mounts: Mounts;
  /** One for the kubelet, so that a silent server is asked once. */
  readonly remote: Pick<RemoteFileSystems, 'mountOf' | 'size' | 'ensureAnswers'>;
  readonly exec: Exec;
  readonly quotas: FolderQuotas;
  readonly clock: Clock;
  readonly log: Logger;
  /** Records an Event of type Warning. */
  readonly warn: (pod: Pod, reason: string, message: string) => void;
  readonly rootDir: string;
  readonly csi: Pick<CsiVolumes, 'onChange' | 'setUp' | 'release' | 'forget' | 'usage'>;
  /** Undefined while the kubelet has not seen its Node object. */
  readonly ownNode: () => Node | undefined;
}

export class PodVolumes {
  private readonly configMaps: LiveObjects<ConfigMap>;
  private readonly secrets: LiveObjects<Secret>;
  private readonly tokens: ServiceAccountTokens;
  private readonly subPaths: SubPaths;
  private readonly claims: ClaimResolver;
  private readonly measured: VolumeUsage;
  private readonly pluginDeps: VolumeDeps;
  private readonly counts = new VolumeCounts();

  constructor(private readonly deps: PodVolumesDeps) {
    this.configMaps = new LiveObjects(deps, configMaps);
    this.secrets = new LiveObjects(deps, secrets);
    this.tokens = new ServiceAccountTokens(deps);
    this.subPaths = new SubPaths(deps.mounts);
    this.claims = new ClaimResolver(deps);
    this.measured = new VolumeUsage(
      deps.clock,
      new DiskUsage(deps.clock),
      (path) => fileSystemOf(path, deps.remote),
      (podUid, name) => deps.csi.usage(podUid, name),
    );
    this.pluginDeps = {
      mounts: deps.mounts,
      exec: deps.exec,
      quotas: deps.quotas,
      clock: deps.clock,
      warn: deps.warn,
      turns: new KeyedTurns(),
      rootDir: deps.rootDir,
      csi: deps.csi,
      tokens: this.tokens,
      configMap: (pod, name) => this.configMap(pod, name),
      secret: (pod, name) => this.secret(pod, name),
      ensureAnswers: (path) => deps.remote.ensureAnswers(path),
    };
  }

  /** `handler` is called with a pod's uid when an object that the pod refers to has changed. */
  onChange(handler: (podUid: string) => void): void {
    this.configMaps.onChange(handler);
    this.secrets.onChange(handler);
    this.deps.csi.onChange(handler);
  }

  /** @throws BadRequest for an invalid UID: the kubelet mounts below this folder and deletes it */
  podDir(podUid: string): string {
    return join(this.deps.rootDir, 'pods', uidFolder(podUid));
  }

  /**
   * Host path of a volume's content, or of its device. @throws VolumeError for a volume that no plug-in knows, and for a claim before
   * setUp() has found its volume
   */
  path(podUid: string, volume: Volume): string {
    return this.pathOf(podUid, volume, this.content(podUid, volume));
  }

  /** The volume together with its plug-in. @throws what path() throws */
  content(podUid: string, volume: Volume): Content {
    return this.claims.peek(podUid, volume.name)?.content ?? knownContent(volume);
  }

  private pathOf(podUid: string, volume: Volume, { path, dir, name = volume.name, isDevice }: Content): string {
    if (path !== undefined) return machinePath(this.deps.rootDir, path);
    const kind = isDevice ? 'volumeDevices' : 'volumes';
    return join(this.podDir(podUid), kind, `kubernetes.io~${dir}`, name);
  }

  /** Shows the layers of an image as the content of an image volume. Repeatable. @throws what Mounts.ensureLayers throws */
  async showImage(podUid: string, volume: Volume, layers: readonly string[]): Promise<void> {
    const path = this.path(podUid, volume);
    await mkdir(path, { recursive: true, mode: 0o755 });
    await this.deps.mounts.ensureLayers(path, layers);
  }

  /**
   * Host path of a part of a volume, for the mount with this index of a container's list. @throws what SubPaths.bind throws, Unavailable
   * when the volume's server does not answer
   */
  async subPath(
    pod: Pod,
    volume: Volume,
    desired: Pick<DesiredSubPath, 'container' | 'index' | 'subPath'>,
  ): Promise<string> {
    const uid = pod.metadata?.uid ?? '';
    const root = this.path(uid, volume);
    await this.deps.remote.ensureAnswers(root);
    return this.subPaths.bind({ ...desired, podDir: this.podDir(uid), volume: volume.name, root });
  }

  configMap(pod: Pod, name: string): ConfigMap | undefined {
    return this.configMaps.get(`${pod.metadata?.namespace}/${name}`);
  }

  secret(pod: Pod, name: string): Secret | undefined {
    return this.secrets.get(`${pod.metadata?.namespace}/${name}`);
  }

  /** Starts watching the objects that the pod refers to. Resolves when each has been requested once. */
  async watchReferences(pod: Pod, signal: AbortSignal): Promise<void> {
    const uid = pod.metadata?.uid ?? '';
    const keyed = (names: readonly string[]) => names.map((name) => `${pod.metadata?.namespace}/${name}`);
    const needed = podReferences(pod);
    await Promise.all([
      this.configMaps.use(uid, keyed(needed.configMaps), signal),
      this.secrets.use(uid, keyed(needed.secrets), signal),
    ]);
  }

  /**
   * Sets up or updates the volumes that containers use. Repeatable. Resolves to the time of the next refresh without a change (a token's
   * renewal), in ms since the epoch, when the work on all volumes has ended. @throws VolumesFailed
   */
  async setUp(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<number | undefined> {
    const { mounts, devices } = usedVolumes(pod);
    const used = (pod.spec?.volumes ?? []).filter(({ name }) => mounts.has(name) || devices.has(name));
    this.counts.isDesired(
      pod.metadata?.uid ?? '',
      used.map(({ name }) => name),
    );
    const failed: FailedVolume[] = [];
    const times: number[] = [];
    await Promise.all(
      used.map(async (volume) => {
        try {
          const refreshAtMs = await this.setUpOne(pod, volume, facts, signal);
          if (refreshAtMs !== undefined) times.push(refreshAtMs);
        } catch (error) {
          failed.push(this.failure(pod, volume, error));
        }
      }),
    );
    signal.throwIfAborted();
    if (failed.length > 0) throw new VolumesFailed(failed);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  private failure(pod: Pod, { name }: Volume, error: unknown): FailedVolume {
    const known = this.claims.peek(pod.metadata?.uid ?? '', name);
    const named = error instanceof StepError ? error.volumeName : undefined;
    return {
      name,
      shownName: named ?? known?.volume.metadata?.name ?? name,
      isDevice: known?.content.isDevice ?? false,
      error,
    };
  }

  private async setUpOne(pod: Pod, volume: Volume, facts: NodeFacts, signal: AbortSignal): Promise<number | undefined> {
    const uid = pod.metadata?.uid ?? '';
    const use = claimUse(pod, volume);
    const content = use ? (await this.claims.resolve(pod, volume, use, signal)).content : knownContent(volume);
    const path = this.pathOf(uid, volume, content);
    const refreshAtMs = await kubeletActivity.mount(content.dir, () =>
      content.setUp({ pod, path, facts, deps: this.pluginDeps, signal }),
    );
    this.counts.isSetUp(uid, volume.name, content.dir);
    const claim = use && { namespace: pod.metadata?.namespace ?? '', name: use.claimName };
    this.measured.note(uid, { volume, content, path, ...(claim ? { claim } : {}) });
    return refreshAtMs;
  }

  /**
   * Unmounts and deletes the volumes of a pod that has ended: other pods and nodes may need them before it is deleted. The pod's other
   * files stay. Repeatable. @throws DriverMissing, RpcError, or the failure of a system call
   */
  async release(podUid: string): Promise<void> {
    const podDir = this.podDir(podUid);
    await this.ended(podUid, async () => {
      await this.unmount(podUid, podDir);
      for (const kind of volumeKinds) await removeTree(join(podDir, kind));
    });
  }

  /** Unmounts and deletes all volumes and files of the pod. Repeatable. @throws as release() */
  async tearDown(podUid: string): Promise<void> {
    await this.ended(podUid, () => this.removeDir(podUid));
  }

  private async ended(podUid: string, remove: () => Promise<void>): Promise<void> {
    const never = new AbortController().signal;
    await Promise.all([this.configMaps.use(podUid, [], never), this.secrets.use(podUid, [], never)]);
    this.tokens.forgetPod(podUid);
    await remove();
    this.deps.csi.forget(podUid);
    await sweepVolumes(this.pluginDeps);
    this.claims.forget(podUid);
    this.measured.forget(podUid);
    this.counts.forget(podUid);
  }

  /** What the volumes of the pod use, as far as they are set up; with 'claims' only those of claims. */
  usage(podUid: string, which?: 'claims'): Promise<readonly VolumeUse[]> {
    return this.measured.of(podUid, which);
  }

  /** For metrics: the volumes of all pods, by plug-in. */
  renderCounts(): readonly string[] {
    return this.counts.render();
  }

  /** Removes the folders of pods that ended while no kubelet ran. Repeatable. */
  async removeOrphans(isKept: (podUid: string) => boolean): Promise<void> {
    const found = await readdir(join(this.deps.rootDir, 'pods')).catch(() => []);
    let failure: unknown;
    for (const uid of found) {
      // After a folder that cannot be removed, continue with the others.
      try {
        if (isKept(uid)) continue;
        await this.removeDir(uid);
        this.deps.csi.forget(uid);
      } catch (err) {
        failure ??= err;
      }
    }
    if (failure) throw failure;
    await sweepVolumes(this.pluginDeps);
  }

  private async removeDir(podUid: string): Promise<void> {
    const podDir = this.podDir(podUid);
    await this.unmount(podUid, podDir);
    await removeTree(podDir);
  }

  private async unmount(podUid: string, podDir: string): Promise<void> {
    await this.subPaths.remove(podDir);
    await releaseVolumes({ podUid, podDir, deps: this.pluginDeps });
    await this.deps.mounts.detachBelow(podDir);
    await removeMountPoints(podDir);
  }

  close(): void {
    this.configMaps.close();
    this.secrets.close();
  }
}

function knownContent(volume: Volume): Content {
  const content = contentOf(volume);
  if (content) return content;
  const source = Object.keys(volume).find((field) => field !== 'name') ?? 'empty-dir';
  if (source === 'persistentVolumeClaim' || source === 'ephemeral') {
    throw new VolumeError(`the claim of volume "${volume.name}" is not known yet`);
  }
  throw new VolumeError(`no volume plugin matched: ${source}`);
}
