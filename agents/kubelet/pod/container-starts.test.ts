import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { container, exited, now, pod } from '../spec/pod.fixture';
import { ContainerStarts } from './container-starts';
import { CrashLoop } from './crash-loop';
import { StartFailure } from './starter';

function setUp() {
  const clock = new FakeClock(now);
  const events: string[] = [];
  let changes = 0;
  const starts = new ContainerStarts(
    {
      clock,
      crashLoop: new CrashLoop(),
      events: { record: (_pod, type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
    },
    { name: 'web', namespace: 'shop', uid: 'u1' },
    () => changes++,
  );
  return { clock, events, starts, changes: () => changes };
}
const failure = (reason: string, retryAtMs: number) =>
  new StartFailure({ reason, message: 'said' }, retryAtMs, { cause: undefined });
const app = container('app');

t.test(
  'a failed start is repeated at the time in the failure, or when an object that it needs has changed',
  async (t) => {
    const { starts, clock, changes } = setUp();
    t.equal(starts.retryAtMs, undefined);
    starts.begins('app', undefined);
    t.ok(starts.isUnderWay('app'));
    t.equal(starts.failed('app', failure('ErrImagePull', clock.now() + 3_000)), false);
    t.equal(starts.failed('other', failure('CreateContainerError', clock.now() + 1_000)), false);
    starts.ended('app');
    t.notOk(starts.isUnderWay('app'));
    t.equal(changes(), 1);
    t.equal(starts.notBefore('app', undefined), now + 3_000);
    t.equal(starts.retryAtMs, now + 1_000, 'the first of two');
    t.match(starts.waiting.get('app'), { reason: 'ErrImagePull', message: 'said' });
    starts.retryNow();
    t.equal(starts.notBefore('app', undefined), 0);
    t.ok(starts.waiting.has('app'), 'the reason stands until the start succeeds');
    starts.succeeded('app');
    t.notOk(starts.waiting.has('app'));
  },
);

t.test('a failure whose retry time is past requests another start at once', async (t) => {
  const { starts, clock } = setUp();
  t.equal(starts.failed('app', failure('RunContainerError', clock.now())), true);
  t.equal(starts.retryAtMs, undefined);
});

t.test('a container that keeps ending is delayed, with one Event per delay', async (t) => {
  const { starts, clock, events, changes } = setUp();
  const last = exited(app, 1, { finishedAtMs: now });
  t.equal(starts.notBefore('app', last), 0, 'the first restart waits for nothing');
  starts.begins('app', last);
  starts.succeeded('app');
  t.equal(starts.notBefore('app', last), now + 10_000);
  starts.heldBack(pod(), ['app']);
  starts.heldBack(pod(), ['app']);
  t.same(events, ['Warning BackOff Back-off restarting failed container app in pod web_shop(u1)']);
  t.equal(changes(), 1);
  t.match(starts.waiting.get('app'), {
    reason: 'CrashLoopBackOff',
    message: 'back-off 10s restarting failed container=app pod=web_shop(u1)',
  });
  clock.advance(10_000);
  starts.begins('app', last);
  starts.succeeded('app');
  starts.heldBack(pod(), ['app']);
  t.match(starts.waiting.get('app')?.message, /^back-off 20s /);
  starts.forget();
  t.equal(starts.notBefore('app', last), 0);
});

t.test('a start that failed for another reason is not called a crash loop', async (t) => {
  const { starts, clock, events } = setUp();
  starts.failed('app', failure('CreateContainerConfigError', clock.now() + 10_000));
  starts.heldBack(pod(), ['app']);
  t.match(starts.waiting.get('app'), { reason: 'CreateContainerConfigError' });
  t.same(events, []);
});
