// Audit events for a program outside: in lists, with retries, and bounded while it is away.
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { silentLogger } from '../../base/logger';
import type { Request } from '../../client/client';
import { maxBatchEvents, maxWaitMs, retryMs, WebhookSink } from './webhook-sink';

interface Lab {
  readonly sink: WebhookSink;
  readonly clock: FakeClock;
  readonly errors: string[];
  /** The ids of the events of each request. */
  readonly lists: string[][];
  readonly requests: Request[];
  /** What the program answers; it does not answer before this resolves. */
  status: Promise<number>;
}

function openLab(): Lab {
  const clock = new FakeClock();
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const lab: Omit<Lab, 'sink'> = { clock, errors, lists: [], requests: [], status: Promise.resolve(200) };
  const transport = {
    send: async (request: Request) => {
      lab.requests.push(request);
      const list = JSON.parse(String(request.body));
      lab.lists.push(list.items.map(({ auditID }: { auditID: string }) => auditID));
      return { status: await lab.status, headers: {}, body: (async function* () {})() };
    },
    close: () => undefined,
  };
  const sink = new WebhookSink({ transport, path: '/events' }, { clock, log });
  return Object.assign(lab, { sink });
}

const event = (id: number | string) => JSON.stringify({ auditID: String(id) });
async function settled(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('the awaited state did not come');
    await setImmediate();
  }
}

t.test('a list is sent when it is full, or when its first event has waited', async (t) => {
  const lab = openLab();
  for (let i = 0; i < maxBatchEvents; i++) lab.sink.emit(event(i));
  await settled(() => lab.lists.length === 1);
  t.equal(lab.lists[0]?.length, maxBatchEvents);
  t.match(lab.requests[0], { method: 'POST', path: '/events' });
  t.match(JSON.parse(String(lab.requests[0]?.body)), {
    kind: 'EventList',
    apiVersion: 'audit.k8s.io/v1',
    metadata: {},
  });
  lab.sink.emit(event('late'));
  t.equal(lab.lists.length, 1);
  lab.clock.advance(maxWaitMs);
  await settled(() => lab.lists.length === 2);
  t.same(lab.lists[1], ['late']);
  lab.sink.emit(event('last'));
  await lab.sink.close();
  t.same(lab.lists[2], ['last'], 'the end does not wait');
  t.same([lab.sink.events, lab.sink.dropped], [maxBatchEvents + 2, 0]);
});

t.test('a failed list is repeated, then dropped, and the next one is sent', async (t) => {
  const lab = openLab();
  lab.status = Promise.resolve(500);
  lab.sink.emit(event('a'));
  lab.clock.advance(maxWaitMs);
  await settled(() => lab.lists.length === 1);
  for (const attempt of [2, 3]) {
    await settled(() => {
      lab.clock.advance(retryMs);
      return lab.lists.length === attempt;
    });
  }
  await settled(() => lab.sink.dropped === 1);
  t.same(lab.lists, [['a'], ['a'], ['a']]);
  t.equal(lab.errors.length, 1);
  lab.status = Promise.resolve(200);
  lab.sink.emit(event('b'));
  await lab.sink.close();
  t.same(lab.lists[3], ['b']);
});

t.test('events are dropped and counted while the program does not answer', async (t) => {
  const lab = openLab();
  const answer = Promise.withResolvers<number>();
  lab.status = answer.promise;
  for (let i = 0; i < 10_500; i++) lab.sink.emit(event(i));
  t.equal(lab.sink.dropped, 500 - maxBatchEvents, 'one list is under way, the rest waits');
  t.equal(lab.errors.length, 1);
  answer.resolve(200);
  await lab.sink.close();
  t.equal(lab.lists.flat().length, 10_400);
});
