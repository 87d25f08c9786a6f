// /metrics/resource: what the node, its pods and containers use of CPU and memory. Names and types are upstream's. Pure.
// Source: kubernetes.io, "Node metrics data".
import { type Metric, renderMetrics, type Sample } from './exposition';
import type { NodeSample } from './node-sample';
import type { CgroupSample } from './samples';
import { wholePod } from './snapshot';

type Measured = Pick<Sample, 'labels'> & { readonly sample: CgroupSample };

export function resourceMetrics({ root, pods }: NodeSample): string {
  const node: readonly Measured[] = [{ sample: root }];
  const podList = pods.map((pod) => ({
    labels: { namespace: pod.ref.namespace, pod: pod.ref.name },
    sample: wholePod(pod),
  }));
  const containers = pods.flatMap(({ ref, containers: own }) =>
    own.map(({ name, sample, startedAtMs }) => ({
      labels: { container: name, namespace: ref.namespace, pod: ref.name },
      sample,
      startedAtMs,
    })),
  );
  const cpu = (of: string, list: readonly Measured[]): Metric => ({
    type: 'counter',
    help: `CPU time of the ${of}, in seconds of a core`,
    samples: list.map(({ sample, ...rest }) => ({
      ...pick(rest),
      value: sample.cpu.usageNanoseconds / 1e9,
      atMs: sample.atMs,
    })),
  });
  const memory = (help: string, list: readonly Measured[], value: (sample: CgroupSample) => number): Metric => ({
    type: 'gauge',
    help,
    samples: list.map(({ sample, ...rest }) => ({ ...pick(rest), value: value(sample), atMs: sample.atMs })),
  });
  const workingSet = (sample: CgroupSample) => sample.memory.workingSetBytes;
  const swap = (sample: CgroupSample) => sample.memory.swapBytes;
  const limited = containers.filter(({ sample }) => sample.limits.swapBytes !== undefined);
  const scrapeError: Metric = {
    type: 'gauge',
    help: '1: a number of a container could not be read',
    samples: [{ value: 0 }],
  };
  return renderMetrics({
    container_cpu_usage_seconds_total: cpu('container', containers),
    container_memory_working_set_bytes: memory('Working set of the container, in bytes', containers, workingSet),
    container_start_time_seconds: {
      type: 'gauge',
      help: 'When the container started, as seconds since the epoch',
      samples: containers.map(({ labels, startedAtMs }) => ({ labels, value: startedAtMs / 1000 })),
    },
    container_swap_limit_bytes: memory(
      'Swap that the container may use, in bytes',
      limited,
      ({ limits }) => limits.swapBytes ?? 0,
    ),
    container_swap_usage_bytes: memory('Swap of the container, in bytes', containers, swap),
    node_cpu_usage_seconds_total: cpu('node', node),
    node_memory_working_set_bytes: memory('Working set of the node, in bytes', node, workingSet),
    node_swap_usage_bytes: memory('Swap of the node, in bytes', node, swap),
    pod_cpu_usage_seconds_total: cpu('pod', podList),
    pod_memory_working_set_bytes: memory('Working set of the pod, in bytes', podList, workingSet),
    pod_swap_usage_bytes: memory('Swap of the pod, in bytes', podList, swap),
    resource_scrape_error: scrapeError,
  });
}

const pick = ({ labels }: Pick<Sample, 'labels'>): Pick<Sample, 'labels'> => (labels ? { labels } : {});
