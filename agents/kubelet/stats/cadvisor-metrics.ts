// /metrics/cadvisor: everything that is measured of cgroups, by the names and labels of cAdvisor, which rules of Prometheus use. Pure.
// A series without container and image is that of a pod, or of a part of the node; the machine is `id="/"`.
// Source: cAdvisor, docs/storage/prometheus.md; kubernetes-mixin's rules.
import { type Labels, type Metric, renderMetrics, type Sample } from './exposition';
import type { NodeSample } from './node-sample';
import type { CgroupSample, DeviceSample, DiskUse, FileSystemSample, NetworkSample } from './samples';

/** A cgroup with its labels. */
interface Subject {
  readonly labels: Labels;
  readonly startedAtMs: number;
  readonly sample: CgroupSample;
  readonly network?: NetworkSample;
  readonly fileSystems: readonly { readonly fs: FileSystemSample; readonly used: number }[];
}

export interface CadvisorFacts {
  readonly kernelVersion: string;
  readonly osVersion: string;
  readonly runtimeVersion: string;
  /** The path of a block device, such as /dev/vda; '' when it has none. */
  readonly deviceName: (device: Pick<DeviceSample, 'major' | 'minor'>) => string;
}

export function cadvisorMetrics(node: NodeSample, facts: CadvisorFacts): string {
  const subjects = subjectsOf(node);
  return renderMetrics({
    cadvisor_version_info: {
      type: 'gauge',
      help: "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.",
      samples: [
        {
          labels: {
            cadvisorRevision: '',
            cadvisorVersion: '',
            dockerVersion: facts.runtimeVersion,
            kernelVersion: facts.kernelVersion,
            osVersion: facts.osVersion,
          },
          value: 1,
        },
      ],
    },
    ...cpuMetrics(subjects),
    ...diskMetrics(subjects, facts),
    ...memoryMetrics(subjects),
    ...networkMetrics(subjects),
    ...otherMetrics(subjects),
    ...pressureMetrics(subjects),
    ...specMetrics(subjects),
    ...machineMetrics(node),
  });
}

function subjectsOf({ root, bootAtMs, network, fs, imageFs, system, pods }: NodeSample): readonly Subject[] {
  const labels = (id: string, more: Partial<Record<'container' | 'image' | 'name' | 'namespace' | 'pod', string>>) => ({
    container: '',
    id,
    image: '',
    name: '',
    namespace: '',
    pod: '',
    ...more,
  });
  const disks = [fs, imageFs].filter((each) => each !== undefined);
  const whole = disks.filter((each, i) => disks.findIndex(({ device }) => device === each.device) === i);
  const machine: Subject = {
    labels: labels('/', {}),
    startedAtMs: bootAtMs,
    sample: root,
    ...(network ? { network } : {}),
    fileSystems: whole.map((each) => ({ fs: each, used: each.usedBytes })),
  };
  const parts = system.flatMap(({ group, startedAtMs, sample }) =>
    group === undefined ? [] : [{ labels: labels(group, {}), startedAtMs, sample, fileSystems: [] }],
  );
  const ofPods = pods.flatMap((pod): Subject[] => {
    const { namespace, name } = pod.ref;
    const own = { namespace, pod: name };
    const [sandbox, ...containers] = [pod.sandbox, ...pod.containers].map((each) => ({
      labels: labels(each.group, { ...own, container: each.name, image: each.image, name: each.runtimeName }),
      startedAtMs: each.startedAtMs,
      sample: each.sample,
      fileSystems: layerOf(imageFs, each.layer),
    }));
    const group = pod.group
      ? [
          {
            labels: labels(pod.group.path, own),
            startedAtMs: pod.startedAtMs,
            sample: pod.group.sample,
            fileSystems: [],
          },
        ]
      : [];
    // The sandbox has the pod's network.
    return [...group, { ...sandbox!, ...(pod.network ? { network: pod.network } : {}) }, ...containers];
  });
  return [machine, ...parts, ...ofPods];
}

const layerOf = (fs: FileSystemSample | undefined, layer: DiskUse | undefined): Subject['fileSystems'] =>
  fs && layer ? [{ fs, used: layer.bytes }] : [];

type Value = (sample: CgroupSample) => number | undefined;
type Metrics = Readonly<Record<string, Metric>>;

/** One series for each cgroup that has the value. */
const each = (
  subjects: readonly Subject[],
  type: Metric['type'],
  help: string,
  value: Value,
  more?: Labels,
): Metric => ({
  type,
  help,
  samples: subjects.flatMap(({ labels, sample }): Sample[] => {
    const found = value(sample);
    return found === undefined ? [] : [{ labels: { ...labels, ...more }, value: found, atMs: sample.atMs }];
  }),
});

const seconds = (nanoseconds: number): number => nanoseconds / 1e9;

function cpuMetrics(subjects: readonly Subject[]): Metrics {
  const limited = subjects.filter(({ sample }) => sample.limits.cpuQuotaMicros !== undefined);
  const count = (of: readonly Subject[], help: string, value: Value, more?: Labels) =>
    each(of, 'counter', help, value, more);
  return {
    container_cpu_cfs_periods_total: count(
      limited,
      'Number of elapsed enforcement period intervals.',
      ({ cpu }) => cpu.periods,
    ),
    container_cpu_cfs_throttled_periods_total: count(
      limited,
      'Number of throttled period intervals.',
      ({ cpu }) => cpu.throttledPeriods,
    ),
    container_cpu_cfs_throttled_seconds_total: count(
      limited,
      'Total time duration the container has been throttled.',
      ({ cpu }) => seconds(cpu.throttledNanoseconds),
    ),
    container_cpu_system_seconds_total: count(subjects, 'Cumulative system cpu time consumed in seconds.', ({ cpu }) =>
      seconds(cpu.systemNanoseconds),
    ),
    container_cpu_usage_seconds_total: count(
      subjects,
      'Cumulative cpu time consumed in seconds.',
      ({ cpu }) => seconds(cpu.usageNanoseconds),
      { cpu: 'total' },
    ),
    container_cpu_user_seconds_total: count(subjects, 'Cumulative user cpu time consumed in seconds.', ({ cpu }) =>
      seconds(cpu.userNanoseconds),
    ),
  };
}

function memoryMetrics(subjects: readonly Subject[]): Metrics {
  const gauge = (help: string, value: (memory: CgroupSample['memory']) => number) =>
    each(subjects, 'gauge', help, ({ memory }) => value(memory));
  const failures = (kind: string, scope: string, value: (memory: CgroupSample['memory']) => number) =>
    each(subjects, 'counter', '', ({ memory }) => value(memory), { failure_type: kind, scope }).samples;
  return {
    container_memory_cache: gauge('Number of bytes of page cache memory.', (of) => of.cacheBytes),
    container_memory_failcnt: each(
      subjects,
      'counter',
      'Number of memory usage hits limits',
      ({ memory }) => memory.failures,
    ),
    container_memory_failures_total: {
      type: 'counter',
      help: 'Cumulative count of memory allocation failures.',
      samples: ['container', 'hierarchy'].flatMap((scope) => [
        ...failures('pgfault', scope, (of) => of.pageFaults),
        ...failures('pgmajfault', scope, (of) => of.majorPageFaults),
      ]),
    },
    container_memory_kernel_usage: gauge('Size of kernel memory allocated in bytes.', (of) => of.kernelBytes),
    container_memory_mapped_file: gauge('Size of memory mapped files in bytes.', (of) => of.mappedFileBytes),
    container_memory_max_usage_bytes: gauge('Maximum memory usage recorded in bytes', (of) => of.maxUsageBytes),
    container_memory_rss: gauge('Size of RSS in bytes.', (of) => of.rssBytes),
    container_memory_swap: gauge('Container swap usage in bytes.', (of) => of.swapBytes),
    container_memory_total_active_file_bytes: gauge('Current total active file in bytes.', (of) => of.activeFileBytes),
    container_memory_total_inactive_file_bytes: gauge(
      'Current total inactive file in bytes.',
      (of) => of.inactiveFileBytes,
    ),
    container_memory_usage_bytes: gauge(
      'Current memory usage in bytes, including all memory regardless of when it was accessed',
      (of) => of.usageBytes,
    ),
    container_memory_working_set_bytes: gauge('Current working set in bytes.', (of) => of.workingSetBytes),
  };
}

function networkMetrics(subjects: readonly Subject[]): Metrics {
  type Interface = NetworkSample['interfaces'][number];
  const count = (help: string, value: (one: Interface) => number): Metric => ({
    type: 'counter',
    help: `Cumulative count of ${help}`,
    samples: subjects.flatMap(({ labels, network }) =>
      (network?.interfaces ?? []).map((one) => ({
        labels: { ...labels, interface: one.name },
        value: value(one),
        atMs: network!.atMs,
      })),
    ),
  });
  return {
    container_network_receive_bytes_total: count('bytes received', (one) => one.rxBytes),
    container_network_receive_errors_total: count('errors encountered while receiving', (one) => one.rxErrors),
    container_network_receive_packets_dropped_total: count('packets dropped while receiving', (one) => one.rxDropped),
    container_network_receive_packets_total: count('packets received', (one) => one.rxPackets),
    container_network_transmit_bytes_total: count('bytes transmitted', (one) => one.txBytes),
    container_network_transmit_errors_total: count('errors encountered while transmitting', (one) => one.txErrors),
    container_network_transmit_packets_dropped_total: count(
      'packets dropped while transmitting',
      (one) => one.txDropped,
    ),
    container_network_transmit_packets_total: count('packets transmitted', (one) => one.txPackets),
  };
}

function diskMetrics(subjects: readonly Subject[], { deviceName }: CadvisorFacts): Metrics {
  const ofFiles = (help: string, value: (disk: Subject['fileSystems'][number]) => number): Metric => ({
    type: 'gauge',
    help,
    samples: subjects.flatMap(({ labels, fileSystems }) =>
      fileSystems.map((disk) => ({
        labels: { ...labels, device: disk.fs.device },
        value: value(disk),
        atMs: disk.fs.atMs,
      })),
    ),
  });
  const ofDevices = (
    help: string,
    values: (device: DeviceSample) => readonly (readonly [Labels, number])[],
  ): Metric => ({
    type: 'counter',
    help,
    samples: subjects.flatMap(({ labels, sample }) =>
      sample.devices.flatMap((device) =>
        values(device).map(([more, value]) => ({
          labels: { ...labels, device: deviceName(device), ...more },
          value,
          atMs: sample.atMs,
        })),
      ),
    ),
  });
  return {
    container_blkio_device_usage_total: ofDevices('Blkio Device bytes usage', (device) => {
      const numbers = { major: `${device.major}`, minor: `${device.minor}` };
      return [
        [{ ...numbers, operation: 'Read' }, device.readBytes],
        [{ ...numbers, operation: 'Write' }, device.writeBytes],
      ];
    }),
    container_fs_inodes_free: ofFiles('Number of available Inodes', ({ fs }) => fs.inodesFree),
    container_fs_inodes_total: ofFiles('Number of Inodes', ({ fs }) => fs.inodes),
    container_fs_limit_bytes: ofFiles(
      'Number of bytes that can be consumed by the container on this filesystem.',
      ({ fs }) => fs.capacityBytes,
    ),
    container_fs_reads_bytes_total: ofDevices('Cumulative count of bytes read', (one) => [[{}, one.readBytes]]),
    container_fs_reads_total: ofDevices('Cumulative count of reads completed', (one) => [[{}, one.reads]]),
    container_fs_usage_bytes: ofFiles(
      'Number of bytes that are consumed by the container on this filesystem.',
      ({ used }) => used,
    ),
    container_fs_writes_bytes_total: ofDevices('Cumulative count of bytes written', (one) => [[{}, one.writeBytes]]),
    container_fs_writes_total: ofDevices('Cumulative count of writes completed', (one) => [[{}, one.writes]]),
  };
}

function otherMetrics(subjects: readonly Subject[]): Metrics {
  return {
    container_last_seen: each(subjects, 'gauge', 'Last time a container was seen by the exporter', ({ atMs }) =>
      Math.floor(atMs / 1000),
    ),
    container_oom_events_total: each(
      subjects,
      'counter',
      'Count of out of memory events observed for the container',
      ({ oomKills }) => oomKills,
    ),
    container_processes: each(
      subjects,
      'gauge',
      'Number of processes running inside the container.',
      ({ processes }) => processes,
    ),
    container_threads: each(
      subjects,
      'gauge',
      'Number of threads running inside the container',
      ({ threads }) => threads,
    ),
    container_threads_max: each(
      subjects,
      'gauge',
      'Maximum number of threads allowed inside the container, infinity if value is zero',
      ({ threads, limits }) => (threads === undefined ? undefined : (limits.threads ?? 0)),
    ),
  };
}

const pressures = [
  ['cpu', 'CPU'],
  ['io', 'IO'],
  ['memory', 'memory'],
] as const;

function pressureMetrics(subjects: readonly Subject[]): Metrics {
  const found: Record<string, Metric> = {};
  for (const [kind, word] of pressures) {
    const micros = (line: 'full' | 'some') => (sample: CgroupSample) => {
      const total = sample.pressure[kind]?.[line].totalMicros;
      return total === undefined ? undefined : total / 1e6;
    };
    found[`container_pressure_${kind}_stalled_seconds_total`] = each(
      subjects,
      'counter',
      `Total time duration no tasks in the container could make progress due to ${word} congestion.`,
      micros('full'),
    );
    found[`container_pressure_${kind}_waiting_seconds_total`] = each(
      subjects,
      'counter',
      `Total time duration tasks in the container have waited due to ${word} congestion.`,
      micros('some'),
    );
  }
  return found;
}

/** Without times of measurement, as cAdvisor's. An unlimited amount is 0. */
function specMetrics(subjects: readonly Subject[]): Metrics {
  const gauge = (help: string, value: (subject: Subject) => number | undefined): Metric => ({
    type: 'gauge',
    help,
    samples: subjects.flatMap((subject): Sample[] => {
      const found = value(subject);
      return found === undefined ? [] : [{ labels: subject.labels, value: found }];
    }),
  });
  return {
    container_spec_cpu_period: gauge('CPU period of the container.', ({ sample }) => sample.limits.cpuPeriodMicros),
    container_spec_cpu_quota: gauge('CPU quota of the container.', ({ sample }) => sample.limits.cpuQuotaMicros),
    container_spec_cpu_shares: gauge('CPU share of the container.', ({ sample }) => sample.limits.cpuShares),
    container_spec_memory_limit_bytes: gauge(
      'Memory limit for the container.',
      ({ sample }) => sample.limits.memoryBytes ?? 0,
    ),
    container_spec_memory_reservation_limit_bytes: gauge(
      'Memory reservation limit for the container.',
      ({ sample }) => sample.limits.memoryReservationBytes ?? 0,
    ),
    container_spec_memory_swap_limit_bytes: gauge('Memory swap limit for the container.', ({ sample: { limits } }) =>
      limits.swapBytes === undefined ? 0 : limits.swapBytes + (limits.memoryBytes ?? 0),
    ),
    container_start_time_seconds: gauge('Start time of the container since unix epoch in seconds.', ({ startedAtMs }) =>
      Math.floor(startedAtMs / 1000),
    ),
  };
}

function machineMetrics({ machine, atMs }: NodeSample): Metrics {
  const labels = { boot_id: machine.bootId, machine_id: machine.machineId, system_uuid: machine.systemUuid };
  const gauge = (help: string, value: number): Metric => ({
    type: 'gauge',
    help,
    samples: [{ labels, value, atMs }],
  });
  return {
    machine_cpu_cores: gauge('Number of logical CPU cores.', machine.cores),
    machine_memory_bytes: gauge('Amount of memory installed on the machine.', machine.memoryBytes),
    machine_scrape_error: {
      type: 'gauge',
      help: '1 if there was an error while getting machine metrics, 0 otherwise.',
      samples: [{ value: 0 }],
    },
    machine_swap_bytes: gauge('Amount of swap memory available on the machine.', machine.swapBytes),
  };
}
