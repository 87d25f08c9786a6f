// /metrics/resource, what metrics collectors read of the node, its pods and containers; and /metrics, about the kubelet itself. The
// names are upstream's; kubernetes.io, "Node metrics data".
import { isTerminal, type Pod } from '../../../controlplane/api';
import type { PodRecords } from '../pod/pod-records';
import { isSandbox } from '../runtime/labels';
import type { Summary, Usage } from './stats-summary';

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

interface Metric {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}
interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** When the value was measured; absent: now. */
  readonly atMs?: number;
}

/** Rendered as text of Prometheus, format 0.0.4. A metric without samples is left out. */
function render(metrics: Readonly<Record<string, Metric>>): string {
  const lines: string[] = [];
  for (const [name, { type, help, samples }] of Object.entries(metrics)) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels = {}, value, atMs } of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
      const selector = pairs.length > 0 ? `{${pairs.join(',')}}` : '';
      lines.push(`${name}${selector} ${value}${atMs === undefined ? '' : ` ${atMs}`}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const seconds = (nanoseconds: number): number => nanoseconds / 1e9;

/** What /stats/summary says, as metrics. */
export function resourceMetrics({ node, pods }: Summary): string {
  const containers = pods.flatMap(({ podRef, containers: list }) =>
    list.map((container) => ({
      labels: { container: container.name, namespace: podRef.namespace, pod: podRef.name },
      container,
    })),
  );
  const ofPods = pods.map((pod) => ({ labels: { namespace: pod.podRef.namespace, pod: pod.podRef.name }, pod }));
  const cpu = ({ cpu: { time, usageCoreNanoSeconds } }: Usage, labels?: Sample['labels']): Sample => ({
    value: seconds(usageCoreNanoSeconds),
    atMs: Date.parse(time),
    ...(labels ? { labels } : {}),
  });
  const memory = ({ memory: { time, workingSetBytes } }: Usage, labels?: Sample['labels']): Sample => ({
    value: workingSetBytes,
    atMs: Date.parse(time),
    ...(labels ? { labels } : {}),
  });
  return render({
    container_cpu_usage_seconds_total: {
      type: 'counter',
      help: 'Cumulative CPU time of the container in core-seconds.',
      samples: containers.map(({ container, labels }) => cpu(container, labels)),
    },
    container_memory_working_set_bytes: {
      type: 'gauge',
      help: 'Working set of the container in bytes.',
      samples: containers.map(({ container, labels }) => memory(container, labels)),
    },
    container_start_time_seconds: {
      type: 'gauge',
      help: 'When the container started, in seconds since the epoch.',
      samples: containers.map(({ container, labels }) => ({ labels, value: Date.parse(container.startTime) / 1000 })),
    },
    node_cpu_usage_seconds_total: {
      type: 'counter',
      help: 'Cumulative CPU time of the node in core-seconds.',
      samples: [cpu(node)],
    },
    node_memory_working_set_bytes: {
      type: 'gauge',
      help: 'Working set of the node in bytes.',
      samples: [memory(node)],
    },
    pod_cpu_usage_seconds_total: {
      type: 'counter',
      help: 'Cumulative CPU time of the pod in core-seconds.',
      samples: ofPods.map(({ pod, labels }) => cpu(pod, labels)),
    },
    pod_memory_working_set_bytes: {
      type: 'gauge',
      help: 'Working set of the pod in bytes.',
      samples: ofPods.map(({ pod, labels }) => memory(pod, labels)),
    },
    resource_scrape_error: {
      type: 'gauge',
      help: '1 if container metrics could not be read, otherwise 0.',
      samples: [{ value: 0 }],
    },
  });
}

export interface KubeletFacts {
  readonly nodeName: string;
  readonly records: Pick<PodRecords, 'all'>;
  readonly pods: readonly Pod[];
  readonly startedAtMs: number;
}

/** About the process and the pods that it runs. */
export function kubeletMetrics({ nodeName, records, pods, startedAtMs }: KubeletFacts): string {
  const all = records.all();
  const count = (state: string, sandboxes: boolean) =>
    all.filter((record) => record.state === state && isSandbox(record) === sandboxes).length;
  const { user, system } = process.cpuUsage();
  return render({
    kubelet_node_name: {
      type: 'gauge',
      help: "The node's name. Always 1.",
      samples: [{ labels: { node: nodeName }, value: 1 }],
    },
    kubelet_desired_pods: {
      type: 'gauge',
      help: 'Pods that the kubelet is to run.',
      samples: [{ labels: { static: '' }, value: pods.filter((pod) => !isTerminal(pod)).length }],
    },
    kubelet_running_pods: {
      type: 'gauge',
      help: 'Pods with a running sandbox.',
      samples: [{ value: count('running', true) }],
    },
    kubelet_running_containers: {
      type: 'gauge',
      help: 'Containers by their state.',
      samples: ['created', 'exited', 'running'].map((state) => ({
        labels: { container_state: state },
        value: count(state, false),
      })),
    },
    process_cpu_seconds_total: {
      type: 'counter',
      help: 'CPU time of the process in seconds.',
      samples: [{ value: (user + system) / 1e6 }],
    },
    process_resident_memory_bytes: {
      type: 'gauge',
      help: 'Resident memory of the process in bytes.',
      samples: [{ value: process.memoryUsage.rss() }],
    },
    process_start_time_seconds: {
      type: 'gauge',
      help: 'When the process started, in seconds since the epoch.',
      samples: [{ value: startedAtMs / 1000 }],
    },
  });
}
