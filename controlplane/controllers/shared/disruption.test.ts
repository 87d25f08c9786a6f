import t from 'tap';
import { MemoryClient } from '../../../test/lib/memory-client';
import { type Pod, pods } from '../../api/pod';
import { markDisrupted, markFailed } from './disruption';

const now = Date.parse('2026-01-01T00:10:00Z');
const { signal } = new AbortController();

async function made(phase: string) {
  const client = new MemoryClient();
  const pod = await client.create(pods, {
    metadata: { name: 'p', namespace: 'a', generation: 3 },
    status: { phase },
  } as unknown as Pod);
  return { client, pod, status: async () => (await client.get(pods, 'a/p')).status };
}

t.test('a disrupted pod shows why, and of which generation', async (t) => {
  const { client, pod, status } = await made('Running');
  await markDisrupted(client, pod, { reason: 'DeletionByTaintManager', message: 'm' }, now, signal);
  t.same(await status(), {
    phase: 'Running',
    conditions: [
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'm',
        observedGeneration: 3,
        lastTransitionTime: '2026-01-01T00:10:00Z',
      },
    ],
  });
});

t.test('a pod without a kubelet becomes Failed, unless it has ended', async (t) => {
  const running = await made('Running');
  await markFailed(running.client, running.pod, undefined, now, signal);
  t.same(await running.status(), { phase: 'Failed', observedGeneration: 3 });
  const ended = await made('Succeeded');
  await markFailed(ended.client, ended.pod, { reason: 'DeletionByPodGC', message: 'm' }, now, signal);
  t.same(await ended.status(), { phase: 'Succeeded' });
});
