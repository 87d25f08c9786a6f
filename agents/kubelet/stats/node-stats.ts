// Measures the node, its pods and their containers, each time that a caller asks:
// 1. without a question nothing is measured;
// 2. questions that come together share one measurement;
// 3. a rate needs two measurements. When the earlier one is too old, two are made, a second apart.
import { readFile } from 'node:fs/promises';
import type { Pod } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import { Limiter } from '../../../controlplane/base/limiter';
import { isSandbox, labels, type PodIdentity, podOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { findContainer } from '../spec/container';
import type { CgroupPaths } from './cgroup-places';
import type { Cgroups, Detail } from './cgroup-reader';
import { type ContainerPlace, ContainerPlaces, groupName, logUse } from './container-places';
import type { DiskUsage } from './disk-usage';
import type { FileSystems } from './file-systems';
import { machineOf, readRlimit } from './machine';
import { ownNetwork, readNetwork } from './network';
import type { ContainerSample, MachineSample, NodeSample, PodSample, VolumeUse } from './node-sample';
import { type Book, baseFor, type CpuSnapshot, noted } from './rates';
import { snapshotOf } from './snapshot';
import { type Summary, summaryOf } from './summary';
import type { SystemContainers } from './system-containers';

export interface NodeStatsDeps {
  readonly nodeName: string;
  readonly machine: Omit<MachineSample, 'swapBytes'>;
  readonly records: { all(): readonly ContainerRecord[] };
  readonly inspect: (id: string) => Promise<Pick<ContainerRecord, 'pid' | 'layerPath' | 'logPath'>>;
  readonly cgroups: Cgroups;
  readonly system: Pick<SystemContainers, 'sample'>;
  readonly disk: Pick<DiskUsage, 'of' | 'keepOnly'>;
  readonly fileSystems: Pick<FileSystems, 'of'>;
  /** The kubelet's folder. */
  readonly rootDir: string;
  /** The runtime's folder; it may not answer yet. */
  readonly imageDir: () => Promise<string>;
  /** For the names of images: containers are created by the IDs of theirs. */
  readonly pod?: (uid: string) => Pod | undefined;
  /** What the volumes of a pod use, or those of claims alone. */
  readonly volumes?: (podUid: string, which?: 'claims') => Promise<readonly VolumeUse[]>;
  readonly clock: Clock;
}

/** Containers that are read at once: each one is some twenty files. */
const atOnce = 8;
const secondSampleMs = 1_000;

export class NodeStats {
  private readonly places: ContainerPlaces;
  private readonly limiter = new Limiter(atOnce);
  private readonly running = new Map<Detail, Promise<NodeSample>>();
  private book: Book | undefined;

  constructor(private readonly deps: NodeStatsDeps) {
    this.places = new ContainerPlaces(deps.cgroups, deps.inspect);
  }

  /** `few`: CPU and memory only, which needs no look at disks. Rates included. */
  async summary(detail: Detail): Promise<Summary> {
    const early = baseFor(this.book, this.deps.clock.now());
    if (!early) {
      await this.measure('few');
      await this.deps.clock.sleep(secondSampleMs);
    }
    const base = baseFor(this.book, this.deps.clock.now()) ?? early;
    return summaryOf(await this.measure(detail), base);
  }

  /** Counters and amounts, without rates. */
  measure(detail: Detail): Promise<NodeSample> {
    const running = this.running.get(detail);
    if (running) return running;
    const measuring = this.sample(detail)
      .then((sample) => {
        this.note(snapshotOf(sample));
        return sample;
      })
      .finally(() => this.running.delete(detail));
    this.running.set(detail, measuring);
    return measuring;
  }

  /** The volumes of claims that pods use now. */
  async claimVolumes(): Promise<readonly VolumeUse[]> {
    const running = this.deps.records.all().filter((record) => record.state === 'running' && isSandbox(record));
    const uids = new Set(running.map((record) => podOf(record).uid));
    return (await Promise.all([...uids].map((uid) => this.deps.volumes?.(uid, 'claims') ?? []))).flat();
  }

  private note(snapshot: CpuSnapshot): void {
    this.book = noted(this.book, snapshot);
  }

  private async sample(detail: Detail): Promise<NodeSample> {
    const { deps } = this;
    const all = detail === 'all';
    const records = deps.records.all();
    const running = records.filter(({ state }) => state === 'running');
    const meminfo = await readFile('/proc/meminfo', 'utf8');
    const bootAtMs = await bootTime();
    const root = await deps.cgroups.sample(rootPaths, detail);
    if (!root) throw new Error('this machine has no cgroups with CPU and memory');
    const [pods, network, fs, imageFs, rlimit] = await Promise.all([
      this.pods(running, detail),
      all ? readNetwork(ownNetwork) : undefined,
      all ? deps.fileSystems.of(deps.rootDir) : undefined,
      all
        ? deps.imageDir().then(
            (dir) => deps.fileSystems.of(dir),
            () => undefined,
          )
        : undefined,
      all ? readRlimit() : undefined,
    ]);
    const system = await deps.system.sample(detail, bootAtMs, pods);
    this.forget(records);
    return {
      atMs: deps.clock.now(),
      nodeName: deps.nodeName,
      bootAtMs,
      machine: machineOf(deps.machine, meminfo),
      root,
      ...(network ? { network } : {}),
      ...(fs ? { fs } : {}),
      ...(imageFs ? { imageFs } : {}),
      ...(rlimit ? { rlimit } : {}),
      system,
      pods,
    };
  }

  private async pods(running: readonly ContainerRecord[], detail: Detail): Promise<readonly PodSample[]> {
    const byPod = new Map<string, ContainerRecord[]>();
    for (const record of running) {
      const { uid } = podOf(record);
      byPod.set(uid, [...(byPod.get(uid) ?? []), record]);
    }
    const sampled = await Promise.all([...byPod.values()].map((own) => this.pod(own, detail)));
    return sampled.filter((pod) => pod !== undefined);
  }

  /** Undefined for a pod without a running sandbox: it has ended, or just begins. */
  private async pod(records: readonly ContainerRecord[], detail: Detail): Promise<PodSample | undefined> {
    const newest = [...records].sort((a, b) => b.createdAtMs - a.createdAtMs);
    const sandboxRecord = newest.find(isSandbox);
    if (!sandboxRecord) return undefined;
    const ref = podOf(sandboxRecord);
    const sandbox = await this.container(sandboxRecord, ref, detail);
    if (!sandbox) return undefined;
    const containers = await Promise.all(
      newest.filter((record) => !isSandbox(record)).map((record) => this.container(record, ref, detail)),
    );
    const group = await this.group(sandbox.place.podGroups, detail);
    const all = detail === 'all';
    const network = all ? await readNetwork(sandbox.place.pid) : undefined;
    const volumes = all ? await (this.deps.volumes?.(ref.uid) ?? []) : [];
    return {
      ref,
      startedAtMs: sandboxRecord.createdAtMs,
      ...(group ? { group } : {}),
      sandbox: sandbox.sample,
      ...(network ? { network } : {}),
      containers: containers.flatMap((found) => (found ? [found.sample] : [])),
      volumes,
    };
  }

  private async group(paths: CgroupPaths | undefined, detail: Detail): Promise<PodSample['group']> {
    const path = paths && groupName(paths);
    const sample = paths && (await this.deps.cgroups.sample(paths, detail));
    return path !== undefined && sample ? { path, sample } : undefined;
  }

  /** Undefined when the container has ended meanwhile. */
  private container(
    record: ContainerRecord,
    { uid }: PodIdentity,
    detail: Detail,
  ): Promise<{ readonly place: ContainerPlace; readonly sample: ContainerSample } | undefined> {
    return this.limiter.run(async () => {
      const place = await this.places.of(record, uid);
      const sample = place && (await this.deps.cgroups.sample(place.groups, detail));
      if (!place || !sample) return undefined;
      const all = detail === 'all';
      const layer = all && place.layerPath ? await this.deps.disk.of(place.layerPath) : undefined;
      const log = all && place.logPath ? await logUse(place.logPath) : undefined;
      return {
        place,
        sample: {
          name: isSandbox(record) ? '' : (record.labels[labels.containerName] ?? ''),
          runtimeName: record.name,
          image: this.imageOf(record, uid),
          group: groupName(place.groups) ?? '',
          startedAtMs: record.startedAtMs ?? record.createdAtMs,
          sample,
          ...(layer ? { layer } : {}),
          ...(log ? { log } : {}),
        },
      };
    });
  }

  private imageOf(record: ContainerRecord, podUid: string): string {
    const pod = this.deps.pod?.(podUid);
    const name = record.labels[labels.containerName] ?? '';
    return (pod && findContainer(pod, name)?.image) ?? record.image;
  }

  private forget(records: readonly ContainerRecord[]): void {
    this.places.keepOnly(new Set(records.map(({ id }) => id)));
    this.deps.disk.keepOnly(this.places.layers());
  }
}

const rootPaths: CgroupPaths = new Map(
  ['cpuacct', 'cpu', 'memory', 'pids', 'blkio', 'unified'].map((controller) => [controller, '/']),
);

async function bootTime(): Promise<number> {
  const stat = await readFile('/proc/stat', 'utf8');
  return Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000;
}
