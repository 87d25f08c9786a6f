// The kubelet's pod code on the fake runtime and an API in memory. The clock moves only when a test moves it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type t from 'tap';
import { events, isTerminal, type Node, type Pod, pods } from '../../../controlplane/api';
import { Limiter } from '../../../controlplane/base/limiter';
import { silentLogger } from '../../../controlplane/base/logger';
import { createEventRecorder } from '../../../controlplane/client/event-recorder';
import { createInformer } from '../../../controlplane/client/informer';
import { RemoteFileSystems } from '../../../dataplane/mount/remote';
import { FakeClock } from '../../../test/lib/fake-clock';
import { FakeMounts } from '../../../test/lib/fake-mounts';
import { FakeQuotas } from '../../../test/lib/fake-quotas';
import { MemoryClient } from '../../../test/lib/memory-client';
import { ScriptedExec } from '../../../test/lib/scripted-exec';
import { noPodGroups } from '../cgroups/pod-cgroups';
import { noDevices, type PodDevices } from '../devices/pod-devices';
import { ImageCache } from '../images/image-cache';
import { ImagePuller } from '../images/image-puller';
import { PullRecords } from '../images/pull-records';
import type { PodNetwork } from '../network/pod-network';
import { Prober } from '../probes/prober';
import { FakeRuntime } from '../runtime/fake';
import { noCsi } from '../volumes/plugins/volume-deps.fixture';
import { PodVolumes } from '../volumes/pod-volumes';
import { PodAllocations } from './allocations';
import { CrashLoop } from './crash-loop';
import { PodRecords } from './pod-records';
import { PodSet, type PodSetDeps } from './pod-set';
import { capacityOf } from './resize-plan';
import { Resizes } from './resizes';
import { StatusWriter, type StatusWriterDeps } from './status-writer';

class FakeNetwork implements PodNetwork {
  private next = 1;
  readonly taken = new Set<string>();
  /** Addresses outside the pod range. */
  readonly outside = new Set<string>();
  readonly attached = new Set<string>();
  private readonly wired = new Set<string>();
  damage: (ip: string | undefined) => void = () => {};
  repairs = 0;
  async open(): Promise<void> {}
  async repair(): Promise<boolean> {
    this.repairs++;
    return false;
  }
  onDamage(listener: (ip: string | undefined) => void): void {
    this.damage = listener;
  }
  allocate(): readonly string[] {
    const ip = `10.244.0.${++this.next}`;
    this.taken.add(ip);
    return [ip];
  }
  reserve(ips: readonly string[]): void {
    const stray = ips.find((ip) => this.outside.has(ip));
    if (stray !== undefined) throw new Error(`address ${stray} is in no pod range`);
    for (const ip of ips) this.taken.add(ip);
  }
  release(ips: readonly string[]): void {
    for (const ip of ips) this.taken.delete(ip);
  }
  async attach({ ips: [ip = ''] }: { ips: readonly string[] }): Promise<string | undefined> {
    const known = this.wired.has(ip);
    const fault = known && !this.attached.has(ip) ? 'no link on the node' : undefined;
    this.wired.add(ip);
    this.attached.add(ip);
    return fault;
  }
  async detach({ ips: [ip = ''] }: { ips: readonly string[] }): Promise<void> {
    this.attached.delete(ip);
  }
  async close(): Promise<void> {}
}

/** `idle`: only the test itself runs pods. */
export async function setUp(
  t: Tap,
  {
    idle = false,
    ownNode,
    pressure = () => undefined,
    ...options
  }: Partial<StatusWriterDeps> &
    Partial<Pick<PodSetDeps, 'pressure'>> & {
      readonly devices?: PodDevices;
      readonly idle?: boolean;
      readonly ownNode?: Node;
    } = {},
) {
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-kubelet-'));
  const clock = new FakeClock();
  const runtime = new FakeRuntime(() => clock.now());
  const client = new MemoryClient();
  const network = new FakeNetwork();
  // Volumes lie in the temporary folder itself.
  const mounts = new FakeMounts();
  runtime.addImage('app:1');
  runtime.addImage('pause:1');
  const node = {
    nodeName: 'n1',
    nodeIps: ['192.0.2.1'],
    rootDir,
    pauseImage: 'pause:1',
    dns: { address: '10.96.0.10', domain: 'cluster.local' },
    resolvConf: '/dev/null',
    memoryBytes: 2 ** 33,
    lowestOomScore: 0,
    allocatable: { cpu: 2, memory: 2 ** 33 },
    hasAppArmor: false,
    allowedUnsafeSysctls: ['net.core.*'],
  };
  const log = silentLogger;
  const problems: (string | undefined)[] = [];
  const start = async () => {
    const abort = new AbortController();
    const informer = createInformer(client, pods, { params: { fieldSelector: 'spec.nodeName=n1' }, log, clock });
    const records = new PodRecords(runtime);
    const images = new ImageCache(runtime);
    const recorder = createEventRecorder({ client, component: 'kubelet', log, clock });
    const exec = new ScriptedExec();
    const volumes = new PodVolumes({
      client,
      mounts,
      remote: new RemoteFileSystems({ exec, clock, table: () => mounts.table() }),
      exec,
      quotas: new FakeQuotas(),
      warn: () => {},
      clock,
      log,
      rootDir,
      csi: noCsi,
      ownNode: () => ownNode,
    });
    const probes = new Prober({
      runtime,
      clock,
      report: ({ pod }, reason, message) => recorder.record(pod, 'Warning', reason, message),
    });
    const deps: PodSetDeps = {
      resizes: new Resizes({
        allocations: await PodAllocations.open(join(rootDir, 'allocated_pods_state'), log),
        events: recorder,
        clock,
        capacity: capacityOf(node),
        activePods: () => informer.list().filter((pod) => !isTerminal(pod)),
      }),
      runtime,
      records,
      volumes,
      images,
      puller: new ImagePuller({
        runtime,
        cache: images,
        records: await PullRecords.open(join(rootDir, 'image_pulls_state'), log),
        clock,
      }),
      network,
      cgroups: noPodGroups,
      devices: options.devices ?? noDevices,
      probes,
      crashLoop: new CrashLoop(),
      starts: new Limiter(4),
      client,
      events: recorder,
      clock,
      log,
      node,
      services: () => [],
      statuses: new StatusWriter({ client, clock, log, ...options }),
      runtimeState: (problem) => problems.push(problem),
      ownNode: () => ownNode,
      pressure,
    };
    const set = new PodSet(deps, informer);
    const done = idle ? undefined : Promise.all([informer.run(abort.signal).catch(() => {}), set.run(abort.signal)]);
    return {
      deps,
      set,
      recorder,
      stop: async () => {
        abort.abort(new Error('stopped'));
        probes.close();
        volumes.close();
        await done;
        await deps.resizes.saved();
      },
    };
  };
  let running = await start();
  t.teardown(async () => {
    await running.stop();
    // A pod that starts may still write.
    await rm(rootDir, { recursive: true, force: true, maxRetries: 5 });
  });
  const until = (name: string, test: (pod: Pod | undefined) => boolean) =>
    client.until<Pod>(pods, `shop/${name}`, test);
  return {
    clock,
    runtime,
    client,
    network,
    mounts,
    rootDir,
    problems,
    set: () => running.set,
    /** The dependencies of the running kubelet. */
    deps: () => running.deps,
    until,
    ready: (name: string) =>
      until(
        name,
        (pod) => pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
      ),
    create: (name: string, spec: Partial<NonNullable<Pod['spec']>>) =>
      client.create<Pod>(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'shop', uid: `uid-${name}` },
        spec: {
          nodeName: 'n1',
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 5,
          containers: [],
          ...spec,
        } as Pod['spec'],
      }),
    waiting: (name: string, reason: string) =>
      until(name, (pod) => pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason),
    /** Of each Event: the container, the reason and the message. */
    reports: async () => {
      await running.recorder.flushed();
      const { items } = await client.list(events);
      return items.map(({ involvedObject: { fieldPath }, reason, message }) => `${fieldPath}: ${reason}: ${message}`);
    },
    reasons: async () => {
      await running.recorder.flushed();
      return (await client.list(events)).items.map(({ reason }) => reason);
    },
    restart: async () => {
      await running.stop();
      running = await start();
    },
  };
}
type Tap = Pick<typeof t, 'teardown'>;
