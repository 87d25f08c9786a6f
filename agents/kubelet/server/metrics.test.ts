import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import type { ContainerRecord } from '../runtime/runtime';
import { kubeletMetrics, resourceMetrics } from './metrics';

const time = '2026-01-02T03:04:05.000Z';
const usage = (nanoseconds: number, bytes: number) => ({
  cpu: { time, usageCoreNanoSeconds: nanoseconds },
  memory: { time, usageBytes: bytes * 2, workingSetBytes: bytes },
});

t.test('the usage of node, pods and containers, with the time of the measurement', async (t) => {
  const text = resourceMetrics({
    node: { nodeName: 'n1', ...usage(9_000_000_000, 900) },
    pods: [
      {
        podRef: { uid: 'u', namespace: 'shop', name: 'web' },
        containers: [{ name: 'app', startTime: time, ...usage(1_500_000_000, 100) }],
        ...usage(1_500_000_000, 100),
      },
    ],
  });
  const at = Date.parse(time);
  for (const line of [
    '# TYPE container_cpu_usage_seconds_total counter',
    `container_cpu_usage_seconds_total{container="app",namespace="shop",pod="web"} 1.5 ${at}`,
    `container_memory_working_set_bytes{container="app",namespace="shop",pod="web"} 100 ${at}`,
    `container_start_time_seconds{container="app",namespace="shop",pod="web"} ${at / 1000}`,
    `node_cpu_usage_seconds_total 9 ${at}`,
    `node_memory_working_set_bytes 900 ${at}`,
    `pod_cpu_usage_seconds_total{namespace="shop",pod="web"} 1.5 ${at}`,
    `pod_memory_working_set_bytes{namespace="shop",pod="web"} 100 ${at}`,
    'resource_scrape_error 0',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
  t.ok(text.endsWith('\n'), 'the last line ends too: parsers demand it');
});

t.test('a node without pods has no metric without samples', async (t) => {
  const text = resourceMetrics({ node: { nodeName: 'n1', ...usage(0, 0) }, pods: [] });
  t.notMatch(text, /container_|pod_/);
});

t.test('the pods and containers that the kubelet runs', async (t) => {
  const record = (name: string, state: ContainerRecord['state']): ContainerRecord => ({
    id: name,
    name,
    state,
    labels: { 'io.kubernetes.docker.type': name === 'POD' ? 'podsandbox' : 'container' },
    image: 'i',
    imageId: 'i',
    createdAtMs: 0,
  });
  const records = [record('POD', 'running'), record('app', 'running'), record('old', 'exited')];
  const pods = [{ status: { phase: 'Running' } }, { status: { phase: 'Failed' } }] as Pod[];
  const text = kubeletMetrics({ nodeName: 'n"1', records: { all: () => records }, pods, startedAtMs: 5_000 });
  for (const line of [
    'kubelet_node_name{node="n\\"1"} 1',
    'kubelet_desired_pods{static=""} 1',
    'kubelet_running_pods 1',
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_containers{container_state="exited"} 1',
    'process_start_time_seconds 5',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
});
