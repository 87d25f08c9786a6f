// /metrics/cadvisor: everything that is measured of cgroups, by the names and labels of cAdvisor, which rules of Prometheus use. Pure.
// A series without container and image is that of a pod, or of a part of the node; the machine is `id="/"`.
// Source: cAdvisor's documents, "Monitoring cAdvisor with Prometheus"; the rules of kubernetes-mixin.
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
      help: 'Always 1; the labels say which kernel, system and Docker the node has',
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
      'Periods of the CPU limit that have passed',
      ({ cpu }) => cpu.periods,
    ),
    container_cpu_cfs_throttled_periods_total: count(
      limited,
      'Periods in which the CPU limit stopped processes',
      ({ cpu }) => cpu.throttledPeriods,
    ),
    container_cpu_cfs_throttled_seconds_total: count(
      limited,
      'Time that the CPU limit stopped processes, in seconds',
      ({ cpu }) => seconds(cpu.throttledNanoseconds),
    ),
    container_cpu_system_seconds_total: count(subjects, 'CPU time in the kernel, in seconds', ({ cpu }) =>
      seconds(cpu.systemNanoseconds),
    ),
    container_cpu_usage_seconds_total: count(
      subjects,
      'CPU time in all, in seconds',
      ({ cpu }) => seconds(cpu.usageNanoseconds),
      { cpu: 'total' },
    ),
    container_cpu_user_seconds_total: count(subjects, 'CPU time outside the kernel, in seconds', ({ cpu }) =>
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
    container_memory_cache: gauge('Page cache, in bytes', (of) => of.cacheBytes),
    container_memory_failcnt: each(
      subjects,
      'counter',
      'How often the memory limit was reached',
      ({ memory }) => memory.failures,
    ),
    container_memory_failures_total: {
      type: 'counter',
      help: 'Failed allocations of memory and page faults, by type',
      samples: ['container', 'hierarchy'].flatMap((scope) => [
        ...failures('pgfault', scope, (of) => of.pageFaults),
        ...failures('pgmajfault', scope, (of) => of.majorPageFaults),
      ]),
    },
    container_memory_kernel_usage: gauge('Memory of the kernel for these processes, in bytes', (of) => of.kernelBytes),
    container_memory_mapped_file: gauge('Mapped files in memory, in bytes', (of) => of.mappedFileBytes),
    container_memory_max_usage_bytes: gauge('Highest use of memory so far, in bytes', (of) => of.maxUsageBytes),
    container_memory_rss: gauge('Anonymous memory, in bytes', (of) => of.rssBytes),
    container_memory_swap: gauge('Memory in the swap, in bytes', (of) => of.swapBytes),
    container_memory_total_active_file_bytes: gauge('Page cache in recent use, in bytes', (of) => of.activeFileBytes),
    container_memory_total_inactive_file_bytes: gauge(
      'Page cache not in recent use, in bytes',
      (of) => of.inactiveFileBytes,
    ),
    container_memory_usage_bytes: gauge('All memory in use, page cache included, in bytes', (of) => of.usageBytes),
    container_memory_working_set_bytes: gauge(
      'Memory without the page cache that is not in recent use, in bytes',
      (of) => of.workingSetBytes,
    ),
  };
}

function networkMetrics(subjects: readonly Subject[]): Metrics {
  type Interface = NetworkSample['interfaces'][number];
  const count = (help: string, value: (one: Interface) => number): Metric => ({
    type: 'counter',
    help: `Sum of ${help}`,
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
    container_blkio_device_usage_total: ofDevices('Bytes read from and written to devices', (device) => {
      const numbers = { major: `${device.major}`, minor: `${device.minor}` };
      return [
        [{ ...numbers, operation: 'Read' }, device.readBytes],
        [{ ...numbers, operation: 'Write' }, device.writeBytes],
      ];
    }),
    container_fs_inodes_free: ofFiles('Inodes left on the file system', ({ fs }) => fs.inodesFree),
    container_fs_inodes_total: ofFiles('Inodes of the file system', ({ fs }) => fs.inodes),
    container_fs_limit_bytes: ofFiles('Size of the file system, in bytes', ({ fs }) => fs.capacityBytes),
    container_fs_reads_bytes_total: ofDevices('Bytes read', (one) => [[{}, one.readBytes]]),
    container_fs_reads_total: ofDevices('Finished reads', (one) => [[{}, one.reads]]),
    container_fs_usage_bytes: ofFiles('Bytes in use on the file system', ({ used }) => used),
    container_fs_writes_bytes_total: ofDevices('Bytes written', (one) => [[{}, one.writeBytes]]),
    container_fs_writes_total: ofDevices('Finished writes', (one) => [[{}, one.writes]]),
  };
}

function otherMetrics(subjects: readonly Subject[]): Metrics {
  return {
    container_last_seen: each(
      subjects,
      'gauge',
      'When the kubelet measured this last, as seconds since the epoch',
      ({ atMs }) => Math.floor(atMs / 1000),
    ),
    container_oom_events_total: each(
      subjects,
      'counter',
      'Processes that the kernel killed for lack of memory',
      ({ oomKills }) => oomKills,
    ),
    container_processes: each(subjects, 'gauge', 'Processes', ({ processes }) => processes),
    container_threads: each(subjects, 'gauge', 'Threads', ({ threads }) => threads),
    container_threads_max: each(
      subjects,
      'gauge',
      'Highest number of threads that is allowed; 0: no limit',
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
      `Time in which all processes waited for ${word}, in seconds`,
      micros('full'),
    );
    found[`container_pressure_${kind}_waiting_seconds_total`] = each(
      subjects,
      'counter',
      `Time in which some processes waited for ${word}, in seconds`,
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
    container_spec_cpu_period: gauge(
      'Period of the CPU limit, in microseconds',
      ({ sample }) => sample.limits.cpuPeriodMicros,
    ),
    container_spec_cpu_quota: gauge(
      'CPU time in each period, in microseconds',
      ({ sample }) => sample.limits.cpuQuotaMicros,
    ),
    container_spec_cpu_shares: gauge('Weight in the distribution of CPU time', ({ sample }) => sample.limits.cpuShares),
    container_spec_memory_limit_bytes: gauge(
      'Memory limit in bytes; 0: none',
      ({ sample }) => sample.limits.memoryBytes ?? 0,
    ),
    container_spec_memory_reservation_limit_bytes: gauge(
      'Memory that is kept under pressure, in bytes; 0: none',
      ({ sample }) => sample.limits.memoryReservationBytes ?? 0,
    ),
    container_spec_memory_swap_limit_bytes: gauge(
      'Limit of memory and swap together, in bytes; 0: none',
      ({ sample: { limits } }) => (limits.swapBytes === undefined ? 0 : limits.swapBytes + (limits.memoryBytes ?? 0)),
    ),
    container_start_time_seconds: gauge('When it started, as seconds since the epoch', ({ startedAtMs }) =>
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
    machine_cpu_cores: gauge('CPU cores', machine.cores),
    machine_memory_bytes: gauge('Memory of the machine, in bytes', machine.memoryBytes),
    machine_scrape_error: {
      type: 'gauge',
      help: '1: a number of the machine could not be read',
      samples: [{ value: 0 }],
    },
    machine_swap_bytes: gauge('Swap of the machine, in bytes', machine.swapBytes),
  };
}
