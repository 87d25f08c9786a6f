import t from 'tap';
import type { Container } from '../spec/container';
import { container, exited, now, pod, record, sandbox } from '../spec/pod.fixture';
import { podStatus, startsBefore } from './status';
import type { StatusInput } from './status-input';

const app = container('app');
const init = container('init');
const sidecar = container('proxy', { restartPolicy: 'Always' } as Partial<Container>);

const status = (more: Partial<StatusInput>) =>
  podStatus({
    pod: pod(),
    records: [],
    now,
    nodeIps: ['192.0.2.1'],
    podIps: ['10.244.0.5'],
    sandboxReady: true,
    waiting: new Map(),
    started: () => true,
    ready: () => true,
    message: () => undefined,
    imageRef: (id) => `docker://${id}`,
    ...more,
  });

t.test('the user of a container is that of its first process; one that was reported stays', (t) => {
  const user = { linux: { uid: 1000, gid: 1000, supplementalGroups: [1000, 60000] } };
  const users = (more: Partial<StatusInput>) => {
    const { containerStatuses = [], initContainerStatuses = [] } = status({ user: () => user, ...more });
    return [...initContainerStatuses, ...containerStatuses].map((each) => each.user);
  };
  t.same(users({}), [undefined], 'a container that was never started has none');
  t.same(users({ records: [record(app), sandbox()] }), [user]);
  t.same(users({ records: [exited(app, 0)] }), [user], 'a container that has ended keeps it');
  t.same(users({ pod: pod({ initContainers: [init] }), records: [record(app), exited(init, 0)] }), [user, user]);
  t.notOk('user' in status({ records: [record(app)] }).containerStatuses![0]!, 'no field without an answer');
  const before = { linux: { uid: 5, gid: 5 } };
  const reported = (id: string) => {
    const old = { name: 'app', containerID: `docker://${id}`, user: before, image: '', imageID: '', ready: true };
    return pod({}, { status: { containerStatuses: [{ ...old, restartCount: 0 }] } });
  };
  t.same(users({ pod: reported('app-0'), records: [record(app)] }), [before]);
  t.same(users({ pod: reported('app-0'), records: [record(app, { restarts: 1 })] }), [user], 'of another run');
  t.end();
});

t.test('a verdict is reported once no container runs, though the sandbox still does', (t) => {
  const verdict = { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' } as const;
  for (const restartPolicy of ['Always', 'Never'] as const) {
    const of = (records: StatusInput['records']) => status({ pod: pod({ restartPolicy }), verdict, records });
    t.match(of([record(app), sandbox()]), { phase: 'Running', reason: undefined }, restartPolicy);
    t.match(of([exited(app, 137), sandbox()]), verdict, restartPolicy);
  }
  t.end();
});

/** Phase, then the conditions that are True. */
const short = (more: Partial<StatusInput>): string => {
  const { phase, conditions } = status(more);
  return [phase, ...(conditions ?? []).filter((each) => each.status === 'True').map(({ type }) => type)].join(' ');
};

const base = 'PodReadyToStartContainers Initialized';
const cases: ReadonlyArray<{ readonly name: string; readonly input: Partial<StatusInput>; readonly want: string }> = [
  { name: 'just seen', input: { sandboxReady: false, podIps: [] }, want: 'Pending Initialized PodScheduled' },
  {
    name: 'running and ready',
    input: { records: [record(app), sandbox()] },
    want: `Running ${base} Ready ContainersReady PodScheduled`,
  },
  {
    name: 'running, not ready',
    input: { records: [record(app), sandbox()], ready: () => false },
    want: `Running ${base} PodScheduled`,
  },
  {
    name: 'init container runs',
    input: { pod: pod({ initContainers: [init] }), records: [record(init), sandbox()] },
    want: 'Pending PodReadyToStartContainers PodScheduled',
  },
  {
    name: 'init container through',
    input: { pod: pod({ initContainers: [init] }), records: [record(app), exited(init, 0), sandbox()] },
    want: `Running ${base} Ready ContainersReady PodScheduled`,
  },
  {
    name: 'init container failed for good',
    input: { pod: pod({ initContainers: [init], restartPolicy: 'Never' }), records: [exited(init, 1), sandbox()] },
    want: 'Failed PodReadyToStartContainers PodScheduled',
  },
  {
    name: 'sidecar not ready',
    input: {
      pod: pod({ initContainers: [sidecar] }),
      records: [record(app), record(sidecar), sandbox()],
      ready: (id) => id !== 'proxy-0',
    },
    want: `Running ${base} PodScheduled`,
  },
  {
    name: 'succeeded',
    input: { pod: pod({ restartPolicy: 'Never' }), records: [exited(app, 0)], sandboxReady: false },
    want: 'Succeeded Initialized PodScheduled',
  },
  {
    name: 'failed',
    input: { pod: pod({ restartPolicy: 'Never' }), records: [exited(app, 1)], sandboxReady: false },
    want: 'Failed Initialized PodScheduled',
  },
  { name: 'between two runs', input: { records: [exited(app, 1), sandbox()] }, want: `Running ${base} PodScheduled` },
  {
    name: 'on the host network',
    input: { pod: pod({ hostNetwork: true }), podIps: [], records: [record(app), sandbox()] },
    want: `Running ${base} Ready ContainersReady PodScheduled`,
  },
];
for (const { name, input, want } of cases) t.test(name, async (t) => t.equal(short(input), want));

t.test('podIP, podIPs and hostIPs', async (t) => {
  t.match(status({ records: [record(app)] }), {
    podIP: '10.244.0.5',
    podIPs: [{ ip: '10.244.0.5' }],
    hostIP: '192.0.2.1',
  });
  t.equal(status({ pod: pod({ hostNetwork: true }), podIps: [] }).podIP, '192.0.2.1');
  const done = pod({ restartPolicy: 'Never' }, { status: { podIP: '10.244.0.9' } });
  t.equal(status({ pod: done, podIps: [], records: [exited(app, 0)] }).podIP, '10.244.0.9');
});

t.test('crash loop: waiting, with the end as last state', async (t) => {
  const [each] = status({
    records: [exited(app, 3, { restarts: 2 }), sandbox()],
    waiting: new Map([['app', { reason: 'CrashLoopBackOff', message: 'back-off' }]]),
    message: () => 'last words',
  }).containerStatuses!;
  t.match(each, {
    restartCount: 2,
    ready: false,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'last words' } },
  });
});

t.test('a start that was refused is the end of a container that never starts again', async (t) => {
  const refused = (restartPolicy: string) =>
    status({
      pod: pod({ restartPolicy }),
      records: [exited(app, 128, { startError: 'no such file' }), sandbox()],
      waiting: new Map([['app', { reason: 'RunContainerError', message: 'no such file' }]]),
    });
  t.match(refused('Never'), {
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { reason: 'StartError', exitCode: 128 } } }],
  });
  t.match(refused('OnFailure'), {
    phase: 'Running',
    containerStatuses: [{ state: { waiting: { reason: 'RunContainerError' } } }],
  });
});

t.test('the reason of a terminated container', async (t) => {
  const reason = (more: object) =>
    status({ records: [{ ...exited(app, 137), ...more }] }).containerStatuses![0]!.state!.terminated!.reason;
  t.equal(reason({}), 'Error');
  t.equal(reason({ oomKilled: true }), 'OOMKilled');
  t.equal(reason({ exitCode: 0 }), 'Completed');
  t.equal(reason({ startError: 'no such file' }), 'StartError');
});

t.test('restart of all containers: before, while nothing runs, after', async (t) => {
  const rule = { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } };
  const ruled = container('app', { restartPolicy: 'Never', restartPolicyRules: [rule] } as Partial<Container>);
  const restarting = pod({ restartPolicy: 'Never', containers: [ruled] });
  const condition = (of: ReturnType<typeof status>) =>
    of.conditions?.find(({ type }) => type === 'AllContainersRestarting')?.status;
  const ended = status({ pod: restarting, records: [exited(ruled, 42, { restarts: 1 }), sandbox()] });
  t.match([ended.phase, condition(ended)], ['Running', 'True']);
  const resets = new Map([['app', 2]]);
  const removed = status({ pod: restarting, records: [sandbox()], resets });
  t.match([removed.phase, condition(removed)], ['Running', 'False']);
  t.match(removed.containerStatuses, [
    {
      restartCount: 2,
      state: { waiting: { reason: 'RestartingAllContainers' } },
      lastState: { terminated: { exitCode: 137, reason: 'RestartingAllContainers' } },
    },
  ]);
  const later = { ...restarting, status: removed };
  t.equal(startsBefore(later, 'app'), 2, 'a kubelet that starts in between goes on counting');
  const again = status({ pod: later, records: [record(ruled, { restarts: 2 }), sandbox()], resets });
  t.match(again.containerStatuses, [
    { restartCount: 2, state: { running: {} }, lastState: { terminated: { reason: 'RestartingAllContainers' } } },
  ]);
  t.equal(condition(status({ records: [record(app), sandbox()] })), undefined, 'only where a rule asks for it');
});

t.test('transition times change with the status only', async (t) => {
  const first = status({ records: [record(app), sandbox()] });
  const later = status({
    pod: pod({}, { status: first }),
    now: now + 5_000,
    records: [record(app), sandbox()],
    ready: () => false,
  });
  const time = (of: typeof first, type: string) =>
    of.conditions?.find((each) => each.type === type)?.lastTransitionTime;
  t.equal(time(later, 'Initialized'), time(first, 'Initialized'));
  t.not(time(later, 'Ready'), time(first, 'Ready'));
  t.equal(later.startTime, first.startTime);
});

t.test('a readiness gate that is missing or false keeps the pod from being ready', async (t) => {
  const gated = pod({ readinessGates: [{ conditionType: 'example.com/lb' }] });
  const ready = (of: typeof gated) =>
    status({ pod: of, records: [record(app)] }).conditions?.find(({ type }) => type === 'Ready');
  t.match(ready(gated), { status: 'False', reason: 'ReadinessGatesNotReady' });
  t.equal(ready({ ...gated, status: { conditions: [{ type: 'example.com/lb', status: 'True' }] } })?.status, 'True');
});

t.test('a container not started yet waits for its init containers or for itself', async (t) => {
  const waiting = (of: ReturnType<typeof pod>) => status({ pod: of }).containerStatuses![0]!.state!.waiting!.reason;
  t.equal(waiting(pod()), 'ContainerCreating');
  t.equal(waiting(pod({ initContainers: [init] })), 'PodInitializing');
});

const tool = container('tool');
const id = 'docker://tool-0';
const startedAt = '2025-12-31T23:00:00Z';
const before = { name: 'tool', image: 'app:1', imageID: 'i', ready: false, restartCount: 0, containerID: id };
const ended = { terminated: { exitCode: 2, reason: 'Error', containerID: id } };
const lost = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was deleted.  The container used to be Running',
  startedAt,
  containerID: id,
};
for (const { name, records, waiting, previous, want } of [
  { name: 'not started', records: [], want: { waiting: { reason: 'ContainerCreating' } } },
  {
    name: 'its image cannot be pulled',
    records: [],
    waiting: { reason: 'ErrImagePull', message: 'no' },
    want: { waiting: { reason: 'ErrImagePull', message: 'no' } },
  },
  { name: 'running', records: [record(tool)], want: { running: {} } },
  { name: 'ended', records: [exited(tool, 3)], want: { terminated: { exitCode: 3, reason: 'Error' } } },
  {
    name: 'a start that was refused is its end, not a reason to wait',
    records: [exited(tool, 128, { startError: 'no such file' })],
    waiting: { reason: 'RunContainerError', message: 'no such file' },
    want: { terminated: { exitCode: 128, reason: 'StartError' } },
  },
  { name: 'ended, and its record was removed', records: [], previous: { ...before, state: ended }, want: ended },
  {
    name: 'its record was removed while it ran',
    records: [],
    previous: { ...before, state: { running: { startedAt } } },
    want: { terminated: lost },
  },
]) {
  t.test(`an ephemeral container counts for nothing: ${name}`, async (t) => {
    const debugged = pod(
      { ephemeralContainers: [tool] },
      previous ? { status: { ephemeralContainerStatuses: [previous] } } : {},
    );
    const found = status({
      pod: debugged,
      records: [...records, record(app), sandbox()],
      waiting: new Map(waiting ? [['tool', waiting]] : []),
      started: (id) => id === 'app-0',
      ready: (id) => id === 'app-0',
    });
    t.equal(found.phase, 'Running');
    t.equal(found.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
    t.strictSame(
      found.containerStatuses?.map((each) => each.name),
      ['app'],
    );
    const [of, ...more] = found.ephemeralContainerStatuses ?? [];
    t.strictSame(more, []);
    t.match(of, { name: 'tool', ready: false, restartCount: 0, state: want });
    t.strictSame(Object.keys(of!.state!), Object.keys(want));
    t.notOk('started' in of!);
    const ran = records.length > 0 || previous !== undefined;
    t.equal(of?.containerID, ran ? id : undefined);
    t.equal(startsBefore(pod({}, { status: found }), 'tool'), ran ? 1 : 0);
  });
}
