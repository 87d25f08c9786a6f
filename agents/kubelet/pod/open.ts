// Opens the part that runs the pods of this node, with volumes, images, probes and statuses.
import { isTerminal, type Node, type Pod } from '../../../controlplane/api';
import { Limiter } from '../../../controlplane/base/limiter';
import type { Informer } from '../../../controlplane/client/informer';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import type { Mounts } from '../../../dataplane/mount/mounts';
import type { RemoteFileSystems } from '../../../dataplane/mount/remote';
import { ProjectQuotas } from '../../../dataplane/quota/project-quotas';
import { ImageCache } from '../images/image-cache';
import { ImagePuller } from '../images/image-puller';
import type { PullRecords } from '../images/pull-records';
import type { Part } from '../part';
import type { ProbeMetrics } from '../probes/probe-metrics';
import { Prober } from '../probes/prober';
import type { CsiVolumes } from '../volumes/csi/csi-volumes';
import { DirectoryKeeper } from '../volumes/persistent/directory-keeper';
import { PodVolumes } from '../volumes/pod-volumes';
import type { PodAllocations } from './allocations';
import { aboutContainer } from './container-event';
import { CrashLoop } from './crash-loop';
import type { PodDeps } from './deps';
import { PodSet, type PodSetDeps } from './pod-set';
import { PolicyPresence } from './policy-presence';
import { capacityOf } from './resize-plan';
import { Resizes } from './resizes';
import { StatusWriter } from './status-writer';

type Given = Pick<
  PodDeps,
  | 'client'
  | 'runtime'
  | 'records'
  | 'network'
  | 'cgroups'
  | 'devices'
  | 'events'
  | 'clock'
  | 'log'
  | 'node'
  | 'services'
>;

export interface OpenPodsDeps extends Given {
  readonly pods: Informer<Pod>;
  readonly mounts: Mounts;
  readonly remote: RemoteFileSystems;
  readonly allocations: PodAllocations;
  readonly pulls: PullRecords;
  readonly csi: CsiVolumes;
  readonly parallelStarts: number;
  readonly probeMetrics: ProbeMetrics;
  readonly ownNode: () => Node | undefined;
  readonly pressure: PodSetDeps['pressure'];
  /** Called when problem() gives another answer. */
  readonly changed: () => void;
}

export interface PodsPart
  extends Part,
    Pick<PodSet, 'endContainers' | 'activePods' | 'holdingPods' | 'evict' | 'endForGood' | 'discardEnded'> {
  /** What the volumes of a pod use, as far as they are set up. */
  volumeUsage: PodVolumes['usage'];
  /** Lines of /metrics about the volumes of the pods. */
  renderVolumeCounts(): readonly string[];
  /** Why the runtime cannot be used; undefined when it can. */
  problem(): string | undefined;
  /** Stops the timers and watches. Containers keep running. */
  close(): void;
}

export function openPods({
  pods,
  mounts,
  remote,
  allocations,
  pulls,
  parallelStarts,
  probeMetrics,
  changed,
  ownNode,
  pressure,
  csi,
  ...given
}: OpenPodsDeps): PodsPart {
  const { client, runtime, events, clock, log, node } = given;
  const quotas = new ProjectQuotas();
  const volumes = new PodVolumes({
    client,
    mounts,
    remote,
    exec: new SystemExec(),
    quotas,
    clock,
    warn: (pod, reason, message) => events.record(pod, 'Warning', reason, message),
    log: log.child('volumes'),
    rootDir: node.rootDir,
    csi,
    ownNode,
  });
  const directories = new DirectoryKeeper({
    client,
    mounts,
    quotas,
    clock,
    log: log.child('directories'),
    nodeName: node.nodeName,
    rootDir: node.rootDir,
  });
  const policies = new PolicyPresence({ client, log: log.child('policies') });
  const images = new ImageCache(runtime);
  const probes = new Prober({
    runtime,
    clock,
    report: ({ pod, container }, reason, message) =>
      events.record(pod, 'Warning', reason, message, aboutContainer(pod, container.name)),
    metrics: probeMetrics,
  });
  let runtimeProblem: string | undefined;
  const podSet = new PodSet(
    {
      ...given,
      resizes: new Resizes({
        allocations,
        events,
        clock,
        capacity: capacityOf(node),
        activePods: () => pods.list().filter((pod) => !isTerminal(pod)),
      }),
      volumes,
      images,
      puller: new ImagePuller({ runtime, cache: images, records: pulls, clock }),
      probes,
      crashLoop: new CrashLoop(),
      starts: new Limiter(parallelStarts),
      log: log.child('pods'),
      statuses: new StatusWriter({ client, clock, log: log.child('status'), addressesMatter: () => policies.any }),
      ownNode,
      pressure,
      runtimeState: (problem) => {
        runtimeProblem = problem;
        changed();
      },
    },
    pods,
  );
  return {
    run: async (signal) => {
      await Promise.all([policies.run(signal), podSet.run(signal), directories.run(signal)]);
    },
    problem: () => runtimeProblem,
    activePods: () => podSet.activePods(),
    evict: (podUid, eviction) => podSet.evict(podUid, eviction),
    holdingPods: () => podSet.holdingPods(),
    endForGood: (podUid, end) => podSet.endForGood(podUid, end),
    discardEnded: () => podSet.discardEnded(),
    volumeUsage: (podUid, which) => volumes.usage(podUid, which),
    renderVolumeCounts: () => volumes.renderCounts(),
    endContainers: (graceSeconds) => podSet.endContainers(graceSeconds),
    close: () => {
      probes.close();
      volumes.close();
    },
  };
}
