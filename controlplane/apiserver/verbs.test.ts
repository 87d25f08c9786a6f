// Every path of every kind with every method: a method that the declarations do not have is answered with 404 or 405 and writes
// nothing.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { definitionSample } from '../../test/lib/samples';
import { type Kind, subresourcesOf } from '../api/kind';
import { registry } from '../api/registry';
import { virtualResources } from '../api/virtual';
import type { Request, Transport } from '../client/client';
import { collectionPath } from '../client/paths';
import { createRequest } from '../pki/certificate-request';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'FOO'] as const;
type Method = (typeof methods)[number];
const verbOfMethod: Partial<Record<Method, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

/** One object of each kind that a new cluster does not have. */
const matchConstraints = {
  resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] }],
};
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const selector = { matchLabels: { a: 'b' } };
const samples: Readonly<Record<string, object>> = {
  pods: { spec: { containers: [{ name: 'c', image: 'i' }] } },
  nodes: {},
  secrets: {},
  serviceaccounts: {},
  limitranges: { spec: { limits: [] } },
  persistentvolumes: {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } },
  },
  persistentvolumeclaims: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  resourcequotas: { spec: { hard: { pods: '5' } } },
  podtemplates: { template },
  replicationcontrollers: { spec: { template } },
  events: {
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'x' },
    reason: 'r',
    message: 'm',
    type: 'Normal',
  },
  deployments: { spec: { selector, template } },
  replicasets: { spec: { selector, template } },
  statefulsets: { spec: { selector, template } },
  daemonsets: { spec: { selector, template } },
  controllerrevisions: { revision: 1, data: {} },
  cronjobs: {
    spec: {
      schedule: '@daily',
      jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
    },
  },
  jobs: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
  horizontalpodautoscalers: {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
  },
  ingresses: { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  ingressclasses: { spec: { controller: 'example.com/c' } },
  customresourcedefinitions: definitionSample('one'),
  apiservices: {
    metadata: { name: 'v1.a.example.com' },
    spec: { group: 'a.example.com', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 },
  },
  runtimeclasses: { handler: 'runc' },
  validatingadmissionpolicies: { spec: { matchConstraints, validations: [{ expression: 'true' }] } },
  validatingadmissionpolicybindings: { spec: { policyName: 'p', validationActions: ['Deny'] } },
  mutatingadmissionpolicies: {
    spec: {
      matchConstraints,
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
      reinvocationPolicy: 'Never',
    },
  },
  mutatingadmissionpolicybindings: { spec: { policyName: 'p' } },
  mutatingwebhookconfigurations: { webhooks: [] },
  validatingwebhookconfigurations: { webhooks: [] },
  storageclasses: { provisioner: 'example.com/p' },
  volumeattributesclasses: { driverName: 'd', parameters: { a: 'b' } },
  volumeattachments: { spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
  csidrivers: { spec: {} },
  csinodes: { spec: { drivers: [] } },
  csistoragecapacities: { storageClassName: 'c' },
  deviceclasses: { spec: {} },
  resourceclaims: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
  resourceclaimtemplates: { spec: { spec: { devices: {} } } },
  resourceslices: {
    spec: { driver: 'd', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, nodeName: 'n' },
  },
  ipaddresses: { metadata: { name: '192.0.2.9' }, spec: { parentRef: { resource: 'services', name: 's' } } },
  networkpolicies: { spec: { podSelector: {} } },
  leases: { spec: {} },
  poddisruptionbudgets: { spec: { minAvailable: 1, selector } },
};

interface Place {
  readonly path: string;
  /** The declared verbs, by method; undefined for paths that are not served. */
  readonly verbs: Partial<Record<Method, string>>;
}

/** The verbs of each path by the declaration of a kind, with the terms of upstream's API installer. */
function placesOf(kind: Kind, namespace: string, name: string): Place[] {
  const root = kind.group === '' ? '/api/v1' : `/apis/${kind.apiVersion}`;
  const inside = kind.namespaced ? `namespaces/${namespace}/` : '';
  const collection = `${root}/${inside}${kind.plural}`;
  const object = `${collection}/${name}`;
  const offered = (verbs: Partial<Record<Method, string>>): Partial<Record<Method, string>> =>
    Object.fromEntries(Object.entries(verbs).filter(([, verb]) => (kind.verbs as readonly string[]).includes(verb)));
  const watched = offered({ GET: 'watch' });
  const subresources = subresourcesOf(kind).flatMap(
    ({ name: subresource, verbs, takesPath, furtherMethods = [] }): Place[] => {
      const byMethod = Object.fromEntries(
        methods.flatMap((method) => {
          const verb = verbOfMethod[method] ?? (method === 'GET' ? 'get' : method === 'DELETE' ? 'delete' : '');
          const further = (furtherMethods as readonly string[]).includes(method);
          return further ? [[method, 'get']] : (verbs as readonly string[]).includes(verb) ? [[method, verb]] : [];
        }),
      );
      return [
        { path: `${object}/${subresource}`, verbs: byMethod },
        { path: `${object}/${subresource}/deeper`, verbs: takesPath ? byMethod : {} },
        { path: `${collection}//${subresource}`, verbs: {} },
        { path: `${root}/watch/${inside}${kind.plural}/${name}/${subresource}`, verbs: {} },
      ];
    },
  );
  return [
    { path: collection, verbs: offered({ GET: 'list', POST: 'create', DELETE: 'deletecollection' }) },
    { path: object, verbs: offered({ GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }) },
    { path: `${object}/unknown`, verbs: {} },
    { path: `${object}/unknown/deeper`, verbs: {} },
    { path: `${root}/watch/${inside}${kind.plural}`, verbs: watched },
    { path: `${root}/watch/${inside}${kind.plural}/${name}`, verbs: watched },
    ...(kind.namespaced
      ? [
          { path: `${root}/${kind.plural}`, verbs: offered({ GET: 'list' }) },
          { path: `${root}/watch/${kind.plural}`, verbs: watched },
          { path: `${root}/${kind.plural}/${name}`, verbs: {} },
        ]
      : [{ path: `${root}/namespaces/default/${kind.plural}`, verbs: {} }]),
    ...subresources,
  ];
}

let server: TestServer;
let admin: Transport;
t.before(async () => {
  server = await startApiServer();
  admin = server.api.transport({ name: 'admin', groups: ['system:masters', 'system:authenticated'] });
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await server.call('POST', accounts, { body: { metadata: { name: 'default' } } });
  for (const kind of registry.filter(({ plural, options }) => samples[plural] && !options.storage)) {
    const body = { metadata: { name: 'one' }, ...samples[kind.plural] };
    const { status, text } = await server.call('POST', collectionPath(kind, 'default'), { body });
    if (status !== 201) throw new Error(`${kind.plural}: ${text}`);
  }
  await server.call('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', { body: await request() });
});
t.teardown(() => server.close());

async function request() {
  const { request: pem } = await createRequest({ commonName: 'x', organizations: [] });
  const spec = { request: Buffer.from(pem).toString('base64'), signerName: 'example.com/s', usages: ['client auth'] };
  return { metadata: { name: 'one' }, spec };
}

/** The answer's status; watches are closed at once. */
async function send(method: string, path: string, body: string): Promise<number> {
  const abort = new AbortController();
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const request = { method: method as Request['method'], path, headers: { 'content-type': type }, body };
  const { status } = await admin.send({ ...request, signal: abort.signal });
  abort.abort();
  return status;
}

async function revision(): Promise<string> {
  return (await server.call('GET', '/api/v1/namespaces/default/configmaps')).json.metadata.resourceVersion;
}

/** Creates an object of the kind, so that a request that should be refused could change it. */
async function objectOf(kind: Kind): Promise<{ namespace: string; name: string }> {
  if (!kind.verbs.includes('list')) return { namespace: 'default', name: 'one' };
  const [first] = (await server.call('GET', collectionPath(kind))).json.items;
  if (!first) throw new Error(`no object of ${kind.kind} to change: add one to samples`);
  return { namespace: first.metadata.namespace ?? '', name: first.metadata.name };
}

t.test('a path has the methods of the table and no others', async (t) => {
  const before = await revision();
  let asked = 0;
  for (const kind of [...registry, ...virtualResources]) {
    const { namespace, name } = await objectOf(kind);
    const wrong: string[] = [];
    for (const { path, verbs } of placesOf(kind, namespace, name)) {
      const exists = Object.keys(verbs).length > 0;
      for (const method of methods) {
        // A served request must not write here, but a request that wrongly reaches another handler must be able to.
        const got = await send(method, path, verbs[method] ? 'nonsense' : method === 'DELETE' ? '' : '{}');
        const right = verbs[method] ? got !== 404 && got !== 405 : got === (exists ? 405 : 404);
        if (!right) wrong.push(`${method} ${path}: ${got}`);
        asked++;
      }
    }
    t.same(wrong, [], kind.plural);
  }
  t.ok(asked > 3000, `${asked} requests`);
  t.equal(await revision(), before, 'nothing was written');
});

t.test('requests with an Upgrade header have the same methods', async (t) => {
  const headers = { connection: 'Upgrade', upgrade: 'websocket' };
  const before = await revision();
  for (const kind of registry) {
    const { namespace, name } = await objectOf(kind);
    for (const { path, verbs } of placesOf(kind, namespace, name)) {
      const { status } = await server.call('DELETE', path, { headers });
      // A pod behind these paths may upgrade any method.
      const passedOn = verbs.DELETE !== undefined && /\/(nodes|pods|services)\/[^/]+\/proxy/.test(path);
      const right = passedOn
        ? status !== 404 && status !== 405
        : status === (Object.keys(verbs).length > 0 ? 405 : 404);
      t.ok(right, `DELETE ${path}: ${status}`);
    }
  }
  t.equal(await revision(), before);
});

t.test('an anonymous user does not learn which paths exist', async (t) => {
  for (const path of ['/api/v1/namespaces/default/pods/one/unknown', '/api/v1/unknown', '/apis/apps/v1/watch']) {
    for (const method of ['GET', 'DELETE', 'POST']) {
      t.equal((await server.call(method, path, { as: null })).status, 403, `${method} ${path}`);
    }
  }
  t.match((await server.call('DELETE', '/api/v1/namespaces/default/pods/one/status')).json, {
    kind: 'Status',
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
  });
});

t.test('discovery lists exactly what is served', async (t) => {
  const served = new Map<string, string[]>();
  for (const kind of [...registry, ...virtualResources]) {
    const { namespace, name } = await objectOf(kind);
    const base = collectionPath(kind, namespace);
    const probes: [string, string, Method, string][] = [
      ['', base, 'GET', 'list'],
      ['', `${base}?watch=1`, 'GET', 'watch'],
      ['', base, 'POST', 'create'],
      ['', base, 'DELETE', 'deletecollection'],
    ];
    const names = subresourcesOf(kind).map((subresource) => `/${subresource.name}`);
    for (const part of ['', ...names]) {
      const path = `${base}/${name}${part}`;
      probes.push([part, path, 'GET', 'get'], [part, path, 'PUT', 'update'], [part, path, 'PATCH', 'patch']);
      probes.push([part, path, 'DELETE', 'delete']);
      if (part !== '') probes.push([part, path, 'POST', 'create']);
    }
    for (const [part, path, method, verb] of probes) {
      const status = await send(method, path, 'nonsense');
      if (status === 404 || status === 405) continue;
      const key = `${kind.apiVersion} ${kind.plural}${part}`;
      served.set(key, [...(served.get(key) ?? []), verb].sort());
    }
  }
  const listed = new Map<string, string[]>();
  for (const version of new Set([...registry, ...virtualResources].map(({ apiVersion }) => apiVersion))) {
    const { json } = await server.call('GET', version === 'v1' ? '/api/v1' : `/apis/${version}`);
    for (const { name, verbs } of json.resources) listed.set(`${version} ${name}`, verbs);
  }
  t.same(Object.fromEntries([...served].sort()), Object.fromEntries([...listed].sort()));
});

t.test('subresources have the verbs of upstream', async (t) => {
  const table = registry.flatMap((kind) =>
    subresourcesOf(kind)
      .filter(({ name }) => name !== 'status')
      .map(({ name, verbs }) => `${kind.plural}/${name} ${[...verbs].sort().join(',')}`),
  );
  t.same(table.sort(), [
    'certificatesigningrequests/approval get,patch,update',
    'deployments/scale get,patch,update',
    'namespaces/finalize update',
    'nodes/proxy create,delete,get,patch,update',
    'pods/attach create,get',
    'pods/binding create',
    'pods/ephemeralcontainers get,patch,update',
    'pods/eviction create',
    'pods/exec create,get',
    'pods/log get',
    'pods/portforward create,get',
    'pods/proxy create,delete,get,patch,update',
    'pods/resize get,patch,update',
    'replicasets/scale get,patch,update',
    'replicationcontrollers/scale get,patch,update',
    'serviceaccounts/token create',
    'services/proxy create,delete,get,patch,update',
    'statefulsets/scale get,patch,update',
  ]);
});
