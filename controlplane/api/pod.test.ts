import t from 'tap';
import { summarizePod } from '../base/pod-summary';
import { type Pod, pods } from './pod';
import { qosClass } from './pods/qos';
import type { Container } from './pods/types';
import { loadSchemas } from './schema/load';
import { validateStructure } from './schema/structure';

const schemas = loadSchemas();

const container = (change: Partial<Container> = {}): Container => ({ name: 'c', image: 'nginx', ...change });
function pod(spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  const object: Pod = { metadata: { name: 'p', namespace: 'd' }, spec: { containers: [container()], ...spec } };
  pods.options.defaults?.(object);
  return object;
}
const causesOf = (object: Pod, old?: Pod): string[] =>
  (pods.options.validate?.(object, { subresource: '', ...(old ? { old } : {}) }) ?? []).map(
    ({ field, message }) => `${field}: ${message}`,
  );

t.test('defaults of a pod, its containers and volumes', async (t) => {
  const object = pod({
    containers: [
      container({
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        resources: { limits: { cpu: '1000m', memory: '1024Mi' }, requests: { memory: '0.5Gi' } },
      }),
    ],
    volumes: [{ name: 'e' }, { name: 's', secret: { secretName: 'x' } }],
  });
  t.match(object.spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    securityContext: {},
    volumes: [{ emptyDir: {} }, { secret: { defaultMode: 420 } }],
  });
  t.match(object.spec?.containers[0], {
    imagePullPolicy: 'Always',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ports: [{ protocol: 'TCP' }],
    livenessProbe: {
      httpGet: { path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      failureThreshold: 3,
    },
    env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }],
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '512Mi' } },
  });
  const again = structuredClone(object);
  pods.options.defaults?.(again);
  t.same(again, object, 'applied twice, they change nothing');
  t.same(
    validateStructure(schemas.of(pods), pods, structuredClone(object), 'Strict'),
    [],
    'objects with defaults fit the schema',
  );
  for (const [image, policy] of [
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1', 'IfNotPresent'],
    ['host:5000/nginx', 'Always'],
    ['host:5000/nginx:1', 'IfNotPresent'],
    [`nginx@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
  ] as const) {
    t.equal(pod({ containers: [container({ image })] }).spec?.containers[0]?.imagePullPolicy, policy, image);
  }
});

t.test('a new pod is pending and has a class', async (t) => {
  const object = { ...pod(), status: { phase: 'Running' } };
  pods.options.prepare?.(object, { subresource: '' });
  t.same(object.status, { phase: 'Pending', qosClass: 'BestEffort' });
  const limits = { cpu: '1', memory: '1Gi' };
  t.equal(qosClass({ containers: [container({ resources: { limits } })] }), 'Guaranteed');
  t.equal(qosClass({ containers: [container({ resources: { limits, requests: { cpu: '1' } } })] }), 'Guaranteed');
  t.equal(qosClass({ containers: [container({ resources: { requests: { cpu: '1m' } } })] }), 'Burstable');
  t.equal(qosClass({ containers: [container({ resources: { limits } }), container()] }), 'Burstable');
});

t.test('field rules', async (t) => {
  const cases: Array<{ name: string; object: Pod; causes: string[] }> = [
    { name: 'valid', object: pod(), causes: [] },
    { name: 'no containers', object: pod({ containers: [] }), causes: ['spec.containers: Required value'] },
    {
      name: 'no image',
      object: pod({ containers: [container({ image: '' })] }),
      causes: ['spec.containers[0].image: Required value'],
    },
    {
      name: 'two containers of one name',
      object: pod({ containers: [container(), container()] }),
      causes: ['spec.containers[1].name: Duplicate value: "c"'],
    },
    {
      name: 'restart policy',
      object: pod({ restartPolicy: 'Sometimes' }),
      causes: ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    },
    {
      name: 'mount of an unknown volume',
      object: pod({ containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })] }),
      causes: ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    },
    {
      name: 'port out of range',
      object: pod({ containers: [container({ ports: [{ containerPort: 70000 }] })] }),
      causes: [
        'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      ],
    },
    {
      name: 'request above limit',
      object: pod({ containers: [container({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } })] }),
      causes: [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      ],
    },
    {
      name: 'probe without a handler',
      object: pod({ containers: [container({ livenessProbe: {} })] }),
      causes: ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    },
    {
      name: 'liveness needs one success',
      object: pod({ containers: [container({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } })] }),
      causes: ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    },
    {
      name: 'two sources for one volume',
      object: pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] }),
      causes: ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    },
    {
      name: 'toleration of everything needs Exists',
      object: pod({ tolerations: [{ operator: 'Equal' }] }),
      causes: [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    },
    {
      name: 'host network ports',
      object: pod({ hostNetwork: true, containers: [container({ ports: [{ containerPort: 80, hostPort: 81 }] })] }),
      causes: [
        'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
      ],
    },
    {
      name: 'spread without a key',
      object: pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'DoNotSchedule' }] }),
      causes: [
        'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
        'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
      ],
    },
    {
      name: 'dnsPolicy None',
      object: pod({ dnsPolicy: 'None' }),
      causes: ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    },
  ];
  for (const { name, object, causes } of cases) t.same(causesOf(object), causes, name);
});

t.test('changes that are allowed', async (t) => {
  const old = pod({ tolerations: [{ key: 'a', operator: 'Exists' }] });
  const changed = (change: (spec: NonNullable<Pod['spec']>) => void): Pod => {
    const object = structuredClone(old);
    change(object.spec!);
    return object;
  };
  t.same(
    causesOf(
      changed(() => {}),
      old,
    ),
    [],
  );
  t.same(
    causesOf(
      changed((spec) => (spec.containers[0]!.image = 'other')),
      old,
    ),
    [],
    'an image',
  );
  t.same(
    causesOf(
      changed((spec) => spec.tolerations!.push({ key: 'b', operator: 'Exists' })),
      old,
    ),
    [],
    'one more toleration',
  );
  t.match(
    causesOf(
      changed((spec) => (spec.tolerations = [])),
      old,
    ),
    [/^spec\.tolerations: Forbidden: existing toleration/],
  );
  t.match(
    causesOf(
      changed((spec) => (spec.nodeName = 'n')),
      old,
    ),
    [/^spec: Forbidden: pod updates may not change fields other than .*\n\+ nodeName: "n"$/s],
  );
  t.same(
    causesOf(
      changed((spec) => spec.containers.push(container({ name: 'x' }))),
      old,
    ),
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  );
  t.same(
    pods.options.validate?.(
      changed((spec) => (spec.nodeName = 'n')),
      { subresource: 'status', old },
    ),
    [],
  );
});

t.test('the status column', async (t) => {
  const waiting = (reason: string) => ({ state: { waiting: { reason } } });
  const running = { ready: true, state: { running: {} } };
  const status = (name: string, rest: object) => ({
    name,
    image: 'i',
    imageID: '',
    ready: false,
    restartCount: 0,
    ...rest,
  });
  const cases: Array<{ name: string; object: Pod; reason: string; ready: string }> = [
    { name: 'pending', object: { ...pod(), status: { phase: 'Pending' } }, reason: 'Pending', ready: '0/1' },
    {
      name: 'gated',
      object: {
        ...pod(),
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
        },
      },
      reason: 'SchedulingGated',
      ready: '0/1',
    },
    {
      name: 'running',
      object: { ...pod(), status: { phase: 'Running', containerStatuses: [status('c', running)] } },
      reason: 'Running',
      ready: '1/1',
    },
    {
      name: 'crash loop',
      object: { ...pod(), status: { phase: 'Running', containerStatuses: [status('c', waiting('CrashLoopBackOff'))] } },
      reason: 'CrashLoopBackOff',
      ready: '0/1',
    },
    {
      name: 'exit code',
      object: {
        ...pod(),
        status: { phase: 'Failed', containerStatuses: [status('c', { state: { terminated: { exitCode: 3 } } })] },
      },
      reason: 'ExitCode:3',
      ready: '0/1',
    },
    {
      name: 'signal',
      object: {
        ...pod(),
        status: {
          phase: 'Failed',
          containerStatuses: [status('c', { state: { terminated: { exitCode: 137, signal: 9 } } })],
        },
      },
      reason: 'Signal:9',
      ready: '0/1',
    },
    {
      name: 'one done, one running',
      object: {
        ...pod({ containers: [container(), container({ name: 'd' })] }),
        status: {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [
            status('c', { state: { terminated: { exitCode: 0, reason: 'Completed' } } }),
            status('d', running),
          ],
        },
      },
      reason: 'Running',
      ready: '1/2',
    },
    {
      name: 'init containers',
      object: {
        ...pod({ initContainers: [container({ name: 'i1' }), container({ name: 'i2' })] }),
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            status('i1', { state: { terminated: { exitCode: 0 } } }),
            status('i2', { state: { running: {} } }),
          ],
          containerStatuses: [status('c', waiting('PodInitializing'))],
        },
      },
      reason: 'Init:1/2',
      ready: '0/1',
    },
    {
      name: 'init container fails',
      object: {
        ...pod({ initContainers: [container({ name: 'i1' })] }),
        status: { phase: 'Pending', initContainerStatuses: [status('i1', waiting('CrashLoopBackOff'))] },
      },
      reason: 'Init:CrashLoopBackOff',
      ready: '0/1',
    },
    {
      name: 'sidecars count',
      object: {
        ...pod({ initContainers: [container({ name: 's', restartPolicy: 'Always' })] }),
        status: {
          phase: 'Running',
          initContainerStatuses: [status('s', { ...running, started: true })],
          containerStatuses: [status('c', running)],
        },
      },
      reason: 'Running',
      ready: '2/2',
    },
    {
      name: 'terminating',
      object: {
        ...pod(),
        metadata: { deletionTimestamp: 'x' },
        status: { phase: 'Running', containerStatuses: [status('c', running)] },
      },
      reason: 'Terminating',
      ready: '1/1',
    },
    {
      name: 'evicted',
      object: { ...pod(), status: { phase: 'Failed', reason: 'Evicted' } },
      reason: 'Evicted',
      ready: '0/1',
    },
  ];
  for (const { name, object, reason, ready } of cases) {
    const summary = summarizePod(object);
    t.equal(summary.reason, reason, name);
    t.equal(`${summary.ready}/${summary.total}`, ready, name);
  }
});

t.test('the table', async (t) => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  const finishedAt = '2026-01-01T00:05:00Z';
  const object: Pod = {
    ...pod({ nodeName: 'worker-1' }),
    metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: {
      phase: 'Running',
      podIP: '10.244.1.2',
      containerStatuses: [
        {
          name: 'c',
          image: 'i',
          imageID: '',
          ready: true,
          restartCount: 2,
          state: { running: {} },
          lastState: { terminated: { exitCode: 1, finishedAt } },
        },
      ],
    },
  };
  const columns = pods.options.columns ?? [];
  t.same(
    columns.map(({ name }) => name.toUpperCase()),
    ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES'],
  );
  t.same(
    columns.map(({ cell }) => cell(object, now)),
    ['p', '1/1', 'Running', '2 (5m ago)', '10m', '10.244.1.2', 'worker-1', '<none>', '<none>'],
  );
  for (const { cell, name } of columns) t.doesNotThrow(() => cell({}, now), name);
  t.equal(pods.options.fields?.['spec.nodeName']?.(object), 'worker-1');
});
