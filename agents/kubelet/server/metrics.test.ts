import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import type { ContainerRecord } from '../runtime/runtime';
import { renderMetrics } from '../stats/exposition';
import { kubeletMetrics, shutdownMetrics } from './metrics';

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
  const text = kubeletMetrics({ nodeName: 'n"1', records: { all: () => records }, pods });
  for (const line of [
    'kubelet_node_name{node="n\\"1"} 1',
    'kubelet_desired_pods{static=""} 1',
    'kubelet_running_pods 1',
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_containers{container_state="exited"} 1',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
});

t.test('the last graceful shutdown', async (t) => {
  const lines = renderMetrics(shutdownMetrics({ startMs: 5_900, endMs: 0 })).split('\n');
  t.ok(lines.includes('kubelet_graceful_shutdown_start_time_seconds 5'));
  t.ok(lines.includes('kubelet_graceful_shutdown_end_time_seconds 0'));
  t.same(shutdownMetrics(undefined), {});
});
