// metadata.generation of every kind: 1 at first; only a change of the desired state raises it.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { definitionSample } from '../../../test/lib/samples';
import { registry } from '../../api/registry';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

const merge = 'application/merge-patch+json';
const pods = '/api/v1/namespaces/default/pods';
const podSpec = { containers: [{ name: 'c', image: 'i' }] };
const pod = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { ...podSpec, ...spec },
});
const labels = { app: 'x' };
const template = { metadata: { labels }, spec: podSpec };
const workload = { selector: { matchLabels: labels }, template };
const job = { template: { spec: { ...podSpec, restartPolicy: 'Never' } } };
const ingress = { defaultBackend: { service: { name: 's', port: { number: 80 } } } };
const matchConstraints = {
  resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] }],
};
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://127.0.0.1/' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};

interface Case {
  /** Default: generation. */
  readonly name?: string;
  readonly path: string;
  readonly body: object;
  /** A merge patch outside metadata and status. */
  readonly change: object;
  /** After: create, a new label, a new annotation, the change. */
  readonly generations: readonly (number | undefined)[];
}
const none = [undefined, undefined, undefined, undefined];
const bySpec = [1, 1, 1, 2];
const apps = '/apis/apps/v1/namespaces/default';
const net = '/apis/networking.k8s.io/v1';
const cases: readonly Case[] = [
  {
    path: pods,
    body: { spec: podSpec },
    change: { spec: { activeDeadlineSeconds: 100 } },
    generations: bySpec,
  },
  {
    path: `${apps}/deployments`,
    body: { spec: workload },
    change: { spec: { replicas: 2 } },
    generations: [1, 1, 2, 3],
  },
  { path: `${apps}/replicasets`, body: { spec: workload }, change: { spec: { replicas: 2 } }, generations: bySpec },
  { path: `${apps}/statefulsets`, body: { spec: workload }, change: { spec: { replicas: 2 } }, generations: bySpec },
  {
    path: `${apps}/daemonsets`,
    body: { spec: workload },
    change: { spec: { minReadySeconds: 1 } },
    generations: bySpec,
  },
  {
    path: '/apis/batch/v1/namespaces/default/cronjobs',
    body: { spec: { schedule: '@daily', jobTemplate: { spec: job } } },
    change: { spec: { suspend: true } },
    generations: bySpec,
  },
  {
    path: '/apis/batch/v1/namespaces/default/jobs',
    body: { spec: job },
    change: { spec: { parallelism: 2 } },
    generations: bySpec,
  },
  {
    path: `${net}/namespaces/default/ingresses`,
    body: { spec: ingress },
    change: { spec: { ingressClassName: 'c' } },
    generations: bySpec,
  },
  {
    path: `${net}/namespaces/default/networkpolicies`,
    body: { spec: { podSelector: {} } },
    change: { spec: { podSelector: { matchLabels: labels } } },
    generations: bySpec,
  },
  {
    path: `${net}/ingressclasses`,
    body: { spec: { controller: 'example.com/c' } },
    change: { spec: { parameters: { kind: 'K', name: 'p', scope: 'Cluster' } } },
    generations: bySpec,
  },
  {
    path: '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    body: { spec: { minAvailable: 1, selector: { matchLabels: labels } } },
    change: { spec: { minAvailable: 2 } },
    generations: bySpec,
  },
  {
    path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    body: { addressType: 'IPv4', endpoints: [] },
    change: { endpoints: [{ addresses: ['10.0.0.1'] }] },
    generations: [1, 2, 2, 3],
  },
  {
    path: '/api/v1/namespaces/default/services',
    body: { spec: { ports: [{ port: 80 }] } },
    change: { spec: { sessionAffinity: 'ClientIP' } },
    generations: bySpec,
  },
  {
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    name: 'generation.sample.example.com',
    body: { spec: definitionSample('generation').spec },
    change: { spec: { names: { categories: ['all'] } } },
    generations: bySpec,
  },
  {
    path: '/apis/scheduling.k8s.io/v1/priorityclasses',
    body: { value: 5 },
    change: { description: 'text' },
    generations: [1, 1, 1, 1],
  },
  {
    path: '/api/v1/namespaces/default/podtemplates',
    body: { template },
    change: { template: { spec: { restartPolicy: 'Never' } } },
    generations: bySpec,
  },
  ...['mutating', 'validating'].map((which) => ({
    path: `/apis/admissionregistration.k8s.io/v1/${which}webhookconfigurations`,
    body: { webhooks: [webhook] },
    change: { webhooks: [] },
    generations: bySpec,
  })),
  {
    path: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    body: { spec: { matchConstraints, validations: [{ expression: 'true' }] } },
    change: { spec: { failurePolicy: 'Ignore' } },
    generations: bySpec,
  },
  {
    path: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
    body: { spec: { policyName: 'p', validationActions: ['Deny'] } },
    change: { spec: { validationActions: ['Warn'] } },
    generations: bySpec,
  },
  {
    path: '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies',
    body: {
      spec: {
        matchConstraints,
        mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
        reinvocationPolicy: 'Never',
      },
    },
    change: { spec: { failurePolicy: 'Ignore' } },
    generations: bySpec,
  },
  {
    path: '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings',
    body: { spec: { policyName: 'p' } },
    change: { spec: { policyName: 'q' } },
    generations: bySpec,
  },
  {
    path: '/api/v1/namespaces/default/replicationcontrollers',
    body: { spec: { template } },
    change: { spec: { replicas: 2 } },
    generations: bySpec,
  },
  {
    path: '/apis/node.k8s.io/v1/runtimeclasses',
    body: { handler: 'runc' },
    change: { overhead: { podFixed: { cpu: '1m' } } },
    generations: none,
  },
  {
    path: '/api/v1/persistentvolumes',
    body: { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } } },
    change: { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
    generations: none,
  },
  {
    path: '/api/v1/namespaces/default/persistentvolumeclaims',
    body: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    change: { spec: { volumeName: 'v' } },
    generations: none,
  },
  {
    path: '/apis/storage.k8s.io/v1/storageclasses',
    body: { provisioner: 'example.com/p' },
    change: { allowVolumeExpansion: true },
    generations: none,
  },
  {
    path: '/apis/storage.k8s.io/v1/volumeattributesclasses',
    body: { driverName: 'd', parameters: { a: 'b' } },
    change: { metadata: { labels: { x: 'y' } } },
    generations: none,
  },
  {
    path: '/apis/resource.k8s.io/v1/deviceclasses',
    body: { spec: {} },
    change: { spec: { extendedResourceName: 'example.com/r' } },
    generations: bySpec,
  },
  {
    path: '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims',
    body: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
    change: { metadata: { labels: { x: 'y' } } },
    generations: none,
  },
  {
    path: '/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates',
    body: { spec: { spec: { devices: {} } } },
    change: { metadata: { labels: { x: 'y' } } },
    generations: none,
  },
  {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    body: { spec: { driver: 'd', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, nodeName: 'n' } },
    change: { spec: { pool: { generation: 2 } } },
    generations: bySpec,
  },
  {
    path: '/apis/storage.k8s.io/v1/volumeattachments',
    body: { spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
    change: { metadata: { labels: { x: 'y' } } },
    generations: none,
  },
  {
    path: '/apis/storage.k8s.io/v1/csidrivers',
    body: { spec: {} },
    change: { metadata: { labels: { x: 'y' } } },
    generations: none,
  },
  {
    path: '/apis/storage.k8s.io/v1/csinodes',
    body: { spec: { drivers: [] } },
    change: { spec: { drivers: [{ name: 'd', nodeID: 'n' }] } },
    generations: none,
  },
  {
    path: '/apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities',
    body: { storageClassName: 'c' },
    change: { capacity: '1Gi' },
    generations: none,
  },
  {
    path: `${net}/servicecidrs`,
    body: { spec: { cidrs: ['192.0.2.0/24'] } },
    change: { spec: { cidrs: ['192.0.2.0/24', '2001:db8::/64'] } },
    generations: none,
  },
  {
    path: '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
    body: { spec: { priorityLevelConfiguration: { name: 'exempt' } } },
    change: { spec: { matchingPrecedence: 7 } },
    generations: bySpec,
  },
  {
    path: '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    body: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
    change: { spec: { limited: { nominalConcurrencyShares: 7 } } },
    generations: bySpec,
  },
  { path: '/api/v1/namespaces/default/configmaps', body: {}, change: { data: { a: 'b' } }, generations: none },
  {
    path: '/api/v1/namespaces/default/serviceaccounts',
    body: {},
    change: { automountServiceAccountToken: false },
    generations: none,
  },
  { path: '/api/v1/namespaces', body: {}, change: { spec: { finalizers: ['kubernetes'] } }, generations: none },
  {
    path: '/api/v1/namespaces/default/resourcequotas',
    body: { spec: { hard: { pods: '100' } } },
    change: { spec: { hard: { pods: '200' } } },
    generations: none,
  },
  { path: '/api/v1/nodes', body: {}, change: { spec: { unschedulable: true } }, generations: none },
  {
    path: '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    body: {},
    change: { spec: { holderIdentity: 'x' } },
    generations: none,
  },
];

for (const { path, name = 'generation', body, change, generations } of cases) {
  t.test(path, async (t) => {
    const created = await server.call('POST', path, { body: { ...body, metadata: { name } } });
    t.equal(created.status, 201, created.text);
    const seen = [created.json.metadata.generation];
    for (const patch of [{ metadata: { labels } }, { metadata: { annotations: { a: 'b' } } }, change]) {
      const patched = await server.call('PATCH', `${path}/${name}`, { type: merge, body: patch });
      t.equal(patched.status, 200, patched.text);
      seen.push(patched.json.metadata.generation);
    }
    t.same(seen, generations);
  });
}

t.test('every kind with a generation is in the table above', async (t) => {
  const tested = cases.map(({ path }) => path.split('/').at(-1));
  const withOne = registry.filter(
    ({ options }) => options.generation !== 'absent' && (options.generation ?? options.hasStatus),
  );
  for (const { plural } of withOne) t.ok(tested.includes(plural), plural);
});

t.test('pods: binding keeps the generation, a graceful deletion raises it once', async (t) => {
  await server.call('POST', pods, { body: pod('bound') });
  const binding = { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n' } };
  t.equal((await server.call('POST', `${pods}/bound/binding`, { body: binding })).status, 201);
  t.equal((await server.call('GET', `${pods}/bound`)).json.metadata.generation, 1);
  const status = { status: { phase: 'Running', observedGeneration: 1 } };
  await server.call('PATCH', `${pods}/bound/status`, { type: merge, body: status });
  const deleted = await server.call('DELETE', `${pods}/bound`);
  t.match(deleted.json.metadata, { generation: 2, deletionGracePeriodSeconds: 30 });
  const sooner = await server.call('DELETE', `${pods}/bound?gracePeriodSeconds=10`);
  t.match(sooner.json.metadata, { generation: 2, deletionGracePeriodSeconds: 10 });
  const first = Date.parse(deleted.json.metadata.deletionTimestamp);
  t.equal(
    first - Date.parse(sooner.json.metadata.deletionTimestamp),
    20_000,
    'the grace period starts at the first deletion',
  );
  const later = await server.call('DELETE', `${pods}/bound?gracePeriodSeconds=20`);
  t.equal(later.json.metadata.deletionGracePeriodSeconds, 10, 'a later deletion can only shorten it');
});

t.test('a deletion that waits for finalizers raises the generation', async (t) => {
  const path = '/apis/batch/v1/namespaces/default/jobs';
  await server.call('POST', path, { body: { metadata: { name: 'held', finalizers: ['example.com/f'] }, spec: job } });
  t.equal((await server.call('DELETE', `${path}/held`)).json.metadata.generation, 2);
  t.equal((await server.call('DELETE', `${path}/held`)).json.metadata.generation, 2);
});

t.test('a new object has the initial status, whatever its writer sent', async (t) => {
  const core = '/api/v1/namespaces/default';
  const budget = { minAvailable: 1, selector: { matchLabels: labels } };
  const zeros = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
  const cases: readonly (readonly [path: string, spec: object, status: object])[] = [
    [`${apps}/deployments`, workload, {}],
    [`${apps}/replicasets`, workload, { replicas: 0 }],
    [`${apps}/statefulsets`, workload, { replicas: 0, availableReplicas: 0 }],
    [`${apps}/daemonsets`, workload, zeros],
    ['/apis/batch/v1/namespaces/default/jobs', job, {}],
    [`${net}/namespaces/default/ingresses`, ingress, { loadBalancer: {} }],
    [`${core}/replicationcontrollers`, { template }, { replicas: 0 }],
    [`${core}/services`, { ports: [{ port: 80 }] }, { loadBalancer: {} }],
    [`${core}/pods`, podSpec, { phase: 'Pending', qosClass: 'BestEffort' }],
    ['/api/v1/namespaces', {}, { phase: 'Active' }],
    [
      '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
      budget,
      { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    ],
  ];
  for (const [path, spec, status] of cases) {
    const body = { metadata: { name: 'new-status' }, spec, status: { observedGeneration: 7 } };
    const { json } = await server.call('POST', `${path}?fieldValidation=Ignore`, { body });
    t.same(json.status, status, path);
    t.same((await server.call('GET', `${path}/new-status`)).json.status, status, path);
  }
});
