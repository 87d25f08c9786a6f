import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { type Job, jobs } from '../../api/job';
import type { KindRef } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { AppError } from '../../base/errors';
import { silentLogger as log } from '../../base/logger';
import { InformerSet } from '../shared/informers';
import { JobController } from './controller';

/** Refuses pods, as a quota that is used up. */
class FullNamespace extends MemoryClient {
  refused = 0;
  override async create<T extends KubeObject>(kind: KindRef<T>, object: T): Promise<T> {
    if (kind.plural !== 'pods') return super.create(kind, object);
    this.refused++;
    throw new AppError('Forbidden', 'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1');
  }
}

t.test('a pod that is refused is tried again after one second, then two', async (t) => {
  const client = new FullNamespace();
  const clock = new FakeClock();
  const informers = new InformerSet({ client, log });
  const recorder = () => ({ record: () => {}, flushed: async () => {} });
  const controller = new JobController({ client, informers, clock, log, recorder });
  const abort = new AbortController();
  const running = [informers.run(abort.signal), controller.run(abort.signal)];
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await Promise.allSettled(running);
  });
  await client.create<Job>(jobs, {
    metadata: { name: 'j', namespace: 'a' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      completions: 1,
      parallelism: 1,
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [] } },
    },
  } as unknown as Job);
  for (const [ms, refused] of [
    [1000, 1],
    [2000, 2],
    [4000, 3],
  ] as const) {
    await clock.armed(ms);
    t.equal(client.refused, refused);
    clock.advance(ms);
  }
});
