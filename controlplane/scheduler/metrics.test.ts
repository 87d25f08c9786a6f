import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { MemoryClient } from '../../test/lib/memory-client';
import type { KindRef } from '../api/kind';
import { type Node, nodes } from '../api/node';
import { type Pod, pods } from '../api/pod';
import { silentLogger } from '../base/logger';
import { processMetrics } from '../base/process-metrics';
import { runScheduler } from './main';

class BindingClient extends MemoryClient {
  override async post<A>(kind: KindRef, key: string, subresource: string, body: unknown): Promise<A> {
    const { target } = body as { target: { name: string } };
    const answer = await super.post<A>(kind, key, subresource, body);
    await this.patch(pods, key, 'merge', { spec: { nodeName: target.name } });
    return answer;
  }
}

t.test('what was tried, and what waits for what', async (t) => {
  const client = new BindingClient();
  const node: Node = { metadata: { name: 'n1' }, status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } } };
  await client.create(nodes, node);
  const abort = new AbortController();
  const options = { client, clock: new FakeClock(), log: silentLogger, random: () => 0 };
  const running = runScheduler(options, abort.signal);
  const pod = (name: string, spec: object = {}): Pod => ({
    metadata: { name, namespace: 'a' },
    spec: { containers: [{ name: 'c' }], ...spec },
  });
  await client.create(pods, pod('gated', { schedulingGates: [{ name: 'x' }] }));
  await client.create(pods, pod('large', { containers: [{ name: 'c', resources: { requests: { cpu: '9' } } }] }));
  await client.until(pods, 'a/large', (found) => found?.status?.conditions !== undefined);
  await client.create(pods, pod('p'));
  await client.until(pods, 'a/p', (found) => found?.spec?.nodeName !== undefined);
  const scheduled = 'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1';
  while (!processMetrics.render().includes(scheduled)) await setImmediate();
  const lines = new Set(processMetrics.render());
  for (const line of [
    'scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} 1',
    'scheduler_scheduling_attempt_duration_seconds_count{profile="default-scheduler",result="unschedulable"} 1',
    'scheduler_scheduling_algorithm_duration_seconds_count 2',
    'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} 1',
    'scheduler_pod_scheduling_attempts_count 1',
    'scheduler_preemption_attempts_total 1',
    'scheduler_pending_pods{queue="gated"} 1',
    'scheduler_pending_pods{queue="unschedulable"} 1',
    'scheduler_pending_pods{queue="active"} 0',
    'scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1',
    'scheduler_cache_size{type="nodes"} 1',
  ]) {
    t.ok(lines.has(line), line);
  }
  abort.abort(new Error('test over'));
  await running;
  t.same(processMetrics.render(), [], 'a scheduler that has ended reports nothing');
});
