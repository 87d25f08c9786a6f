// /metrics: about the kubelet itself, by upstream's names; kubernetes.io, "Kubernetes Metrics Reference".
import { isTerminal, type Pod } from '../../../controlplane/api';
import type { PodRecords } from '../pod/pod-records';
import { isSandbox } from '../runtime/labels';
import { type Metric, renderMetrics } from '../stats/exposition';

export interface KubeletFacts {
  readonly nodeName: string;
  readonly records: Pick<PodRecords, 'all'>;
  readonly pods: readonly Pod[];
}

/** About the pods that it runs. */
export function kubeletMetrics({ nodeName, records, pods }: KubeletFacts): string {
  const all = records.all();
  const count = (state: string, sandboxes: boolean) =>
    all.filter((record) => record.state === state && isSandbox(record) === sandboxes).length;
  return renderMetrics({
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
  });
}

/** Of the last graceful shutdown of the node, also before this boot; absent without settings for one. */
export function shutdownMetrics(
  times: { readonly startMs: number; readonly endMs: number } | undefined,
): Readonly<Record<string, Metric>> {
  const seconds = (ms: number) => [{ value: Math.floor(ms / 1000) }];
  if (!times) return {};
  return {
    kubelet_graceful_shutdown_start_time_seconds: {
      type: 'gauge',
      help: 'When the last graceful shutdown began, in seconds since the epoch; 0 without one.',
      samples: seconds(times.startMs),
    },
    kubelet_graceful_shutdown_end_time_seconds: {
      type: 'gauge',
      help: 'When the last graceful shutdown had ended all pods, in seconds since the epoch; 0 before that.',
      samples: seconds(times.endMs),
    },
  };
}
