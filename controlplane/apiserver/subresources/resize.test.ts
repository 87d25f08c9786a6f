// pods/resize over HTTPS: what it writes, and what it refuses.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const json = 'application/json-patch+json';
const apply = 'application/apply-patch+yaml';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

const burstable = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } };

async function create(name: string, spec: object = {}, metadata: object = {}): Promise<string> {
  const body = {
    metadata: { name, labels: { own: '1' }, ...metadata },
    spec: { containers: [{ name: 'c', image: 'i', resources: burstable }], ...spec },
  };
  const created = await server.call('POST', pods, { body });
  t.equal(created.status, 201, created.text);
  return `${pods}/${name}`;
}
const resize = (path: string, spec: object, type = strategic) =>
  server.call('PATCH', `${path}/resize`, { type, body: { spec } });
const container = (resources: object, rest: object = {}) => ({ containers: [{ name: 'c', resources, ...rest }] });
const causesOf = ({ json: { details } }: { json: { details: { causes: { field: string; message: string }[] } } }) =>
  details.causes.map(({ field, message }) => `${field}: ${message}`);

t.test('every kind of patch changes the resources and the generation', async (t) => {
  const path = await create('web');
  const first = await resize(path, container({ requests: { cpu: '150m' } }));
  t.match(first, { status: 200, json: { kind: 'Pod', metadata: { generation: 2 } } });
  t.same(first.json.spec.containers[0].resources, {
    requests: { cpu: '150m', memory: '64Mi' },
    limits: { cpu: '200m', memory: '128Mi' },
  });
  const body = [{ op: 'replace', path: '/spec/containers/0/resources/limits/memory', value: '1024Mi' }];
  const second = await server.call('PATCH', `${path}/resize`, { type: json, body });
  t.match(second.json, { metadata: { generation: 3 }, spec: container({ limits: { memory: '1Gi' } }) });
  const third = await resize(path, container(burstable), merge);
  t.match(third.json, { metadata: { generation: 4 }, spec: { containers: [{ image: 'i', resources: burstable }] } });
  t.same((await resize(path, container(burstable))).json.metadata, third.json.metadata, 'no change, no write');
  t.equal((await server.call('GET', `${path}/resize`)).json.metadata.generation, 4);
});

t.test('a PUT changes nothing else', async (t) => {
  const path = await create('only');
  const { json: pod } = await server.call('GET', path);
  const body = {
    ...pod,
    metadata: { ...pod.metadata, labels: { own: '2' }, annotations: { a: 'b' } },
    spec: {
      ...pod.spec,
      activeDeadlineSeconds: 7,
      ...container({ ...burstable, requests: { cpu: '1m', memory: '1Mi' } }, { image: 'j' }),
    },
    status: { phase: 'Failed' },
  };
  t.equal((await server.call('PUT', `${path}/resize`, { body })).status, 200);
  const { json: now } = await server.call('GET', path);
  t.same(now.metadata.labels, { own: '1' });
  t.equal(now.metadata.annotations, undefined);
  t.match(now, {
    spec: { activeDeadlineSeconds: undefined, containers: [{ image: 'i', resources: { requests: { cpu: '1m' } } }] },
    status: { phase: 'Pending' },
  });
  t.equal((await server.call('PUT', `${path}/resize`, { body })).status, 409, 'an old resourceVersion');
  t.equal(
    (await server.call('PUT', `${pods}/none/resize`, { body: { ...body, metadata: { name: 'none' } } })).status,
    404,
  );
});

t.test('the writer owns what it sent, as on kube-apiserver', async (t) => {
  const path = await create('owned');
  const applied = await server.call('PATCH', `${path}/resize?fieldManager=scaler&force=true`, {
    type: apply,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { labels: { own: '3' } },
      spec: { containers: [{ name: 'c', image: 'other', resources: { requests: { cpu: '120m' } } }] },
    },
  });
  t.match(applied, {
    status: 200,
    json: { metadata: { labels: { own: '1' } }, spec: { containers: [{ image: 'i' }] } },
  });
  await server.call('PATCH', `${path}/resize?fieldManager=hand`, {
    type: strategic,
    body: { spec: container({ limits: { cpu: '300m' } }) },
  });
  const { json: pod } = await server.call('GET', path);
  const owners = pod.metadata.managedFields
    .filter(({ subresource }: { subresource?: string }) => subresource === 'resize')
    .map(({ manager, operation, fieldsV1 }: Record<string, unknown>) => ({ manager, operation, fieldsV1 }));
  const fields = (values: object) => ({ 'f:spec': { 'f:containers': { 'k:{"name":"c"}': values } } });
  const requests = { 'f:resources': { 'f:requests': { 'f:cpu': {} } } };
  t.same(owners, [
    {
      manager: 'scaler',
      operation: 'Apply',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:own': {} } },
        ...fields({ '.': {}, 'f:image': {}, 'f:name': {}, ...requests }),
      },
    },
    { manager: 'hand', operation: 'Update', fieldsV1: fields({ 'f:resources': { 'f:limits': { 'f:cpu': {} } } }) },
  ]);
});

t.test('what is refused', async (t) => {
  const path = await create('refused', {
    initContainers: [
      { name: 'side', image: 'i', restartPolicy: 'Always', resources: burstable },
      { name: 'init', image: 'i', resources: burstable },
    ],
  });
  const c = 'spec.containers[0]';
  const cases: readonly (readonly [name: string, spec: object, type: string, causes: string[]])[] = [
    [
      'a request that is removed',
      container({ requests: { cpu: null } }),
      strategic,
      // A limit is the default of a request, so the request comes back.
      [],
    ],
    [
      'a limit that is removed',
      container({ limits: { cpu: null } }),
      strategic,
      [`${c}.resources.limits: Forbidden: resource limits cannot be removed`],
    ],
    ['another class', container({ requests: { cpu: '200m', memory: '128Mi' } }), strategic, []],
    [
      'another resource',
      container({ limits: { 'example.com/gpu': '1' } }),
      strategic,
      ['spec: Forbidden: only cpu and memory resources are mutable'],
    ],
    [
      'another policy',
      container({}, { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
      strategic,
      ['spec: Forbidden: only cpu and memory resources are mutable'],
    ],
    [
      'a limit below the request',
      container({ limits: { cpu: '50m' } }),
      strategic,
      [`${c}.resources.requests: Invalid value: "100m": must be less than or equal to cpu limit of 50m`],
    ],
    [
      'another container',
      { containers: [{ name: 'd', image: 'i' }] },
      strategic,
      ['spec.containers: Forbidden: containers may not be added or removed on resize'],
    ],
    [
      'another name',
      { containers: [{ name: 'd', image: 'i', resources: burstable }] },
      merge,
      ['spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize'],
    ],
    [
      'init containers in another order',
      {
        initContainers: [
          { name: 'init', image: 'i', resources: burstable },
          { name: 'side', image: 'i', restartPolicy: 'Always', resources: burstable },
        ],
      },
      merge,
      [
        'spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize',
        'spec.initContainers[1].name: Forbidden: initContainers may not be renamed or reordered on resize',
      ],
    ],
    [
      'another resource of a sidecar',
      { initContainers: [{ name: 'side', resources: { limits: { 'example.com/gpu': '1' } } }] },
      strategic,
      ['spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable'],
    ],
  ];
  for (const [name, spec, type, causes] of cases) {
    const answer = await server.call('PATCH', `${path}/resize?dryRun=All`, { type, body: { spec } });
    t.same(answer.status === 200 ? [] : causesOf(answer), causes, name);
  }
  t.equal(
    (await server.call('PATCH', path, { type: strategic, body: { spec: container({ requests: { cpu: '1m' } }) } }))
      .status,
    422,
    'an update of the pod itself',
  );
});

t.test('the class of a pod stays', async (t) => {
  const path = await create('guaranteed', container({ limits: { cpu: '1', memory: '1Gi' } }, { image: 'i' }));
  const answer = await resize(path, container({ requests: { cpu: '500m' } }));
  t.equal(answer.status, 422);
  t.equal(
    answer.json.message,
    'Pod "guaranteed" is invalid: spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
  );
  const both = { cpu: '2', memory: '1Gi' };
  t.equal((await resize(path, container({ requests: both, limits: both }))).status, 200);
});

t.test('pods that cannot be resized', async (t) => {
  const mirror = await create('mirror', { nodeName: 'n' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
  const windows = await create('windows', { os: { name: 'windows' } });
  const change = container({ requests: { cpu: '1m' } });
  t.same(causesOf(await resize(mirror, change)), ['[]: Forbidden: static pods cannot be resized']);
  t.same(causesOf(await resize(windows, change)), ['[]: Forbidden: windows pods cannot be resized']);
  const old = await create('old');
  const status = {
    containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } }],
  };
  await server.call('PATCH', `${old}/status`, { type: merge, body: { status } });
  t.same(causesOf(await resize(old, change)), ['spec: Forbidden: Pod running on node without support for resize']);
});

t.test('resources of the pod itself', async (t) => {
  const path = await create('level', { resources: { requests: { cpu: '1' }, limits: { cpu: '2' } } });
  const grown = await resize(path, { resources: { requests: { cpu: '1500m' } } });
  t.match(grown, {
    status: 200,
    json: { metadata: { generation: 2 }, spec: { resources: { requests: { cpu: '1500m' } } } },
  });
  t.same(causesOf(await resize(path, { resources: null })), [
    'spec.resources: Forbidden: pod-level resources cannot be removed',
  ]);
  t.same(causesOf(await resize(path, { resources: { limits: { cpu: null } } })), [
    'spec.resources.limits: Forbidden: pod-level resource limits cannot be removed',
  ]);
});

t.test('a node must be large enough, run Linux, and declare rarer ways to resize', async (t) => {
  const nodes = '/api/v1/nodes';
  for (const [name, os] of [
    ['small', 'linux'],
    ['glass', 'windows'],
  ] as const) {
    await server.call('POST', nodes, { body: { metadata: { name, labels: { 'kubernetes.io/os': os } } } });
    const status = { allocatable: { cpu: '2', memory: '1Gi', pods: '10' } };
    await server.call('PATCH', `${nodes}/${name}/status`, { type: merge, body: { status } });
  }
  const initContainers = [{ name: 'init', image: 'i', resources: burstable }];
  const spec = { nodeName: 'small', resources: { requests: { cpu: '500m', memory: '64Mi' } }, initContainers };
  const path = await create('bound', { nodeName: 'small' });
  const large = await resize(
    path,
    container({ requests: { cpu: '3', memory: '2Gi' }, limits: { cpu: '3', memory: '3Gi' } }),
  );
  t.equal(large.status, 403);
  t.equal(
    large.json.message,
    'pods "bound" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 3000, allocatable: 2000; ' +
      'memory, requested: 2147483648, allocatable: 1073741824',
  );
  t.same(large.json.details.causes, [{ reason: 'NodeCapacity' }]);
  const glass = await create('glass', { nodeName: 'glass' });
  const refused = await resize(glass, container({ requests: { cpu: '1m' } }));
  t.match(refused.json, {
    message: 'pods "glass" is forbidden: pod resize is only supported on linux nodes, node "glass" is "windows"',
    details: { causes: [{ reason: 'UnsupportedPlatform' }] },
  });
  const rare = await create('rare', spec);
  const both = {
    resources: { requests: { cpu: '600m' } },
    initContainers: [{ name: 'init', resources: { requests: { cpu: '50m' } } }],
  };
  t.equal(
    (await resize(rare, both)).json.message,
    'pods "rare" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling, ' +
      'InPlacePodVerticalScalingInitContainers which are not available on node "small"',
  );
  const declaredFeatures = ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers'];
  await server.call('PATCH', `${nodes}/small/status`, { type: merge, body: { status: { declaredFeatures } } });
  t.equal((await resize(rare, both)).status, 200);
});

t.test('LimitRanges and quotas hold for a resize', async (t) => {
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'bounded' } } });
  const base = '/api/v1/namespaces/bounded';
  await server.call('POST', `${base}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const limits = [{ type: 'Container', max: { cpu: '1' } }];
  await server.call('POST', `${base}/limitranges`, { body: { metadata: { name: 'l' }, spec: { limits } } });
  const hard = { 'requests.cpu': '500m' };
  await server.call('POST', `${base}/resourcequotas`, { body: { metadata: { name: 'q' }, spec: { hard } } });
  await server.call('PATCH', `${base}/resourcequotas/q/status`, {
    type: merge,
    body: { status: { hard, used: { 'requests.cpu': '0' } } },
  });
  const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i', resources: burstable }] } };
  t.equal((await server.call('POST', `${base}/pods`, { body })).status, 201);
  const path = `${base}/pods/p`;
  t.equal(
    (await resize(path, container({ limits: { cpu: '2' } }))).json.message,
    'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  );
  t.equal(
    (await resize(path, container({ requests: { cpu: '600m' }, limits: { cpu: '1' } }))).json.message,
    'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=100m, limited: requests.cpu=500m',
  );
  t.equal((await resize(path, container({ requests: { cpu: '400m' }, limits: { cpu: '1' } }))).status, 200);
  const { json: quota } = await server.call('GET', `${base}/resourcequotas/q`);
  t.equal(quota.status.used['requests.cpu'], '400m');
});
