import t from 'tap';
import { row, write } from '../../test/lib/written-object';
import { clusterRoles } from './cluster-role';
import { configMaps } from './config-map';
import { type Deployment, deployments } from './deployment';
import { endpointSlices } from './endpoint-slice';
import { endpoints } from './endpoints';
import { events } from './event';
import { ingresses } from './ingress';
import { namespaces } from './namespace';
import { nodes } from './node';
import { type PodTemplate, podTemplates } from './pod-template';
import { registry } from './registry';
import { roleBindings } from './role-binding';
import { type RuntimeClass, runtimeClasses } from './runtime-class';
import { selectorText } from './scale';
import { secrets } from './secret';
import { serviceAccounts } from './service-account';
import { formatDuration } from './table';
import type { KubeObject } from './types';

const metadata = { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const selector = { matchLabels: { app: 'a' } };

t.test('every kind', async (t) => {
  for (const kind of registry) {
    t.ok(kind.options.columns?.length, `${kind.kind} has columns`);
    for (const { name, cell } of kind.options.columns ?? []) {
      t.doesNotThrow(() => cell({}, 0), `${kind.kind} ${name} accepts an empty object`);
    }
    for (const [path, field] of Object.entries(kind.options.fields ?? {})) t.type(field({}), 'string', path);
    const object: KubeObject = { metadata: { name: 'a' } };
    t.doesNotThrow(() => {
      kind.options.defaults?.(object);
      kind.options.prepare?.(object, { subresource: '' });
      kind.options.validate?.(object, { subresource: '' });
    }, `${kind.kind} accepts an object without fields`);
    const once = structuredClone(object);
    kind.options.defaults?.(object);
    t.same(object, once, `${kind.kind}: defaults applied twice change nothing`);
  }
});

t.test('durations are shown as kubectl shows ages', async (t) => {
  const s = 1000;
  const [m, h, d] = [60 * s, 3600 * s, 86400 * s];
  const cases: Array<[number, string]> = [
    [-5 * s, '<invalid>'],
    [-1.5 * s, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [120 * s, '2m'],
    [5 * m + 12 * s, '5m12s'],
    [10 * m + 12 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [3 * h + 20 * m, '3h20m'],
    [8 * h + 20 * m, '8h'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [5 * d + 4 * h, '5d4h'],
    [8 * d + 4 * h, '8d'],
    [729 * d, '729d'],
    [760 * d, '2y30d'],
    [3000 * d, '8y'],
  ];
  for (const [ms, expected] of cases) t.equal(formatDuration(ms), expected);
});

t.test('Deployment', async (t) => {
  const { object, causes } = write(deployments, { metadata, spec: { selector, template } });
  t.same(causes, []);
  t.match(object.spec, {
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'Always' }] } },
  });
  const cases: Array<{ name: string; spec: object; old?: Deployment; causes: string[] }> = [
    {
      name: 'labels do not match',
      spec: { selector: { matchLabels: { app: 'b' } }, template },
      causes: [
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ],
    },
    {
      name: 'the selector is fixed',
      spec: {
        selector: { matchLabels: { app: 'a', x: 'y' } },
        template: { ...template, metadata: { labels: { app: 'a', x: 'y' } } },
      },
      old: object,
      causes: ['spec.selector: Invalid value: {"matchLabels":{"app":"a","x":"y"}}: field is immutable'],
    },
    {
      name: 'no room to roll',
      spec: { selector, template, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      causes: ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    },
    {
      name: 'restart policy',
      spec: { selector, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      causes: ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    },
    {
      name: 'no selector',
      spec: { template },
      causes: [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ],
    },
    {
      name: 'negative replicas',
      spec: { replicas: -1, selector, template },
      causes: ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    },
  ];
  for (const { name, spec, old, causes } of cases)
    t.same(write(deployments, { metadata, spec }, old).causes, causes, name);
  const running = { ...object, status: { readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1 } };
  t.same(row(deployments, running, true), ['a', '1/1', 1, 1, '60s', 'c', 'i', 'app=a']);
});

t.test('PodTemplate', async (t) => {
  const { object, causes } = write(podTemplates, { metadata, template });
  t.same(causes, []);
  t.match(object.template?.spec, { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'Always' }] });
  t.same(row(podTemplates, object, true), ['a', 'c', 'i', 'app=a']);
  t.same(row(podTemplates, write(podTemplates, { metadata }).object), ['a', '', '', '<none>']);
  // As a stored object that an earlier version, with fewer rules, accepted.
  const wrong = { ...template, metadata: { labels: { app: 'a b' } } };
  const cases: Array<{ name: string; body: object; old?: PodTemplate; causes: Array<string | RegExp> }> = [
    { name: 'no template', body: {}, causes: ['template.spec.containers: Required value'] },
    { name: 'wrong labels', body: { template: wrong }, causes: [/^template\.labels: Invalid value: "a b"/] },
    { name: 'labels that were wrong before', body: { template: wrong }, old: { template: wrong }, causes: [] },
    {
      name: 'pods that end',
      body: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      causes: [],
    },
    { name: 'no labels: no selector has to match them', body: { template: { spec: template.spec } }, causes: [] },
    {
      name: 'ephemeral containers',
      body: { template: { spec: { ...template.spec, ephemeralContainers: [{ name: 'e', image: 'i' }] } } },
      causes: ['template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template'],
    },
    { name: 'a change', body: { template: { spec: template.spec } }, old: object, causes: [] },
  ];
  for (const { name, body, old, causes } of cases) {
    const found = write(podTemplates, { metadata, ...body }, old).causes;
    t.equal(found.length, causes.length, name);
    t.match(found, causes, name);
  }
});

t.test('a label selector as text', async (t) => {
  t.equal(
    selectorText({
      matchExpressions: [
        { key: 'a', operator: 'In', values: ['y', 'x'] },
        { key: 'b', operator: 'DoesNotExist' },
      ],
    }),
    '!b,a in (x,y)',
  );
});

t.test('ConfigMap and Secret', async (t) => {
  t.same(write(configMaps, { metadata, data: { 'a/b': '' } }).causes.length, 1);
  const fixed = { metadata, immutable: true, data: { a: '1' } };
  t.same(write(configMaps, { ...fixed, data: { a: '2' } }, fixed).causes, [
    'data: Forbidden: field is immutable when `immutable` is set',
  ]);
  const { object } = write(secrets, { metadata, stringData: { a: 'hello' }, data: { b: 'eA==' } });
  t.same([object.type, object.data, object.stringData], ['Opaque', { a: 'aGVsbG8=', b: 'eA==' }, undefined]);
  t.same(row(secrets, object), ['a', 'Opaque', 2, '60s']);
  t.same(write(secrets, { metadata, type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }).causes, [
    'data[tls.key]: Required value',
  ]);
  t.same(write(secrets, { metadata, type: 'kubernetes.io/service-account-token' }).causes, [
    'metadata.annotations[kubernetes.io/service-account.name]: Required value',
  ]);
  t.same(write(secrets, { metadata, type: 'x' }, object).causes, ['type: Invalid value: "x": field is immutable']);
});

t.test('a Namespace gets its name as a label, its finalizer and its phase', async (t) => {
  const { object } = write(namespaces, { metadata: { name: 'a' } });
  t.match(object, {
    metadata: { labels: { 'kubernetes.io/metadata.name': 'a' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  t.same(write(namespaces, { metadata: { name: 'a' }, spec: { finalizers: [] } }, object).object.spec, {
    finalizers: ['kubernetes'],
  });
});

t.test('Node', async (t) => {
  const labels = { 'node-role.kubernetes.io/control-plane': '', 'node-role.kubernetes.io/x': '' };
  const { object, causes } = write(nodes, {
    metadata: { name: 'n', labels, creationTimestamp: metadata.creationTimestamp },
    spec: { podCIDR: '10.244.1.0/24', unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '192.168.57.11' }],
      capacity: { cpu: '2' },
    },
  });
  t.same(causes, []);
  t.same(object.spec?.podCIDRs, ['10.244.1.0/24']);
  t.same(object.status?.allocatable, { cpu: '2' });
  t.same(row(nodes, object).slice(0, 4), ['n', 'Ready,SchedulingDisabled', 'control-plane,x', '60s']);
  t.same(row(nodes, object, true).slice(5, 7), ['192.168.57.11', '<none>']);
  t.match(write(nodes, { metadata: { name: 'n' }, spec: { podCIDR: '10.244.2.0/24' } }, object).causes, [
    /^spec\.podCIDRs: Forbidden: node updates may not change podCIDR/,
  ]);
  t.match(write(nodes, { metadata: { name: 'n' }, spec: { taints: [{ key: 'a', effect: 'Never' }] } }).causes, [
    /^metadata\.taints\[0\]\.effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"$/,
  ]);
  const taint = { key: 'a', effect: 'NoSchedule' };
  t.match(write(nodes, { metadata: { name: 'n' }, spec: { taints: [taint, taint] } }).causes, [
    /^metadata\.taints\[1\]: Duplicate value: .*: taints must be unique by key and effect pair$/,
  ]);
  const configured = write(nodes, { metadata: { name: 'n' }, spec: { configSource: {}, externalID: 'x' } }).object;
  t.same(configured.spec, { externalID: 'x' });
  t.same(nodes.options.warnings?.(configured, { subresource: '' }), [
    'spec.externalID: this field is deprecated, and is unused by Kubernetes',
  ]);
});

t.test('Namespace, ServiceAccount and templates', async (t) => {
  t.same(write(namespaces, { metadata: { name: 'n' }, spec: { finalizers: ['mine'] } }).causes, [
    'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ]);
  const account = write(serviceAccounts, { metadata, secrets: [{ kind: 'x', name: 's', namespace: 'other' }] }).object;
  t.same(account.secrets, [{ name: 's' }]);
  const { object } = write(podTemplates, { metadata, template });
  t.equal(object.template?.spec?.enableServiceLinks, undefined, 'a default of pods alone');
});

t.test('Event', async (t) => {
  const event = {
    metadata,
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'n' },
    type: 'Normal',
    reason: 'Pulled',
    message: 'done\n',
    count: 3,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:30Z',
  };
  const { object, causes } = write(events, event);
  t.same(causes, []);
  t.same(row(events, object), ['30s (x3 over 60s)', 'Normal', 'Pulled', 'pod/p', 'done']);
  t.same(write(events, { ...event, involvedObject: { namespace: 'other' } }).causes, [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
});

t.test('Endpoints and EndpointSlice', async (t) => {
  const addresses = [1, 2, 3, 4].map((n) => ({ ip: `10.0.0.${n}` }));
  const made = write(endpoints, { metadata, subsets: [{ addresses, ports: [{ port: 80 }] }] });
  t.same(made.causes, []);
  t.same(row(endpoints, made.object), ['a', '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...', '60s']);
  t.match(write(endpoints, { metadata, subsets: [{ addresses: [{ ip: '127.0.0.1' }] }] }).causes, [
    /may not be in the loopback range/,
  ]);
  const slice = { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] };
  const { object, causes } = write(endpointSlices, slice);
  t.same(causes, []);
  t.same(object.ports, [{ port: 80, name: '', protocol: 'TCP' }]);
  t.same(row(endpointSlices, object), ['a', 'IPv4', '80', '10.0.0.1', '60s']);
  t.same(write(endpointSlices, { ...slice, addressType: 'IPv6' }, object).causes, [
    'endpoints[0].addresses: Invalid value: "10.0.0.1": must be an IPv6 address',
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});

t.test('Ingress', async (t) => {
  const backend = { service: { name: 'a', port: { number: 80 } } };
  const ingress = (path: object, host = 'a.local') => ({
    metadata,
    spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...path }] } }] },
  });
  const { object, causes } = write(ingresses, ingress({}));
  t.same(causes, []);
  const addressed = { ...object, status: { loadBalancer: { ingress: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }] } } };
  t.same(row(ingresses, addressed), ['a', '<none>', 'a.local', '10.0.0.1,10.0.0.2', '80', '60s']);
  const cases: Array<[object, string]> = [
    [
      ingress({ pathType: undefined }),
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
    ],
    [ingress({ path: 'x' }), 'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
    [ingress({ path: '/a//b' }), 'spec.rules[0].http.paths[0].path: Invalid value: "/a//b": must not contain \'//\''],
    [ingress({}, '10.0.0.1'), 'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    [{ metadata, spec: {} }, 'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
    [
      ingress({ backend: { service: { name: 'a' } } }),
      'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
    ],
  ];
  for (const [body, cause] of cases) t.same(write(ingresses, JSON.parse(JSON.stringify(body))).causes, [cause]);
});

t.test('roles and bindings', async (t) => {
  t.same(
    write(clusterRoles, { metadata: { name: 'a' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }).causes,
    [],
  );
  t.same(write(clusterRoles, { metadata: { name: 'a' }, rules: [{ verbs: [] }] }).causes, [
    'rules[0].verbs: Required value: verbs must contain at least one value',
    'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    'rules[0].resources: Required value: resource rules must supply at least one resource',
  ]);
  const aggregated = (clusterRoleSelectors: object[], rules: object[] = []) =>
    write(clusterRoles, { metadata: { name: 'a' }, rules, aggregationRule: { clusterRoleSelectors } } as never).causes;
  const noSelector = 'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required';
  t.same(aggregated([selector, {}]), []);
  t.same(aggregated([]), [`${noSelector} if aggregationRule is non-nil`]);
  t.same(
    aggregated(
      [selector, { matchExpressions: [{ key: 'a', operator: 'Equals' }] }],
      [{ verbs: ['get'], apiGroups: [''] }],
    ),
    [
      'rules[0].resources: Required value: resource rules must supply at least one resource',
      'aggregationRule.clusterRoleSelectors[1].matchExpressions[0].operator: Invalid value: "Equals": not a valid selector operator',
      'aggregationRule.clusterRoleSelectors[1]: Invalid value: null: invalid label selector.',
    ],
    'the rules are checked too',
  );
  const roleRef = { kind: 'Role', name: 'r', apiGroup: '' };
  const { object, causes } = write(roleBindings, { metadata, roleRef, subjects: [{ kind: 'User', name: 'u' }] });
  t.same(causes, []);
  t.equal(object.roleRef.apiGroup, 'rbac.authorization.k8s.io');
  t.same(row(roleBindings, object, true), ['a', 'Role/r', '60s', 'u', '', '']);
  t.match(write(roleBindings, { metadata, roleRef: { ...roleRef, name: 's' } }, object).causes, [
    /^roleRef: .*cannot change roleRef$/,
  ]);
});

t.test('RuntimeClass', async (t) => {
  const { object, causes } = write(runtimeClasses, {
    metadata,
    handler: 'kata',
    overhead: { podFixed: { memory: '1024Mi', cpu: '0.25' } },
    scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
  });
  t.same(causes, []);
  t.same(object.overhead, { podFixed: { memory: '1Gi', cpu: '250m' } });
  t.same(row(runtimeClasses, object, true), ['a', 'kata', '60s']);
  const exists = { key: 'k', operator: 'Exists', effect: 'NoExecute' };
  const cases: Array<{ name: string; body: object; old?: RuntimeClass; causes: Array<string | RegExp> }> = [
    { name: 'only a handler', body: { handler: 'runc' }, causes: [] },
    { name: 'no handler', body: {}, causes: ['handler: Required value'] },
    {
      name: 'a handler with dots',
      body: { handler: 'a.b' },
      causes: ['handler: Invalid value: "a.b": must not contain dots'],
    },
    {
      name: 'the handler is fixed',
      body: { handler: 'runc' },
      old: object,
      causes: ['handler: Invalid value: "runc": field is immutable'],
    },
    { name: 'the rest is not', body: { handler: 'kata' }, old: object, causes: [] },
    {
      name: 'overhead',
      body: { handler: 'runc', overhead: { podFixed: { cpu: '-1', pods: '1' } } },
      causes: [
        'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        'overhead.limits[pods]: Invalid value: "pods": must be a standard resource for containers',
      ],
    },
    {
      name: 'node selector',
      body: { handler: 'runc', scheduling: { nodeSelector: { a: 'b c' } } },
      causes: [/^scheduling\.nodeSelector: Invalid value: "b c"/],
    },
    {
      name: 'tolerations',
      body: { handler: 'runc', scheduling: { tolerations: [{ key: 'k', operator: 'Exists', value: 'v' }] } },
      causes: [/^scheduling\.tolerations\[0\]\.operator: Invalid value: "v"/],
    },
    {
      name: 'the same toleration twice',
      body: { handler: 'runc', scheduling: { tolerations: [exists, { ...exists, tolerationSeconds: 5 }] } },
      causes: [
        'scheduling.tolerations[1]: Duplicate value: {"key":"k","operator":"Exists","effect":"NoExecute","tolerationSeconds":5}',
      ],
    },
    {
      name: 'tolerations of two effects',
      body: { handler: 'runc', scheduling: { tolerations: [exists, { ...exists, effect: 'NoSchedule' }] } },
      causes: [],
    },
  ];
  for (const { name, body, old, causes } of cases) {
    const found = write(runtimeClasses, { metadata, ...body }, old).causes;
    t.equal(found.length, causes.length, name);
    t.match(found, causes, name);
  }
});
