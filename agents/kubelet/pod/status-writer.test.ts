import t from 'tap';
import { type Pod, pods } from '../../../controlplane/api';
import { AppError, Conflict } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { pod } from '../spec/pod.fixture';
import type { PodStatus } from './status-input';
import { StatusWriter } from './status-writer';

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function setUp() {
  const client = new MemoryClient();
  const created = await client.create<Pod>(pods, pod());
  const writer = new StatusWriter({ client, clock: new FakeClock(), log: silentLogger });
  const mark = (reason: string) => writer.mark({ pod: created, status: () => status(reason) });
  const reason = async () => (await client.get<Pod>(pods, 'shop/web')).status?.reason;
  /** Fails writes with these errors, one after another, and calls back during each write. */
  const failWith = (errors: Error[], meanwhile: () => void = () => {}) => {
    const patch = client.patch.bind(client) as (...args: unknown[]) => Promise<never>;
    Object.assign(client, {
      patch: async (...args: unknown[]) => {
        const err = errors.shift();
        if (!err) return patch(...args);
        meanwhile();
        throw err;
      },
    });
  };
  return { writer, mark, reason, failWith };
}
const status = (reason: string): PodStatus => ({ phase: 'Running', reason }) as PodStatus;

t.test('a status marked right after the last write is written too', async (t) => {
  const { writer, mark, reason } = await setUp();
  // One of these delays hits the few microtasks between a writer's last check and its end.
  for (let delay = 0; delay < 40; delay++) {
    mark(`before ${delay}`);
    let waiting = Promise.resolve();
    for (let i = 0; i < delay; i++) waiting = waiting.then(() => {});
    await waiting;
    mark(`after ${delay}`);
    await turn();
    await turn();
    t.equal(await reason(), `after ${delay}`);
  }
  await writer.flushed('u1');
});

for (const [name, err] of [
  ['refused', new AppError('Invalid', 'no')],
  ['in conflict', new Conflict('no')],
] as const) {
  t.test(`a write that is ${name} is not tried again, but a status marked meanwhile is written`, async (t) => {
    const { writer, mark, reason, failWith } = await setUp();
    failWith([err], () => mark('second'));
    mark('first');
    await writer.flushed('u1');
    t.equal(await reason(), 'second');
    failWith([err]);
    mark('third');
    await writer.flushed('u1');
    t.equal(await reason(), 'second');
    mark('fourth');
    await writer.flushed('u1');
    t.equal(await reason(), 'fourth');
  });
}
