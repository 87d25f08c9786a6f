// Exec probes on the fake runtime: which results count as failures of the container.
import t from 'tap';
import { Unavailable } from '../../../controlplane/base/errors';
import { FakeClock } from '../../../test/lib/fake-clock';
import { type FakeCommand, FakeRuntime } from '../runtime/fake';
import { labels } from '../runtime/labels';
import type { ContainerSpec } from '../runtime/runtime';
import { container, pod } from '../spec/pod.fixture';
import { Prober } from './prober';

const spec: ContainerSpec = {
  name: 'c',
  image: 'app:1',
  labels: { [labels.podUid]: 'u1' },
  env: [],
  mounts: [],
  network: 'own',
  ipc: 'own',
  pid: 'own',
};

/** Runs a probe that gets these answers in turn, then the last one again. Returns the reports and the prober. */
async function probe(t: Tap, answers: readonly (() => FakeCommand)[]) {
  const clock = new FakeClock();
  const runtime = new FakeRuntime(() => clock.now());
  runtime.addImage('app:1');
  const id = await runtime.create(spec);
  await runtime.start(id);
  const left = [...answers];
  let asked = 0;
  runtime.onExec = () => {
    asked++;
    return (left.length > 1 ? left.shift()! : left[0]!)();
  };
  const reported: string[] = [];
  const report = (_: unknown, reason: string, message: string) => reported.push(`${reason} ${message}`);
  const prober = new Prober({ runtime, clock, report });
  t.teardown(() => prober.close());
  const check = { exec: { command: ['/bin/check'] }, periodSeconds: 10, failureThreshold: 1, timeoutSeconds: 1 };
  const target = { pod: pod(), container: container('app', { livenessProbe: check }), id, podIp: '10.244.0.2' };
  prober.watch({ ...target, startedAtMs: clock.now() });
  // The timer of the next probe is set after the verdict of this one.
  while (asked < answers.length) {
    if (clock.pending().length > 0) clock.advance(10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (!prober.failed(id) && clock.pending().length === 0) await new Promise((resolve) => setImmediate(resolve));
  return { reported, failed: prober.failed(id) };
}
type Tap = Pick<typeof t, 'teardown'>;

const fine = () => ({ output: '', code: 0 });
const away = (): FakeCommand => {
  throw new Unavailable('docker does not answer');
};

t.test('a runtime that does not answer is no failure of the container', async (t) => {
  const { reported, failed } = await probe(t, [fine, away, away, fine]);
  t.equal(failed, undefined);
  const said = 'Unhealthy Liveness probe errored and resulted in unknown state: docker does not answer';
  t.same(reported, [said, said]);
});

t.test('a command that fails or takes too long is a failure of the container', async (t) => {
  t.same(await probe(t, [fine, () => ({ output: 'sick', code: 3 })]), {
    reported: ['Unhealthy Liveness probe failed: sick'],
    failed: 'liveness',
  });
  t.same(await probe(t, [() => ({ output: '', code: 0, runsMs: 1000 })]), {
    reported: ['Unhealthy Liveness probe failed: command "/bin/check" timed out'],
    failed: 'liveness',
  });
});
