// The order in which the actions of one plan are carried out, and the effects of their failures.
import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import { container } from '../spec/pod.fixture';
import { VolumeError } from '../volumes/payload';
import { PlanExecutor } from './apply-plan';
import { ContainerStarts } from './container-starts';
import { ObservedPod } from './observed-pod';
import type { PodAction } from './plan';
import { setUp } from './pod-set.fixture';
import { PodStopper } from './pod-stopper';
import { TerminationMessages } from './termination-message';
import { VolumeSchedule } from './volume-schedule';

const identity = { name: 'web', namespace: 'other', uid: 'uid-web' };
const pod: Pod = {
  metadata: identity,
  spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 5, containers: [container('app')] },
};
const start: PodAction = { action: 'start-container', container: container('app'), attempt: 0 };
const sandbox: PodAction = { action: 'create-sandbox', attempt: 0 };

async function executor(t: Pick<typeof import('tap').t, 'teardown'>) {
  const lab = await setUp(t, { idle: true });
  const deps = lab.deps();
  const observed = new ObservedPod(deps.records, identity.uid);
  const published: string[] = [];
  const resets = new Map<string, number>();
  let again = 0;
  const executor = new PlanExecutor(deps, {
    observed,
    stopper: new PodStopper(deps, new TerminationMessages(deps), observed),
    starts: new ContainerStarts(deps, identity, () => published.push('start ended')),
    volumes: new VolumeSchedule(deps),
    endedForResize: new Set(),
    resets,
    changed: () => published.push(`starting with ${executor.startingIps}`),
    again: () => again++,
  });
  const abort = new AbortController();
  return {
    ...lab,
    deps,
    observed,
    executor,
    resets,
    published,
    abort,
    again: () => again,
    apply: (...actions: PodAction[]) => executor.apply(pod, actions, abort.signal),
    called: (verb: string) => lab.runtime.calls.filter((call) => call.startsWith(`${verb} `)),
  };
}

t.test('containers end before others start, in any order of the plan', async (t) => {
  const { apply, runtime, observed } = await executor(t);
  await apply(start, sandbox);
  const first = runtime.calls.length;
  const before = observed.sandbox!.id;
  await apply(
    { ...start, attempt: 1 },
    { action: 'create-sandbox', attempt: 1 },
    { action: 'remove-container', id: observed.newest('app')!.id },
    { action: 'stop-pod', reason: 'Pod sandbox changed' },
  );
  const verbs = runtime.calls.slice(first).map((call) => call.replace(/^(\w+) k8s_(\w+?)_.*_(\d).*$/, '$1 $2 $3'));
  const begins = verbs.indexOf('create POD 1');
  t.ok(begins > 0);
  for (const each of ['stop app 0', 'remove app 0', 'remove POD 0']) {
    const at = verbs.indexOf(each);
    t.ok(at >= 0 && at < begins, `${each} comes first: ${verbs.join(', ')}`);
  }
  t.equal(verbs.at(-1), 'start app 1');
  t.not(observed.sandbox?.id, before);
});

t.test('the addresses are known while the sandbox starts, and belong to it afterwards', async (t) => {
  const { apply, executor: applier, published, observed } = await executor(t);
  await apply(sandbox, start);
  t.equal(published[0], 'starting with 10.244.0.2');
  t.same(applier.startingIps, []);
  t.same(observed.podIps, ['10.244.0.2']);
});

t.test('without a sandbox nothing is set up', async (t) => {
  const { apply, called } = await executor(t);
  t.equal(await apply(), undefined);
  t.same(called('create'), []);
});

t.test('failed volumes cause one Event and fail the pass, not each container', async (t) => {
  const { apply, deps, reasons, called, executor: applier } = await executor(t);
  deps.volumes.setUp = () => Promise.reject(new VolumeError('MountVolume.SetUp failed for volume "v" : no'));
  await t.rejects(apply(sandbox, start), { message: 'MountVolume.SetUp failed for volume "v" : no' });
  t.ok((await reasons()).includes('FailedMount'));
  t.same(called('start'), ['start k8s_POD_web_other_uid-web_0']);
  t.same(applier.startingIps, []);
});

t.test('a refused start requests another pass; an interrupted start does not', async (t) => {
  const { apply, runtime, again, abort } = await executor(t);
  runtime.refuseStart.set('app', 'no such file');
  await apply(sandbox, start);
  t.equal(again(), 1);
  abort.abort(new Error('the pod is being deleted'));
  await t.rejects(apply({ ...start, attempt: 1 }), { message: 'the pod is being deleted' });
  t.equal(again(), 1);
});

t.test('all containers are ended and removed, and their starts are counted', async (t) => {
  const { apply, observed, resets, again, called } = await executor(t);
  await apply(start, sandbox);
  const { id } = observed.newest('app')!;
  await apply({ action: 'restart-all-containers', ids: [id] });
  t.equal(observed.newest('app'), undefined);
  t.ok(observed.sandbox, 'the sandbox and its addresses stay');
  t.strictSame([...resets], [['app', 1]]);
  t.equal(again(), 1);
  t.strictSame(called('stop'), ['stop k8s_app_web_other_uid-web_0 0']);
});
