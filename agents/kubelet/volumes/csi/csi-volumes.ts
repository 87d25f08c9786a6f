// Mounts and unmounts CSI volumes by calls to the drivers of this node. Promises:
//   1. What is undone is read from the disk: a kubelet that was killed undoes what the one before has begun.
//   2. Calls for one volume come one after another; a driver that hangs delays only its own volumes.
//   3. A volume is staged once for all pods, and unstaged when no pod on this node uses it.
//   4. A volume that needs attaching is mounted only while the Node shows it both as in use and as attached.
//   5. Each step can be repeated: drivers are called again after an error or a restart, as the specification allows.
import { mkdir, rmdir, stat, symlink, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { attachedVolumeName, attachmentName, type CSIDriver, csiDrivers } from '../../../../controlplane/api';
import type { Clock } from '../../../../controlplane/base/clock';
import { AppError, describeError, isNotFound } from '../../../../controlplane/base/errors';
import type { Logger } from '../../../../controlplane/base/logger';
import type { Client } from '../../../../controlplane/client/client';
import type { EventRecorder } from '../../../../controlplane/client/event-recorder';
import { StepError } from '../failures';
import { applyFsGroupAt } from '../fs-group';
import { KeyedTurns } from '../keyed-turns';
import type { ServiceAccountTokens } from '../service-account-tokens';
import type { Attachments } from './attachment';
import { podTokens, secretData } from './credentials';
import { type CsiDrivers, DriverMissing, type NodeDriver } from './drivers';
import { Expander } from './expander';
import {
  dataFile,
  deviceData,
  devicePublish,
  devicePublishFolder,
  deviceStaging,
  globalMount,
  stagedFolder,
} from './layout';
import { readVolumesOnDisk } from './on-disk';
import { appliesGroup, checkLifecycle, podInformation } from './publish-request';
import { capabilityOf, stagingOf, type Task, targetOf } from './task';
import { type CsiUsage, readUsage } from './usage';
import { type CsiUse, volumeKey } from './use';
import { loadVolumeData, saveVolumeData, type VolumeData } from './volume-data';
import type { VolumesInUse } from './volumes-in-use';

export interface CsiVolumesDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly tokens: Pick<ServiceAccountTokens, 'fetch' | 'peekStatus'>;
  readonly drivers: CsiDrivers;
  readonly attachments: Attachments;
  readonly inUse: VolumesInUse;
  readonly nodeName: string;
  readonly rootDir: string;
  /** Before files of a volume are touched: its driver may have mounted a server's. @throws Unavailable when it does not answer */
  readonly ensureAnswers: (path: string) => Promise<void>;
}

/** How often the kubelet looks at the claim of a volume whose size may change, and calls a driver that wants to be called again. */
export const lookAgainMs = 60_000;
const sweepRetry = { firstMs: 1_000, maxMs: 120_000 };

interface Staged {
  readonly data: VolumeData;
  readonly deviceOf: string | undefined;
  /** The driver has answered in this process. */
  done: boolean;
}

interface Published {
  measured?: { readonly atMs: number; readonly usage: Promise<CsiUsage | undefined> };
  readonly use: CsiUse;
  readonly context: Readonly<Record<string, string>>;
  readonly requiresRepublish: boolean;
}

export class CsiVolumes {
  private readonly turns = new KeyedTurns();
  private readonly staged = new Map<string, Staged>();
  /** Key of a volume → UIDs of the pods that use it, or may have something of it on the disk. */
  private readonly users = new Map<string, Set<string>>();
  /** Pod's UID and the volume's name → what was published in this process. */
  private readonly published = new Map<string, Published>();
  /** Name of a driver → UIDs of pods that wait for it. */
  private readonly waiting = new Map<string, Set<string>>();
  private readonly handlers: Array<(podUid: string) => void> = [];
  private readonly expander: Expander;
  private sweeping: Promise<void> | undefined;
  private cancelSweep: (() => void) | undefined;
  private sweepAgain = false;
  private sweepFailures = 0;

  constructor(private readonly deps: CsiVolumesDeps) {
    this.expander = new Expander(deps);
    deps.drivers.onRegistered((driver) => this.driverCame(driver));
  }

  /** Called with the UID of a pod whose volumes may be set up now. */
  onChange(handler: (podUid: string) => void): void {
    this.handlers.push(handler);
  }

  /** Reads what an earlier run has left. Before the node's status is written: its volumes stay in use. */
  async open(): Promise<void> {
    const report = (error: unknown) => this.deps.log.warn('data of a CSI volume cannot be read', { error });
    const { staged, used } = await readVolumesOnDisk(this.deps.rootDir, report);
    for (const { data, deviceOf } of staged) {
      this.staged.set(volumeKey(keyOf(data)), { data, deviceOf, done: false });
      if (data.attachable) this.deps.inUse.add(attachedVolumeName(data.driverName, data.volumeHandle));
    }
    for (const { podUid, data } of used) this.addUser(volumeKey(keyOf(data)), podUid);
  }

  /** Stops the timer. */
  close(): void {
    this.cancelSweep?.();
  }

  /** Resolves to the time of the next call without a change, if any. @throws StepError, NotAttached, DriverMissing, RpcError, AppError */
  async setUp(use: CsiUse, signal: AbortSignal): Promise<number | undefined> {
    // Before anything else: names become parts of paths.
    stagingOf(use, this.deps.rootDir);
    const driver = await this.driverObject(use.driver, signal);
    try {
      checkLifecycle(use.driver, driver, use.mode);
    } catch (cause) {
      const why = describeError(cause);
      throw new AppError(
        'Unavailable',
        `kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: ${why}`,
      );
    }
    this.addUser(volumeKey(use), use.podUid);
    const needsAttaching = use.mode === 'Persistent' && driver?.spec?.attachRequired !== false;
    const before = this.published.get(publishKey(use));
    const { attachments } = this.deps;
    const context =
      before || !needsAttaching ? before?.context : await attachments.attached(use.driver, use.handle, signal);
    return this.turns.run(volumeKey(use), () =>
      this.reach(use, signal, async (api) => {
        const capabilities = await api.capabilities();
        const task: Task = { use, driver, api, capabilities, context: context ?? {}, needsAttaching, signal };
        if (!before || before.requiresRepublish) {
          if (!before) await this.stage(task);
          await this.publish(task, before !== undefined);
        }
        await this.expander.expand(task);
        const republish = driver?.spec?.requiresRepublish === true;
        const mayGrow = use.mode === 'Persistent' && capabilities.has('EXPAND_VOLUME');
        return republish || mayGrow ? this.deps.clock.now() + lookAgainMs : undefined;
      }),
    );
  }

  private async reach<T>(use: CsiUse, signal: AbortSignal, work: (api: NodeDriver) => Promise<T>): Promise<T> {
    try {
      return await this.deps.drivers.with(use.driver, signal, work);
    } catch (error) {
      if (!(error instanceof DriverMissing)) throw error;
      this.waiting.set(use.driver, (this.waiting.get(use.driver) ?? new Set()).add(use.podUid));
      throw missingDriver(use, error);
    }
  }

  private async stage({ use, api, capabilities, context, needsAttaching, signal }: Task): Promise<void> {
    const key = volumeKey(use);
    if (use.mode === 'Ephemeral' || this.staged.get(key)?.done) return;
    const { rootDir } = this.deps;
    const target = use.isBlock
      ? deviceStaging(rootDir, use.name)
      : globalMount(stagedFolder(rootDir, use.driver, use.handle));
    const folder = use.isBlock ? deviceData(rootDir, use.name) : dirname(target);
    const data: VolumeData = { ...this.dataOf(use), ...(needsAttaching ? { attachable: 'true' } : {}) };
    const failed = use.isBlock ? 'MapVolume.SetUpDevice failed' : 'MountVolume.MountDevice failed';
    try {
      await mkdir(target, { recursive: true, mode: 0o750 });
      const secrets = await secretData(this.deps, 'NodeStageSecretRef', use.stageSecret, signal);
      await saveVolumeData(folder, data);
      this.staged.set(key, { data, deviceOf: use.isBlock ? use.name : undefined, done: false });
      if (capabilities.has('STAGE_UNSTAGE_VOLUME')) {
        await api.call('NodeStageVolume', {
          volumeId: use.handle,
          publishContext: context,
          stagingTargetPath: api.pathFor(target),
          volumeCapability: capabilityOf(use, capabilities),
          secrets,
          volumeContext: use.attributes,
        });
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new StepError(failed, describeError(error), use.name);
    }
    this.staged.get(key)!.done = true;
  }

  private async publish(task: Task, isAgain: boolean): Promise<void> {
    const { use, driver, api, capabilities, context, signal } = task;
    const { rootDir } = this.deps;
    const target = targetOf(use, rootDir);
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    const tokens = await podTokens(this.deps, driver, use.pod, signal);
    const secrets = await secretData(this.deps, 'NodePublishSecretRef', use.publishSecret, signal);
    if (!use.isBlock) await saveVolumeData(dirname(target), { ...this.dataOf(use), nodeName: this.deps.nodeName });
    else await linkDevice(use.path, target);
    const isStaged = use.mode === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
    const staging = isStaged ? stagingOf(use, rootDir) : '';
    await api.call('NodePublishVolume', {
      volumeId: use.handle,
      publishContext: context,
      stagingTargetPath: staging && api.pathFor(staging),
      targetPath: api.pathFor(target),
      volumeCapability: capabilityOf(use, capabilities),
      readonly: use.readOnly,
      secrets: { ...secrets, ...tokens.secrets },
      volumeContext: { ...use.attributes, ...podInformation(driver, use.pod, use.mode), ...tokens.attributes },
    });
    if (use.isBlock) await checkDevice(target);
    else if (!isAgain) await this.applyGroup(task, target);
    this.published.set(publishKey(use), { use, context, requiresRepublish: driver?.spec?.requiresRepublish === true });
  }

  private async applyGroup({ use, driver, capabilities, signal }: Task, path: string): Promise<void> {
    const { fsGroup: gid, fsGroupChangePolicy } = use.pod.spec?.securityContext ?? {};
    if (gid === undefined || capabilities.has('VOLUME_MOUNT_GROUP') || !appliesGroup({ ...use, driver })) return;
    const policy = fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : 'Always';
    try {
      await this.deps.ensureAnswers(path);
      await applyFsGroupAt(path, { gid, policy, signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw new AppError('Internal', `applyFSGroup failed for vol ${use.handle}: ${describeError(cause)}`, { cause });
    }
  }

  /**
   * Undoes publish() for what lies at `path`: POD/volumes/kubernetes.io~csi/NAME or POD/volumeDevices/kubernetes.io~csi/NAME. Works from the
   * disk. Repeatable. @throws DriverMissing, RpcError, ENOTEMPTY
   */
  async release(podUid: string, name: string, path: string): Promise<void> {
    const { rootDir } = this.deps;
    const isBlock = dirname(dirname(path)).endsWith('/volumeDevices');
    const data = await loadVolumeData(isBlock ? deviceData(rootDir, name) : path);
    if (data) {
      const target = isBlock ? devicePublish(rootDir, name, podUid) : join(path, 'mount');
      const { driverName, volumeHandle } = data;
      await this.turns.run(volumeKey(keyOf(data)), () =>
        this.deps.drivers.with(driverName, undefined, (api) =>
          api.call('NodeUnpublishVolume', { volumeId: volumeHandle, targetPath: api.pathFor(target) }),
        ),
      );
      // Drivers remove it themselves; not all do. Never with content: then it is still mounted.
      if (isBlock) await unlink(target).catch(unlessMissing);
      else await rmdir(target).catch(unlessMissing);
    }
    this.published.delete(`${podUid} ${name}`);
    if (isBlock) {
      await unlink(path).catch(unlessMissing);
      return;
    }
    await unlink(join(path, dataFile)).catch(unlessMissing);
    await rmdir(path).catch(unlessMissing);
  }

  /**
   * What a volume of a pod uses, as its driver said at most a minute ago; `name` as in vol_data.json. Undefined when the driver has no
   * figures, or does not answer.
   */
  usage(podUid: string, name: string): Promise<CsiUsage | undefined> {
    const { drivers, rootDir, log, clock } = this.deps;
    const published = this.published.get(`${podUid} ${name}`);
    if (!published) return Promise.resolve(undefined);
    const { use, measured } = published;
    if (measured && clock.now() - measured.atMs < lookAgainMs) return measured.usage;
    const usage = drivers
      .with(use.driver, undefined, (api) => readUsage(use, api, rootDir))
      .catch((error: unknown) => {
        log.debug('a CSI driver does not say what a volume uses', { volume: use.name, error });
        return undefined;
      });
    published.measured = { atMs: clock.now(), usage };
    return usage;
  }

  /** Nothing of the pod is left on the disk. */
  forget(podUid: string): void {
    for (const [key, users] of this.users) {
      users.delete(podUid);
      if (users.size === 0) this.users.delete(key);
    }
    for (const key of this.published.keys()) if (key.startsWith(`${podUid} `)) this.published.delete(key);
    for (const pods of this.waiting.values()) pods.delete(podUid);
    this.expander.forget(podUid);
    this.sweep();
  }

  /** Unstages in the background what no pod uses any more; again later if a driver cannot. */
  sweep(): void {
    this.cancelSweep?.();
    this.cancelSweep = undefined;
    this.sweepAgain = this.sweeping !== undefined;
    this.sweeping ??= this.sweepAll().finally(() => {
      this.sweeping = undefined;
      if (this.sweepAgain) this.sweep();
    });
  }

  /** Resolves when the running sweep has ended. */
  async swept(): Promise<void> {
    await this.sweeping;
  }

  private async sweepAll(): Promise<void> {
    const unused = [...this.staged].filter(([key]) => !this.users.has(key));
    const ends = await Promise.allSettled(unused.map(([key, staged]) => this.unstage(key, staged)));
    const failure = ends.find((end) => end.status === 'rejected');
    const used = new Set([...this.users.keys(), ...this.staged.keys()].map((key) => `kubernetes.io/csi/${key}`));
    for (const name of this.deps.inUse.list()) if (!used.has(name)) this.deps.inUse.remove(name);
    if (!failure) {
      this.sweepFailures = 0;
      return;
    }
    const retryMs = Math.min(sweepRetry.maxMs, sweepRetry.firstMs * 2 ** this.sweepFailures++);
    this.deps.log.warn('a CSI volume is not unstaged, will retry', { error: failure.reason, retryMs });
    this.cancelSweep ??= this.deps.clock.after(retryMs, () => this.sweep());
  }

  private unstage(key: string, { data, deviceOf }: Staged): Promise<void> {
    return this.turns.run(key, async () => {
      // A pod came while an earlier turn ran.
      if (this.users.has(key)) return;
      const { rootDir } = this.deps;
      const { driverName, volumeHandle } = data;
      const folder = deviceOf ? deviceData(rootDir, deviceOf) : stagedFolder(rootDir, driverName, volumeHandle);
      const target = deviceOf ? deviceStaging(rootDir, deviceOf) : globalMount(folder);
      await this.deps.drivers.with(driverName, undefined, async (api) => {
        if (!(await api.capabilities()).has('STAGE_UNSTAGE_VOLUME')) return;
        await api.call('NodeUnstageVolume', { volumeId: volumeHandle, stagingTargetPath: api.pathFor(target) });
      });
      await rmdir(target).catch(unlessMissing);
      if (deviceOf) await rmdir(devicePublishFolder(rootDir, deviceOf)).catch(unlessMissing);
      await unlink(join(folder, dataFile)).catch(unlessMissing);
      await rmdir(folder).catch(unlessMissing);
      if (deviceOf) await rmdir(dirname(folder)).catch(unlessMissing);
      this.staged.delete(key);
    });
  }

  private addUser(key: string, podUid: string): void {
    this.users.set(key, (this.users.get(key) ?? new Set()).add(podUid));
  }

  private driverCame(driver: string): void {
    const pods = this.waiting.get(driver) ?? new Set();
    this.waiting.delete(driver);
    for (const podUid of pods) for (const handler of this.handlers) handler(podUid);
    this.sweepFailures = 0;
    this.sweep();
  }

  private dataOf({ driver, handle, name, mode }: CsiUse): VolumeData {
    return {
      driverName: driver,
      volumeHandle: handle,
      specVolID: name,
      volumeLifecycleMode: mode,
      attachmentID: attachmentName(driver, handle, this.deps.nodeName),
    };
  }

  /** Undefined when there is none: it is optional. */
  private async driverObject(name: string, signal: AbortSignal): Promise<CSIDriver | undefined> {
    return this.deps.client.get(csiDrivers, name, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }
}

const keyOf = ({ driverName, volumeHandle }: VolumeData) => ({ driver: driverName, handle: volumeHandle });
const publishKey = ({ podUid, name }: CsiUse): string => `${podUid} ${name}`;

function missingDriver(use: CsiUse, error: DriverMissing): Error {
  const failed = (step: string, doing: string) =>
    new StepError(step, `kubernetes.io/csi: ${doing}: ${error.message}`, use.name);
  if (use.mode === 'Ephemeral') return failed('MountVolume.SetUp failed', 'mounter.SetUpAt failed to get CSI client');
  if (use.isBlock) {
    return failed('MapVolume.SetUpDevice failed', 'blockMapper.SetUpDevice failed to get CSI client');
  }
  const doing = 'attacher.MountDevice failed to create newCsiDriverClient';
  return failed('MountVolume.MountDevice failed', doing);
}

/** The pod's own name for the device, as upstream. */
async function linkDevice(path: string, target: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

async function checkDevice(target: string): Promise<void> {
  if ((await stat(target)).isBlockDevice()) return;
  throw new AppError('Internal', `the driver published no block device at ${target}`);
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
