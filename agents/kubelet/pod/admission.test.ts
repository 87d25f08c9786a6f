import t from 'tap';
import { type Node, type Pod, pods } from '../../../controlplane/api';
import { noDevices, type PodDevices } from '../devices/pod-devices';
import { refusalOf } from './admission';
import { setUp } from './pod-set.fixture';

const node: Node = {
  metadata: { name: 'n1', labels: { disk: 'ssd' } },
  spec: { taints: [{ key: 'busy', effect: 'NoSchedule' }] },
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3' } },
} as Node;
type Spec = NonNullable<Pod['spec']>;
const pod = (spec: Partial<Spec>): Pod => ({ metadata: { name: 'p' }, spec: { containers: [], ...spec } as Spec });
const port = (hostPort: number, hostIP?: string): Partial<Spec> => ({
  containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, ...(hostIP ? { hostIP } : {}) }] }],
});
const requests = (amounts: Record<string, string>): Partial<Spec> => ({
  containers: [{ name: 'c', resources: { requests: amounts } }],
});
const evicting = { ...node, spec: { taints: [{ key: 'gone', effect: 'NoExecute' }] } } as Node;

t.test('a new pod is refused for what the node cannot give', async (t) => {
  const noPorts = 'Predicate NodePorts failed: ' + "node(s) didn't have free ports for the requested pod ports";
  const lack = "Node didn't have enough resource: ";
  const cases: {
    name: string;
    spec: Partial<Spec>;
    others?: Partial<Spec>[];
    on?: Node;
    refusal?: [string, string];
  }[] = [
    { name: 'nothing asked', spec: {} },
    { name: 'a free port', spec: port(80), others: [port(81)] },
    { name: 'the same port of another address', spec: port(80, '192.0.2.1'), others: [port(80, '192.0.2.2')] },
    { name: 'a taken port', spec: port(80, '192.0.2.1'), others: [port(80)], refusal: ['NodePorts', noPorts] },
    {
      name: 'cpu',
      spec: requests({ cpu: '1500m' }),
      others: [requests({ cpu: '600m' })],
      refusal: ['OutOfcpu', `${lack}cpu, requested: 1500, used: 600, capacity: 2000`],
    },
    { name: 'exactly the rest', spec: requests({ cpu: '1400m', memory: '1Gi' }), others: [requests({ cpu: '600m' })] },
    {
      name: 'overhead counts',
      spec: { ...requests({ memory: '1Gi' }), overhead: { memory: '1' } },
      refusal: ['OutOfmemory', `${lack}memory, requested: 1073741825, used: 0, capacity: 1073741824`],
    },
    { name: 'a resource that the node does not have', spec: requests({ 'example.com/gpu': '1' }) },
    {
      name: 'pods',
      spec: {},
      others: [{}, {}, {}],
      refusal: ['OutOfpods', `${lack}pods, requested: 1, used: 3, capacity: 3`],
    },
    { name: 'the label', spec: { nodeSelector: { disk: 'ssd' } } },
    {
      name: 'another label',
      spec: { nodeSelector: { disk: 'hdd' } },
      refusal: ['NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    },
    {
      name: 'a taint that ends pods',
      spec: {},
      on: evicting,
      refusal: ['TaintToleration', "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"],
    },
    { name: 'tolerated', spec: { tolerations: [{ operator: 'Exists' }] }, on: evicting },
    {
      name: 'another system',
      spec: { os: { name: 'windows' } },
      refusal: ['PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS"],
    },
    {
      name: 'strict groups',
      spec: { securityContext: { supplementalGroupsPolicy: 'Strict' } },
      refusal: [
        'SupplementalGroupsPolicyNotSupported',
        'SupplementalGroupsPolicy=Strict is not supported in this node',
      ],
    },
    {
      name: 'AppArmor',
      spec: { containers: [{ name: 'c', securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }] },
      refusal: ['AppArmor', 'Cannot enforce AppArmor: AppArmor is not enabled on the host'],
    },
    { name: 'no AppArmor wanted', spec: { securityContext: { appArmorProfile: { type: 'Unconfined' } } } },
  ];
  for (const { name, spec, others = [], on = node, refusal } of cases) {
    const found = refusalOf(pod(spec), on, others.map(pod), false);
    t.same(found && [found.reason, found.message], refusal, name);
  }
  const confined = pod({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } });
  t.equal(refusalOf(confined, node, [], true), undefined, 'where the kernel has AppArmor');
});

t.test('of two pods with one host port the second fails; a port is free again when its pod is gone', async (t) => {
  const { create, ready, until, client, restart, reasons, runtime } = await setUp(t, { ownNode: node });
  const spec = { containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 80, hostPort: 80 }] }] };
  await create('first', spec);
  await ready('first');
  await restart();
  await create('second', spec);
  const refused = await until('second', (found) => found?.status?.phase === 'Failed');
  t.match(refused?.status, { reason: 'NodePorts', message: /^Pod was rejected: Predicate NodePorts failed: / });
  t.ok((await reasons()).includes('NodePorts'));
  t.equal(runtime.byName('uid-second', 'app'), undefined);
  await client.delete(pods, 'shop/first', { gracePeriodSeconds: 0 });
  await until('first', (found) => found === undefined);
  await create('third', spec);
  await ready('third');
});

t.test('a pod gets its devices before it is admitted, and its containers what their plug-in says', async (t) => {
  const happened: string[] = [];
  const free = new Set(['Dev-1']);
  const devices: PodDevices = {
    ...noDevices,
    wants: ({ spec }) => spec?.containers[0]?.resources?.limits?.['example.com/gpu'] !== undefined,
    allocate: async ({ metadata }) => {
      if (free.size === 0) throw new Error('none is left');
      free.clear();
      happened.push(`allocated ${metadata?.uid}`);
    },
    covering: (_, on) => ({ ...on, status: { allocatable: { 'example.com/gpu': '1' } } }),
    optionsFor: () =>
      Promise.resolve({
        envs: new Map([['GPU', 'Dev-1']]),
        mounts: [{ containerPath: '/gpu', hostPath: '/opt/gpu', readOnly: true }],
        devices: [{ containerPath: '/dev/gpu', hostPath: '/dev/null', readOnly: false, permissions: 'rw' }],
        annotations: { 'example.com/gpu': 'Dev-1' },
      }),
    healthOf: (uid) =>
      uid === 'uid-first'
        ? [{ name: 'example.com/gpu', resources: [{ resourceID: 'Dev-1', health: 'Healthy' }] }]
        : undefined,
    release: (uid) => void happened.push(`released ${uid}`),
  };
  const { create, ready, until, runtime } = await setUp(t, { ownNode: node, devices });
  const spec = {
    containers: [{ name: 'app', image: 'app:1', resources: { limits: { 'example.com/gpu': '1' } } }],
  };
  await create('first', spec);
  const first = await ready('first');
  t.match(first?.status?.containerStatuses?.[0]?.allocatedResourcesStatus, [{ name: 'example.com/gpu' }]);
  const { spec: created } = runtime.byName('uid-first', 'app')!;
  t.ok(created.env.includes('GPU=Dev-1'));
  t.match(created.mounts[0], { containerPath: '/gpu', hostPath: '/opt/gpu' });
  t.match(created.devices, [{ containerPath: '/dev/gpu', permissions: 'rw' }]);
  t.equal(created.labels['annotation.example.com/gpu'], 'Dev-1');
  await create('second', spec);
  const second = await until('second', (found) => found?.status?.phase === 'Failed');
  t.match(second?.status, {
    reason: 'UnexpectedAdmissionError',
    message: 'Pod was rejected: Allocate failed due to none is left, which is unexpected',
  });
  t.same(happened.slice(0, 2), ['allocated uid-first', 'released uid-second']);
});
