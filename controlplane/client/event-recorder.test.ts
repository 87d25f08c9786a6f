import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { FakeTransport } from '../../test/lib/fake-transport';
import type { KubeObject } from '../api/types';
import { silentLogger } from '../base/logger';
import { EventCorrelator } from './event-correlator';
import { createEventRecorder } from './event-recorder';
import { createClient } from './rest-client';

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'a', name: 'web', uid: 'u', resourceVersion: '7' },
};
const now = Date.parse('2026-01-01T00:00:00Z');
const report = (message: string, reason = 'Failed') => ({ object: pod, type: 'Warning' as const, reason, message });

t.test('an equal Event is counted, a different Event is created', async (t) => {
  const correlator = new EventCorrelator({ component: 'kubelet', host: 'n1' });
  const first = correlator.correlate(report('no image'), now);
  t.match(first, {
    action: 'create',
    event: {
      metadata: { namespace: 'a', name: /^web\.[0-9a-f]+$/ },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'web', uid: 'u', resourceVersion: '7' },
      source: { component: 'kubelet', host: 'n1' },
      type: 'Warning',
      reason: 'Failed',
      message: 'no image',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
    },
  });
  const second = correlator.correlate(report('no image'), now + 5000);
  t.match(second, {
    action: 'update',
    count: 2,
    event: { lastTimestamp: '2026-01-01T00:00:05Z', firstTimestamp: '2026-01-01T00:00:00Z' },
  });
  t.equal(correlator.correlate(report('another'), now).action, 'create');
  if (first.action === 'create') correlator.forget(first.id);
  t.equal(correlator.correlate(report('no image'), now).action, 'create', 'a new Event after the old one is deleted');
});

t.test('many different messages of one reason become one Event', async (t) => {
  const correlator = new EventCorrelator({ component: 'kubelet' });
  const actions = Array.from({ length: 12 }, (_, i) => correlator.correlate(report(`try ${i}`), now));
  t.same(
    actions.map(({ action }) => action),
    [...Array(10).fill('create'), 'update', 'update'],
  );
  const [combined, last] = [actions[9], actions[11]];
  t.match(combined, { event: { message: '(combined from similar events): try 9' } });
  t.match(last, { count: 3, event: { message: '(combined from similar events): try 11' } });
});

t.test('many Events of one object are limited, and continue slowly', async (t) => {
  const correlator = new EventCorrelator({ component: 'kubelet' });
  const actions = Array.from({ length: 30 }, () => correlator.correlate(report('x'), now).action);
  t.equal(actions.filter((action) => action !== 'drop').length, 25);
  t.equal(correlator.correlate(report('x'), now + 5 * 60_000).action, 'update');
  t.equal(correlator.correlate(report('x'), now + 5 * 60_000).action, 'drop');
});

t.test('Events are written one after another, retried after a failure, and counted', async (t) => {
  const transport = new FakeTransport();
  const clock = new FakeClock();
  const recorder = createEventRecorder({
    client: createClient(transport),
    component: 'kubelet',
    log: silentLogger,
    clock,
  });
  recorder.record(pod, 'Normal', 'Started', 'Container started');
  recorder.record(pod, 'Normal', 'Started', 'Container started');
  const create = await transport.next();
  t.equal(`${create.request.method} ${create.path}`, 'POST /api/v1/namespaces/a/events');
  t.equal(transport.waiting, 0, 'one after another');

  t.comment('the API is away for a moment: tried again');
  create.reply({ kind: 'Status', code: 503 }, 503);
  await clock.armed(1000);
  clock.advance(1000);
  const again = await transport.next();
  t.same(again.body, create.body);
  again.reply(again.body, 201);

  t.comment('the same again is counted; when it has expired it is made anew');
  const patch = await transport.next();
  t.equal(patch.request.method, 'PATCH');
  t.match(patch.body, { count: 2 });
  patch.reply({ kind: 'Status', code: 404 }, 404);
  const anew = await transport.next();
  t.equal(anew.request.method, 'POST');
  t.match(anew.body, { count: 2, message: 'Container started' });
  anew.reply(anew.body, 201);
  await recorder.flushed();
});

t.test('reports about different parts of an object are different Events with the path of the part', (t) => {
  const correlator = new EventCorrelator({ component: 'kubelet' });
  const started = { object: pod, type: 'Normal', reason: 'Started', message: 'Container started' } as const;
  const of = (fieldPath?: string) => correlator.correlate({ ...started, fieldPath }, now);
  t.match(of('spec.containers{a}'), {
    action: 'create',
    event: { involvedObject: { fieldPath: 'spec.containers{a}' } },
  });
  t.match(of('spec.containers{b}'), {
    action: 'create',
    event: { involvedObject: { fieldPath: 'spec.containers{b}' } },
  });
  t.match(of('spec.containers{a}'), { action: 'update', count: 2 });
  const whole = of();
  t.equal(whole.action, 'create');
  t.notOk('event' in whole && 'fieldPath' in whole.event.involvedObject, 'a report about the whole object has none');
  t.end();
});

t.test('annotations are those of the first report, also when its Event is created again', async (t) => {
  const transport = new FakeTransport();
  const client = createClient(transport);
  const recorder = createEventRecorder({ client, component: 'kubelet', log: silentLogger, clock: new FakeClock(now) });
  recorder.record(pod, 'Warning', 'Evicted', 'low', { annotations: { starved_resource: 'memory' } });
  const create = await transport.next();
  t.match(create.body, { metadata: { annotations: { starved_resource: 'memory' } } });
  create.reply(create.body, 201);
  recorder.record(pod, 'Warning', 'Evicted', 'low', { annotations: { starved_resource: 'pids' } });
  const patch = await transport.next();
  t.notOk((patch.body as KubeObject).metadata?.annotations);
  patch.reply({ kind: 'Status', code: 404 }, 404);
  const again = await transport.next();
  t.match(again.body, { count: 2, metadata: { annotations: { starved_resource: 'memory' } } });
  again.reply(again.body, 201);
  await recorder.flushed();
});

t.test('reports with different fields are never joined, whatever text the fields have', async (t) => {
  const correlator = new EventCorrelator({ component: 'c' });
  const report = (name: string, reason: string, message: string) =>
    correlator.correlate(
      { object: { metadata: { name, namespace: 'n', uid: 'u' } }, type: 'Normal', reason, message },
      0,
    );
  t.equal(report('a', 'R', 'x').action, 'create');
  t.equal(report('a', 'R\0x', '').action, 'create');
  t.equal(report('a\0u', 'R', 'x').action, 'create');
  t.equal(report('a', 'R', 'x\0').action, 'create');
  t.equal(report('a', 'R', 'x').action, 'update');
});
