// Which fields each subresource may write, for every kind: the status, its own part, and the metadata that upstream allows.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { definitionSample } from '../../../test/lib/samples';
import { type Kind, writesStatus } from '../../api/kind';
import { registry } from '../../api/registry';
import { collectionPath } from '../../client/paths';
import { createRequest } from '../../pki/certificate-request';

const merge = 'application/merge-patch+json';
const selector = { matchLabels: { a: 'b' } };
const podSpec = { containers: [{ name: 'c', image: 'i' }] };
const template = { metadata: { labels: { a: 'b' } }, spec: podSpec };

/** By plural: an object to create, and a valid change of its spec. */
const samples: Readonly<Record<string, { readonly body: object; readonly change: object }>> = {
  pods: { body: { spec: podSpec }, change: { containers: [{ name: 'c', image: 'other' }] } },
  services: { body: { spec: { ports: [{ port: 80 }] } }, change: { sessionAffinity: 'ClientIP' } },
  nodes: { body: {}, change: { unschedulable: true } },
  namespaces: { body: {}, change: { finalizers: ['example.com/x'] } },
  deployments: { body: { spec: { selector, template } }, change: { paused: true } },
  replicasets: { body: { spec: { selector, template } }, change: { replicas: 7 } },
  replicationcontrollers: { body: { spec: { template } }, change: { replicas: 7 } },
  resourcequotas: { body: { spec: { hard: { pods: '1' } } }, change: { hard: { pods: '7' } } },
  statefulsets: { body: { spec: { selector, template } }, change: { replicas: 7 } },
  daemonsets: { body: { spec: { selector, template } }, change: { minReadySeconds: 7 } },
  cronjobs: {
    body: {
      spec: {
        schedule: '@daily',
        jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } },
      },
    },
    change: { suspend: true },
  },
  jobs: { body: { spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } }, change: { suspend: true } },
  horizontalpodautoscalers: {
    body: { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
    change: { maxReplicas: 7 },
  },
  ingresses: {
    body: { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
    change: { ingressClassName: 'other' },
  },
  poddisruptionbudgets: { body: { spec: { minAvailable: 1, selector } }, change: { minAvailable: 7 } },
  persistentvolumes: {
    body: { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } } },
    change: { persistentVolumeReclaimPolicy: 'Delete' },
  },
  persistentvolumeclaims: {
    body: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    change: { volumeName: 'v' },
  },
  servicecidrs: { body: { spec: { cidrs: ['192.0.2.0/24'] } }, change: { cidrs: ['192.0.2.0/24', '2001:db8::/64'] } },
  flowschemas: {
    body: { spec: { priorityLevelConfiguration: { name: 'exempt' } } },
    change: { matchingPrecedence: 7 },
  },
  prioritylevelconfigurations: {
    body: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
    change: { limited: { nominalConcurrencyShares: 7 } },
  },
  validatingadmissionpolicies: {
    body: {
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] },
          ],
        },
        validations: [{ expression: 'true' }],
      },
    },
    change: { failurePolicy: 'Ignore' },
  },
  apiservices: {
    body: { spec: { version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 } },
    change: { versionPriority: 2 },
  },
  resourceclaims: {
    body: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
    change: { devices: {} },
  },
  volumeattachments: {
    body: { spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
    change: { nodeName: 'other' },
  },
  customresourcedefinitions: { body: {}, change: { names: { categories: ['all'] } } },
  certificatesigningrequests: { body: {}, change: { signerName: 'example.com/other' } },
};

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  const body = { metadata: { name: 'default' } };
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body });
});
t.teardown(() => server.close());

async function create(kind: Kind, given: string): Promise<string> {
  // A second version of a kind has the same objects.
  const name = kind.options.storage ? `${given}-${kind.version}` : given;
  const body: { metadata: object; spec?: object } = {
    metadata: { name, labels: { own: '1' } },
    ...samples[kind.plural]!.body,
  };
  if (kind.plural === 'apiservices') {
    const group = `${name}.example.com`;
    Object.assign(body, { metadata: { ...body.metadata, name: `v1.${group}` }, spec: { ...body.spec, group } });
  }
  if (kind.plural === 'certificatesigningrequests') {
    const { request } = await createRequest({ commonName: 'x', organizations: [] });
    const encoded = Buffer.from(request).toString('base64');
    body.spec = { request: encoded, signerName: 'example.com/s', usages: ['client auth'] };
  }
  const path = collectionPath(kind, 'default');
  if (kind.plural === 'customresourcedefinitions') {
    const sample = definitionSample(name);
    const created = await server.call('POST', path, {
      body: { ...sample, metadata: { ...sample.metadata, labels: { own: '1' } } },
    });
    const object = `${path}/${created.json.metadata.name}`;
    // The server itself writes the status until the definition is established.
    const watch = await server.watch(`${path}?watch=true&fieldSelector=metadata.name%3D${created.json.metadata.name}`);
    for (let event = await watch.next(); event.object.status.conditions?.length < 2; event = await watch.next());
    watch.close();
    return object;
  }
  const made = await server.call('POST', path, { body });
  if (made.status !== 201) throw new Error(made.text);
  if (kind.plural === 'validatingadmissionpolicies') await statusWritten(path, name);
  return `${path}/${made.json.metadata.name}`;
}

/** The server itself writes the status of this kind. */
async function statusWritten(path: string, name: string): Promise<void> {
  const events = await server.watch(`${path}?watch=1&fieldSelector=metadata.name%3D${name}`);
  while (!(await events.next()).object.status?.observedGeneration);
  events.close();
}

/** A status write of these kinds changes no metadata. */
const keepMetadata = new Set(['apiservices', 'resourceclaims', 'validatingadmissionpolicies', 'volumeattachments']);
const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' }];
const metadata = {
  labels: { own: '2', added: '1' },
  annotations: { added: '1' },
  finalizers: ['example.com/f'],
  ownerReferences,
};

t.test('a write of the status changes the status and only the metadata that upstream allows', async (t) => {
  const withStatus = registry.filter((kind) => kind.options.hasStatus);
  t.same(
    [...new Set(withStatus.map(({ plural }) => plural))].sort(),
    Object.keys(samples).sort(),
    'samples has every kind with a status',
  );
  for (const kind of withStatus) {
    const path = await create(kind, 'patched');
    const before = (await server.call('GET', path)).json;
    const patched = await server.call('PATCH', `${path}/status`, {
      type: merge,
      body: { metadata, spec: samples[kind.plural]!.change },
    });
    t.equal(patched.status, 200, `${kind.plural}: ${patched.status === 200 ? '' : patched.text}`);
    const after = (await server.call('GET', path)).json;
    t.same(after.spec, before.spec, `${kind.plural}: the spec stays`);
    t.equal(after.metadata.generation, before.metadata.generation, `${kind.plural}: the generation stays`);
    if (keepMetadata.has(kind.plural)) {
      t.same(after.metadata, before.metadata, `${kind.plural}: the metadata stays`);
      continue;
    }
    t.match(after.metadata.annotations, metadata.annotations, kind.plural);
    const labels = kind.plural === 'deployments' ? { own: '1', added: undefined } : metadata.labels;
    t.match(after.metadata.labels, labels, `${kind.plural}: labels`);
    const owners = kind.plural === 'pods' ? undefined : ownerReferences;
    t.same(after.metadata.ownerReferences, owners, `${kind.plural}: owners`);
    // The same change as a PUT of the complete object.
    const put = { ...after, metadata: { ...after.metadata, labels: { own: '3' } } };
    t.equal((await server.call('PUT', `${path}/status`, { body: put })).status, 200, kind.plural);
    const own = (await server.call('GET', path)).json.metadata.labels.own;
    t.equal(own, kind.plural === 'deployments' ? '1' : '3', `${kind.plural}: by PUT`);
    await server.call('PATCH', path, { type: merge, body: { metadata: { finalizers: null } } });
  }
});

t.test('a write of the object does not change its status', async (t) => {
  for (const kind of registry.filter((one) => writesStatus(one, 'status'))) {
    const path = await create(kind, 'whole');
    const before = (await server.call('GET', path)).json;
    const status = { conditions: [{ type: 'X', status: 'True' }], phase: 'Failed', replicas: 7, observedGeneration: 7 };
    await server.call('PATCH', path, { type: merge, body: { metadata: { labels: { own: '2' } }, status } });
    const after = (await server.call('GET', path)).json;
    t.equal(after.metadata.labels.own, '2', kind.plural);
    t.same(after.status, before.status, kind.plural);
  }
});

t.test('apply of a status owns no labels that it cannot change', async (t) => {
  const kind = registry.find(({ plural }) => plural === 'deployments')!;
  const path = await create(kind, 'applied');
  const applied = await server.call('PATCH', `${path}/status?fieldManager=m`, {
    type: 'application/apply-patch+yaml',
    body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { labels: { own: '2' } }, status: { replicas: 3 } },
  });
  t.match(applied.json, { metadata: { labels: { own: '1' } }, status: { replicas: 3 } });
  const mine = applied.json.metadata.managedFields.find(({ manager }: { manager: string }) => manager === 'm');
  t.same(mine.fieldsV1, { 'f:status': { 'f:replicas': {} } });
});

t.test('other subresources write only their own part', async (t) => {
  const pods = await create(registry.find(({ plural }) => plural === 'pods')!, 'qos');
  for (const status of [{ qosClass: 'Guaranteed' }, { nominatedNodeName: 'n' }])
    await server.call('PATCH', `${pods}/status`, { type: merge, body: { status } });
  t.match((await server.call('GET', pods)).json.status, { qosClass: 'BestEffort', nominatedNodeName: 'n' });
  const binding = {
    metadata: { name: 'qos', labels: { own: '2', more: '1' } },
    target: { name: 'n' },
    spec: { hostPID: true },
  };
  t.equal((await server.call('POST', `${pods}/binding`, { body: binding })).status, 201);
  const bound = (await server.call('GET', pods)).json;
  t.match(bound, { spec: { nodeName: 'n', hostPID: undefined }, metadata: { labels: { own: '1', more: '1' } } });
  t.notOk('nominatedNodeName' in bound.status, 'the nomination ends with the binding');

  const deployment = await create(registry.find(({ plural }) => plural === 'deployments')!, 'scaled');
  const scale = { metadata: { labels: { evil: '1' } }, spec: { replicas: 4, paused: true }, status: { replicas: 9 } };
  t.equal((await server.call('PATCH', `${deployment}/scale`, { type: merge, body: scale })).status, 200);
  const scaled = (await server.call('GET', deployment)).json;
  t.match(scaled, { spec: { replicas: 4, paused: undefined }, metadata: { labels: { evil: undefined } } });
  t.notOk(scaled.status?.replicas);

  const namespace = await create(registry.find(({ plural }) => plural === 'namespaces')!, 'finalized');
  const body = {
    metadata: { name: 'finalized', labels: { evil: '1' } },
    spec: { finalizers: ['kubernetes', 'x.y/z'] },
  };
  t.equal(
    (await server.call('PUT', `${namespace}/finalize`, { body: { ...body, status: { phase: 'X' } } })).status,
    200,
  );
  const finalized = (await server.call('GET', namespace)).json;
  t.match(finalized, { spec: { finalizers: ['kubernetes', 'x.y/z'] }, status: { phase: 'Active' } });
  t.notOk(finalized.metadata.labels.evil);

  const request = await create(registry.find(({ plural }) => plural === 'certificatesigningrequests')!, 'approved');
  const approved = await server.call('PATCH', `${request}/approval`, {
    type: merge,
    body: {
      spec: { signerName: 'example.com/other' },
      status: { certificate: 'eA==', conditions: [{ type: 'Approved', status: 'True' }] },
    },
  });
  t.match(approved.json, { spec: { signerName: 'example.com/s' }, status: { certificate: undefined } });
});
