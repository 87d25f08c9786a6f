import t from 'tap';
import type { ContainerRecord } from '../runtime/runtime';
import type { Container } from '../spec/container';
import { container, exited, now, pod, record, sandbox } from '../spec/pod.fixture';
import { type PlanInput, planPod } from './plan';

const app = container('app');
const init = container('init');
const second = container('second');
const tool = container('tool');
const debugged = pod({ ephemeralContainers: [tool] });
const sidecar = container('proxy', { restartPolicy: 'Always' } as Partial<Container>);

const sized = (name: string, cpu: string, more: Partial<Container> = {}): Container =>
  container(name, { ...more, resources: { requests: { cpu } } });
const ruled = (action: 'Restart' | 'RestartAllContainers'): Container =>
  container('app', {
    restartPolicy: 'Never',
    restartPolicyRules: [{ action, exitCodes: { operator: 'In', values: [42] } }],
  });
const restarting = sized('app', '1', { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] });

const plan = (more: Partial<PlanInput>) =>
  planPod({ pod: pod(), records: [], now, verdict: () => 'healthy', started: () => true, notBefore: () => 0, ...more });

/** Actions as short lines. */
const lines = (more: Partial<PlanInput>): string[] =>
  plan(more).actions.map((action) => {
    if (action.action === 'start-container') return `start ${action.container.name} ${action.attempt}`;
    if (action.action === 'create-sandbox') return `sandbox ${action.attempt}`;
    if (action.action === 'kill-container') return `kill ${action.id}: ${action.message}`;
    if (action.action === 'remove-container') return `remove ${action.id}`;
    if (action.action === 'resize-containers') return `resize ${action.resizes.map(({ id }) => id)}`;
    if (action.action === 'restart-all-containers') return `restart all ${action.ids}`;
    return `stop-pod: ${action.reason}`;
  });

interface Case {
  readonly name: string;
  readonly input: Partial<PlanInput>;
  readonly want: readonly string[];
}
const never = (spec = {}) => pod({ restartPolicy: 'Never', ...spec });
const onFailure = (spec = {}) => pod({ restartPolicy: 'OnFailure', ...spec });
const dead = (more: Partial<ContainerRecord> = {}) => sandbox({ state: 'exited', exitCode: 137, ...more });

const cases: readonly Case[] = [
  { name: 'a new pod: sandbox and app in one go', input: {}, want: ['sandbox 0', 'start app 0'] },
  {
    name: 'all containers start together',
    input: { pod: pod({ containers: [app, second] }) },
    want: ['sandbox 0', 'start app 0', 'start second 0'],
  },
  {
    name: 'a rule restarts a container of a pod that never restarts',
    input: { pod: never({ containers: [ruled('Restart')] }), records: [exited(app, 42), sandbox()] },
    want: ['start app 1'],
  },
  {
    name: 'a rule that does not match leaves the policy of the container',
    input: { pod: pod({ containers: [ruled('Restart')] }), records: [exited(app, 1), sandbox()] },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'a container that restarts in a pod that never does keeps the pod alive',
    input: {
      pod: never({ containers: [container('app', { restartPolicy: 'OnFailure' }), second] }),
      records: [exited(app, 1), exited(second, 1), sandbox()],
    },
    want: ['start app 1'],
  },
  {
    name: 'an init container that never restarts ends a pod that does',
    input: {
      pod: pod({ initContainers: [container('init', { restartPolicy: 'Never' })] }),
      records: [exited(init, 1), sandbox()],
    },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'a rule restarts all containers: those whose end asks for it are removed last',
    input: {
      pod: never({ initContainers: [init], containers: [ruled('RestartAllContainers'), second] }),
      records: [exited(app, 42), record(second), exited(init, 0), sandbox()],
    },
    want: ['restart all second-0,init-0,app-0'],
  },
  {
    name: 'after that the pod starts from its init containers, and counts go on',
    input: {
      pod: never({ initContainers: [init], containers: [ruled('RestartAllContainers'), second] }),
      records: [sandbox()],
      previousStarts: () => 3,
    },
    want: ['start init 3'],
  },
  {
    name: 'running containers get other resources, all in one action',
    input: {
      pod: pod({
        containers: [sized('app', '200m'), sized('second', '1')],
        initContainers: [sized('proxy', '1', sidecar)],
      }),
      records: [
        record(app, { resources: { cpuShares: 102 } }),
        record(second, { resources: { cpuShares: 1024 } }),
        record(sidecar, { resources: { cpuShares: 2 } }),
        sandbox(),
      ],
    },
    want: ['resize proxy-0,app-0'],
  },
  {
    name: 'a resize that failed waits',
    input: {
      pod: pod({ containers: [sized('app', '1')] }),
      records: [record(app, { resources: { cpuShares: 2 } }), sandbox()],
      resizeNotBefore: now + 1,
    },
    want: [],
  },
  {
    name: 'a policy demands a restart for other resources',
    input: {
      pod: pod({ containers: [restarting] }),
      records: [record(app, { resources: { cpuShares: 2 } }), sandbox()],
    },
    want: ['kill app-0: Container app resize requires restart'],
  },
  {
    name: 'a container that ended for a resize starts again, whatever its restart policy says',
    input: {
      pod: onFailure({ containers: [restarting] }),
      records: [exited(app, 0), sandbox()],
      endedForResize: (id) => id === 'app-0',
    },
    want: ['start app 1'],
  },
  {
    name: 'a running init container gets other resources',
    input: {
      pod: pod({ initContainers: [sized('init', '1')] }),
      records: [record(init, { resources: { cpuShares: 2 } }), sandbox()],
    },
    want: ['resize init-0'],
  },
  { name: 'all is well: nothing to do', input: { records: [record(app), sandbox()] }, want: [] },
  {
    name: 'init containers run one after the other',
    input: { pod: pod({ initContainers: [init, second] }) },
    want: ['sandbox 0', 'start init 0'],
  },
  {
    name: 'a running init container is waited for',
    input: { pod: pod({ initContainers: [init] }), records: [record(init), sandbox()] },
    want: [],
  },
  {
    name: 'after the last init container the app starts',
    input: { pod: pod({ initContainers: [init] }), records: [exited(init, 0), sandbox()] },
    want: ['start app 0'],
  },
  {
    name: 'a failed init container is tried again',
    input: { pod: pod({ initContainers: [init] }), records: [exited(init, 1), sandbox()] },
    want: ['start init 1'],
  },
  {
    name: 'a failed init container ends a pod that never restarts',
    input: { pod: never({ initContainers: [init] }), records: [exited(init, 1), sandbox()] },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'a sidecar that has not started holds the rest back',
    input: { pod: pod({ initContainers: [sidecar] }), records: [record(sidecar), sandbox()], started: () => false },
    want: [],
  },
  {
    name: 'a started sidecar lets the app start',
    input: { pod: pod({ initContainers: [sidecar] }), records: [record(sidecar), sandbox()] },
    want: ['start app 0'],
  },
  {
    name: 'a sidecar that ended is restarted next to the running app, whatever the policy',
    input: { pod: never({ initContainers: [sidecar] }), records: [record(app), exited(sidecar, 0), sandbox()] },
    want: ['start proxy 1'],
  },
  { name: 'Always restarts after success', input: { records: [exited(app, 0), sandbox()] }, want: ['start app 1'] },
  { name: 'OnFailure leaves success alone', input: { pod: onFailure(), records: [exited(app, 0)] }, want: [] },
  {
    name: 'OnFailure restarts after failure',
    input: { pod: onFailure(), records: [exited(app, 2), sandbox()] },
    want: ['start app 1'],
  },
  {
    name: 'a completed pod gives its sandbox back',
    input: { pod: never(), records: [exited(app, 0), sandbox()] },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'a completed pod takes its sidecars down',
    input: { pod: never({ initContainers: [sidecar] }), records: [exited(app, 0), record(sidecar), sandbox()] },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'one container of two has ended: the pod goes on',
    input: { pod: never({ containers: [app, second] }), records: [record(second), exited(app, 0), sandbox()] },
    want: [],
  },
  {
    name: 'a dead sandbox takes the running containers along',
    input: { records: [record(app), dead()] },
    want: ['stop-pod: Pod sandbox changed', 'sandbox 1', 'start app 1'],
  },
  {
    name: 'after a dead sandbox, what succeeded is not repeated',
    input: { pod: onFailure({ containers: [app, second] }), records: [exited(second, 1), exited(app, 0), dead()] },
    want: ['sandbox 1', 'start second 1'],
  },
  {
    name: 'an old sandbox is cleaned away once a new one runs',
    input: { records: [record(app, { sandboxId: 'new' }), sandbox({ id: 'new' }), dead()] },
    want: ['remove sb'],
  },
  {
    name: 'a changed image restarts the container',
    input: { pod: pod({ containers: [container('app', { image: 'app:2' })] }), records: [record(app), sandbox()] },
    want: ['kill app-0: Container app definition changed, will be restarted'],
  },
  {
    name: 'a failed liveness probe',
    input: { records: [record(app), sandbox()], verdict: () => 'liveness-failed' },
    want: ['kill app-0: Container app failed liveness probe, will be restarted'],
  },
  {
    name: 'a failed startup probe',
    input: { records: [record(app), sandbox()], verdict: () => 'startup-failed' },
    want: ['kill app-0: Container app failed startup probe, will be restarted'],
  },
  {
    name: 'created but never started: created again under the same number',
    input: { records: [record(app, { state: 'created', restarts: 2 }), sandbox()] },
    want: ['remove app-2', 'start app 2'],
  },
  {
    name: 'of dead containers the last one stays',
    input: {
      records: [
        record(app, { restarts: 3 }),
        exited(app, 1, { restarts: 2 }),
        exited(app, 1, { restarts: 1 }),
        sandbox(),
      ],
    },
    want: ['remove app-1'],
  },
  {
    name: 'an ephemeral container starts once the sandbox runs',
    input: { pod: debugged, records: [record(app), sandbox()] },
    want: ['start tool 0'],
  },
  { name: 'not before: the sandbox is created first', input: { pod: debugged }, want: ['sandbox 0', 'start app 0'] },
  {
    name: 'an ephemeral container does not wait for init containers',
    input: {
      pod: pod({ initContainers: [init], ephemeralContainers: [tool] }),
      records: [record(init), sandbox()],
    },
    want: ['start tool 0'],
  },
  {
    name: 'nor for a container that crashes',
    input: {
      pod: debugged,
      records: [exited(app, 1), sandbox()],
      notBefore: (name) => (name === 'app' ? now + 1 : 0),
    },
    want: ['start tool 0'],
  },
  {
    name: 'a running ephemeral container stays, whatever is said of it',
    input: {
      pod: debugged,
      records: [record(tool), record(app), sandbox()],
      verdict: (id) => (id === 'tool-0' ? 'liveness-failed' : 'healthy'),
    },
    want: [],
  },
  ...[0, 1].map((code) => ({
    name: `an ephemeral container that ended with ${code} is not started again`,
    input: { pod: debugged, records: [exited(tool, code), record(app), sandbox()] },
    want: [],
  })),
  {
    name: 'nor in a new sandbox',
    input: {
      pod: debugged,
      records: [record(app, { sandboxId: 'new' }), sandbox({ id: 'new' }), exited(tool, 137), dead()],
    },
    want: ['remove sb'],
  },
  {
    name: 'nor when only the API knows that it ran',
    input: { pod: debugged, records: [record(app), sandbox()], previousStarts: (name) => (name === 'tool' ? 1 : 0) },
    want: [],
  },
  {
    name: 'an ephemeral container that was created but not started',
    input: { pod: debugged, records: [record(tool, { state: 'created' }), record(app), sandbox()] },
    want: ['remove tool-0', 'start tool 0'],
  },
  {
    name: 'a running ephemeral container does not keep a completed pod',
    input: { pod: never({ ephemeralContainers: [tool] }), records: [record(tool), exited(app, 0), sandbox()] },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'nor is one started in it',
    input: { pod: never({ ephemeralContainers: [tool] }), records: [exited(app, 0), sandbox()] },
    want: ['stop-pod: the pod has completed'],
  },
  {
    name: 'the count goes on where only the API knows it',
    input: { records: [], previousStarts: () => 4 },
    want: ['sandbox 0', 'start app 4'],
  },
];

for (const { name, input, want } of cases) t.test(name, async (t) => t.same(lines(input), want));

t.test('back-off: nothing starts before its time, and the plan names the time', async (t) => {
  const result = plan({ records: [exited(app, 1), sandbox()], notBefore: () => now + 7_000 });
  t.same(result.actions, []);
  t.same(result.backingOff, ['app']);
  t.equal(result.retryAtMs, now + 7_000);
});

t.test('the earliest of several times counts', async (t) => {
  const result = plan({
    pod: pod({ containers: [app, second] }),
    records: [exited(app, 1), exited(second, 1), sandbox()],
    notBefore: (name) => now + (name === 'app' ? 9_000 : 3_000),
  });
  t.equal(result.retryAtMs, now + 3_000);
});
