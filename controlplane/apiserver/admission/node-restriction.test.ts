// Which writes a kubelet's user may make, over real HTTPS.
import t from 'tap';
import { type Answer, startApiServer, type TestServer } from '../../../test/lib/api-server';
import type { KeyPair } from '../../pki/certificate';

const pods = '/api/v1/namespaces/default/pods';
const nodes = '/api/v1/nodes';
const merge = 'application/merge-patch+json';
const mirror = 'kubernetes.io/config.mirror';

let server: TestServer;
let n1: KeyPair;
let uid = '';
t.before(async () => {
  server = await startApiServer();
  n1 = await server.identity('system:node:n1', 'system:nodes');
  for (const name of ['default', 'other']) {
    await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name } } });
  }
  const labels = { 'kubernetes.io/hostname': 'n1', a: 'b' };
  const spec = { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] };
  const made = await server.call('POST', nodes, { body: { metadata: { name: 'n1', labels }, spec }, as: n1 });
  if (made.status !== 201) throw new Error(made.text);
  uid = made.json.metadata.uid;
  await server.call('POST', nodes, { body: { metadata: { name: 'n2' } } });
  const admin = { metadata: { labels: { 'node-restriction.kubernetes.io/tenant': 'red', 'example.k8s.io/x': 'y' } } };
  await server.call('PATCH', `${nodes}/n1`, { type: merge, body: admin });
});
t.teardown(() => server.close());

const container = { name: 'c', image: 'i' };
const owner = () => ({ apiVersion: 'v1', kind: 'Node', name: 'n1', uid, controller: true });

function mirrorPod(name: string, spec: object = {}, metadata: object = {}) {
  return {
    metadata: { name, annotations: { [mirror]: 'x' }, ownerReferences: [owner()], ...metadata },
    spec: { nodeName: 'n1', containers: [container], ...spec },
  };
}

t.test('a mirror pod belongs to the node and refers to no other objects', async (t) => {
  const create = (body: object) => server.call('POST', pods, { body, as: n1 });
  t.equal((await create(mirrorPod('good'))).status, 201);
  t.equal((await server.call('GET', `${pods}/good`)).json.spec.serviceAccountName, undefined);
  const volume = (source: object) => ({ volumes: [{ name: 'v', ...source }] });
  const projected = (source: object) => volume({ projected: { sources: [source] } });
  const env = (valueFrom: object) => ({ containers: [{ ...container, env: [{ name: 'E', valueFrom }] }] });
  const references: [string, object][] = [
    ['a mirror pod may not reference service accounts', { serviceAccountName: 'default' }],
    ['a mirror pod may not reference service accounts', { serviceAccount: 'default' }],
    ['a mirror pod may not reference secrets', { imagePullSecrets: [{ name: 's' }] }],
    ['a mirror pod may not reference secrets', volume({ secret: { secretName: 's' } })],
    ['a mirror pod may not reference secrets', env({ secretKeyRef: { name: 's', key: 'k' } })],
    [
      'a mirror pod may not reference secrets',
      { containers: [{ ...container, envFrom: [{ secretRef: { name: 's' } }] }] },
    ],
    [
      'a mirror pod may not reference secrets',
      { initContainers: [{ ...container, name: 'i', envFrom: [{ secretRef: { name: 's' } }] }] },
    ],
    [
      'a mirror pod may not reference secrets',
      volume({ rbd: { image: 'i', monitors: ['m'], secretRef: { name: 's' } } }),
    ],
    ['node "n1" can not create pods that reference configmaps', volume({ configMap: { name: 'm' } })],
    ['node "n1" can not create pods that reference configmaps', env({ configMapKeyRef: { name: 'm', key: 'k' } })],
    [
      'node "n1" can not create pods that reference persistentvolumeclaims',
      volume({ persistentVolumeClaim: { claimName: 'p' } }),
    ],
    ['a mirror pod may not reference secrets', projected({ secret: { name: 's' } })],
    [
      'node "n1" can not create pods that reference configmaps (via projected volumes)',
      projected({ configMap: { name: 's' } }),
    ],
    [
      'a mirror pod may not use ServiceAccountToken volume projections',
      projected({ serviceAccountToken: { path: 't' } }),
    ],
    [
      'node "n1" can not create pods that reference resourceclaims',
      { resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] },
    ],
  ];
  for (const [what, spec] of references) {
    const { json } = await create(mirrorPod('bad', spec));
    t.match(json, { code: 403, message: `pods "bad" is forbidden: ${what}` });
  }
  const owners: [string, object[] | undefined][] = [
    ['with an owner reference set to itself', undefined],
    ['with a single owner reference', [owner(), { ...owner(), uid: 'x', controller: false }]],
    ['with an owner reference set to itself', [{ ...owner(), name: 'n2' }]],
    ['with an owner reference set to itself', [{ ...owner(), kind: 'Pod' }]],
    ['with a controller owner reference', [{ ...owner(), controller: false }]],
    ['must not set blockOwnerDeletion', [{ ...owner(), blockOwnerDeletion: true }]],
    ['UID mismatch', [{ ...owner(), uid: 'other' }]],
  ];
  for (const [message, ownerReferences] of owners) {
    const { json } = await create(mirrorPod('bad', {}, { ownerReferences }));
    t.equal(json.code, 403, message);
    t.ok(json.message.includes(message), json.message);
  }
  t.match((await create(mirrorPod('bad', { nodeName: 'n2' }))).json, { code: 403, message: /nodeName set to itself/ });
  t.match((await create(mirrorPod('bad', {}, { annotations: {} }))).json, { code: 403, message: /only create mirror/ });
});

t.test("labels and taints of the kubelet's own Node", async (t) => {
  const change = (body: object, type = merge, path = `${nodes}/n1`) =>
    server.call('PATCH', path, { body, type, as: n1 });
  const labels = (values: Record<string, string | null>) => change({ metadata: { labels: values } });
  t.equal((await labels({ 'topology.kubernetes.io/zone': 'z', mine: 'x', a: null })).status, 200);
  for (const label of [
    'node-restriction.kubernetes.io/tenant',
    'x.node-restriction.kubernetes.io/y',
    'node-role.kubernetes.io/control-plane',
    'kubernetes.io/foo',
    'example.k8s.io/x',
  ]) {
    t.match((await labels({ [label]: 'new' })).json, { code: 403, message: new RegExp(`modify labels: ${label}$`) });
  }
  for (const label of ['node-restriction.kubernetes.io/tenant', 'example.k8s.io/x']) {
    t.match(
      (await labels({ [label]: null })).json,
      { code: 403, message: /modify labels/ },
      'the removal of an address is a change',
    );
    const viaStatus = await change({ metadata: { labels: { [label]: null } } }, merge, `${nodes}/n1/status`);
    t.not(viaStatus.json.metadata?.labels?.[label], null);
  }
  t.match((await change({ spec: { taints: [] } })).json, { code: 403, message: /not allowed to modify taints/ });
  t.match((await change({ spec: { taints: null } })).json, { code: 403, message: /not allowed to modify taints/ });
  const replaced = [{ op: 'replace', path: '/spec/taints/0/effect', value: 'NoExecute' }];
  t.equal((await change(replaced, 'application/json-patch+json')).status, 403);
  t.match((await change({ metadata: { ownerReferences: [{ ...owner(), kind: 'Pod' }] } })).json, {
    code: 403,
    message: /not allowed to modify ownerReferences/,
  });
  t.match((await change({ spec: { podCIDRs: ['10.0.0.0/8'] } })).json, { code: 403, message: /podCIDRs/ });
  t.match((await change({ spec: { podCIDR: '10.0.0.0/8' } })).json, { code: 403, message: /podCIDRs/ });
  const report = (type: string, address: string) =>
    change({ status: { addresses: [{ type, address }] } }, merge, `${nodes}/n1/status`);
  for (const [type, address] of [
    ['Hostname', 'kubernetes'],
    ['InternalDNS', 'kubernetes.default.svc'],
    ['ExternalIP', '8.8.8.8'],
    ['InternalIP', '10.96.0.1'],
  ] as const) {
    t.equal((await report(type, address)).status, 403, `${type} ${address}`);
  }
  t.equal((await report('Hostname', 'n1')).status, 200);
  t.equal((await report('InternalIP', '192.168.9.1')).status, 200);
  t.match((await change({ spec: { configSource: { configMap: {} } } })).json, { code: 403, message: /configSource/ });
  t.equal((await change({ metadata: { labels: { a: 'c' } } }, merge, `${nodes}/n2`)).status, 403);
  const node = (await server.call('GET', `${nodes}/n1`)).json;
  t.match(node.metadata.labels, { 'node-restriction.kubernetes.io/tenant': 'red', 'example.k8s.io/x': 'y' });
  t.match(node.spec.taints, [{ effect: 'NoSchedule' }]);
  const n3 = await server.identity('system:node:n3', 'system:nodes');
  const register = (body: object) => server.call('POST', nodes, { body, as: n3 });
  t.match((await register({ metadata: { name: 'n3', labels: { 'node-role.kubernetes.io/x': '' } } })).json, {
    code: 403,
    message: /is not allowed to set the following labels: node-role.kubernetes.io\/x$/,
  });
  t.equal((await register({ metadata: { name: 'n3' }, spec: { podCIDR: '10.0.0.0/8' } })).status, 403);
});

async function userPod(name: string, spec: object = {}): Promise<Answer> {
  const body = { metadata: { name, labels: { app: 'x' } }, spec: { nodeName: 'n1', containers: [container], ...spec } };
  return server.call('POST', pods, { body });
}

t.test('a kubelet writes only the status of its own pods', async (t) => {
  await userPod('mine');
  await userPod('theirs', { nodeName: 'n2' });
  const status = (name: string, body: object) =>
    server.call('PATCH', `${pods}/${name}/status`, { body, type: merge, as: n1 });
  t.equal((await status('mine', { status: { phase: 'Running' } })).status, 200);
  for (const metadata of [
    { labels: { evil: '1' } },
    { labels: { app: null } },
    { annotations: { evil: '1' } },
    { finalizers: ['example.com/x'] },
  ]) {
    t.match((await status('mine', { metadata })).json, { code: 403, message: /cannot update .* through pod status/ });
  }
  t.same((await server.call('GET', `${pods}/mine`)).json.metadata.labels, {
    app: 'x',
    // From the node, at binding.
    'topology.kubernetes.io/zone': 'z',
  });
  t.equal((await status('theirs', { status: { phase: 'Failed' } })).status, 403);
  const evict = (name: string) =>
    server.call('POST', `${pods}/${name}/eviction`, { body: { metadata: { name } }, as: n1 });
  t.match((await evict('theirs')).json, {
    code: 403,
    message: /: node n1 can only evict pods with spec.nodeName set to itself$/,
  });
  t.notMatch(
    (await server.call('GET', `${pods}/theirs`)).text,
    /DisruptionTarget/,
    'the refused eviction wrote nothing',
  );
  t.equal((await server.call('DELETE', `${pods}/theirs`, { as: n1 })).status, 403);
  t.equal((await server.call('PATCH', `${pods}/mine`, { body: {}, type: merge, as: n1 })).status, 403);
  t.equal((await evict('mine')).status, 201);
});

t.test(
  'a kubelet reports in the status of a claim of its pods that the volume has grown, and nothing else',
  async (t) => {
    const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    t.equal((await server.call('POST', claims, { body: { metadata: { name: 'data' }, spec } })).status, 201);
    const pod = await userPod('grows', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] });
    t.equal(pod.status, 201);
    const status = (body: object) => server.call('PATCH', `${claims}/data/status`, { body, type: merge, as: n1 });
    t.equal((await status({ status: { capacity: { storage: '2Gi' } } })).status, 200);
    for (const body of [{ status: { accessModes: ['ReadWriteMany'] } }, { metadata: { labels: { a: 'b' } } }]) {
      t.match((await status(body)).json, {
        code: 403,
        message: /node "n1" is not allowed to update fields other than status.quantity and status.conditions$/,
      });
    }
  },
);

t.test('a kubelet gets tokens only for accounts and audiences that its pods use', async (t) => {
  const sources = [{ serviceAccountToken: { path: 't', audience: 'vault' } }];
  const made = await userPod('tokens', { volumes: [{ name: 'v', projected: { sources } }] });
  const ask = (spec: object, account = 'default') =>
    server.call('POST', `/api/v1/namespaces/default/serviceaccounts/${account}/token`, { body: { spec }, as: n1 });
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'tokens', uid: made.json.metadata.uid };
  t.equal((await ask({ boundObjectRef })).status, 201);
  t.equal((await ask({ boundObjectRef, audiences: ['vault'] })).status, 201);
  t.match((await ask({ boundObjectRef, audiences: ['bank'] })).json, {
    code: 403,
    message: /audience "bank" not found in pod spec volume, system:node:n1 is not authorized to request tokens/,
  });
  t.match((await ask({ boundObjectRef, audiences: ['vault', 'bank'] })).json, {
    code: 403,
    message: /0 or 1 audiences/,
  });
  t.match((await ask({})).json, { code: 403, message: /not bound to a pod/ });
  t.match((await ask({ boundObjectRef: { ...boundObjectRef, apiVersion: '' } })).json, { code: 403 });
  t.match((await ask({ boundObjectRef }, 'other')).json, { code: 403 });
  const granted = { apiGroups: [''], resources: ['bank'], verbs: ['request-serviceaccounts-token-audience'] };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await server.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'bank' }, rules: [granted] } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'bank' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }];
  const binding = { metadata: { name: 'bank' }, roleRef, subjects };
  await server.call('POST', `${rbac}/clusterrolebindings`, { body: binding });
  t.equal((await ask({ boundObjectRef, audiences: ['bank'] })).status, 201, 'RBAC can allow further audiences');
});

t.test('a kubelet writes only its own lease', async (t) => {
  const leases = (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const create = (name: string) =>
    server.call('POST', leases('kube-node-lease'), { body: { metadata: { name } }, as: n1 });
  t.equal((await create('n1')).status, 201);
  t.match((await create('n2')).json, { code: 403, message: /same name as the requesting node/ });
  t.equal((await server.call('DELETE', `${leases('kube-node-lease')}/n2`, { as: n1 })).status, 403);
});

t.test('a kubelet writes only its own CSINode, and reads what its pods need of storage', async (t) => {
  const storage = '/apis/storage.k8s.io/v1';
  const call = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    const type = method === 'PATCH' ? merge : 'application/json';
    return (await server.call(method, path, { as: n1, type, ...(body ? { body } : {}) })).status;
  };
  const csiNode = (name: string) => ({ metadata: { name }, spec: { drivers: [] } });
  t.equal(await call('POST', `${storage}/csinodes`, csiNode('n2')), 403);
  t.equal(await call('POST', `${storage}/csinodes`, csiNode('n1')), 201);
  const drivers = { spec: { drivers: [{ name: 'd', nodeID: 'n1' }] } };
  t.equal(await call('PATCH', `${storage}/csinodes/n1`, drivers), 200);
  await server.call('POST', `${storage}/csinodes`, { body: csiNode('n2') });
  t.equal(await call('GET', `${storage}/csinodes/n2`), 403);
  t.equal(await call('DELETE', `${storage}/csinodes/n2`), 403);
  t.equal(await call('GET', `${storage}/csidrivers`), 200);
  for (const [name, nodeName] of [
    ['claims-of-n1', 'n1'],
    ['claims-of-n2', 'n2'],
  ]) {
    const spec = { attacher: 'd', nodeName, source: { persistentVolumeName: 'v' } };
    await server.call('POST', `${storage}/volumeattachments`, { body: { metadata: { name }, spec } });
    const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
    await server.call('POST', claims, { body: { metadata: { name }, spec: claim } });
    const volume = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } };
    const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'default', name };
    await server.call('POST', '/api/v1/persistentvolumes', {
      body: { metadata: { name }, spec: { ...volume, claimRef } },
    });
    const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: name } }];
    const pod = await server.call('POST', pods, {
      body: { metadata: { name }, spec: { nodeName, containers: [container], volumes } },
    });
    t.equal(pod.status, 201, pod.text);
    const expected = nodeName === 'n1' ? 200 : 403;
    t.equal(await call('GET', `${storage}/volumeattachments/${name}`), expected, `attachment ${name}`);
    t.equal(await call('GET', `${claims}/${name}`), expected, `claim ${name}`);
    t.equal(await call('GET', `/api/v1/persistentvolumes/${name}`), expected, `volume ${name}`);
    const status = { status: { capacity: { storage: '1Gi' } } };
    t.equal(await call('PATCH', `${claims}/${name}/status`, status), expected, `status of claim ${name}`);
    t.equal(await call('PATCH', `${claims}/${name}`, { metadata: { labels: { a: 'b' } } }), 403, `claim ${name}`);
  }
});

t.test('of its volumes a node removes only the finalizer of their directory, when they are deleted', async (t) => {
  const volumes = '/api/v1/persistentvolumes';
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } };
  const finalizers = ['k8ts.io/directory', 'example.com/x'];
  const create = (name: string, node: string) =>
    server.call('POST', volumes, { body: { metadata: { name, labels: { 'k8ts.io/node': node }, finalizers }, spec } });
  for (const [name, node] of [
    ['own', 'n1'],
    ['live', 'n1'],
    ['foreign', 'n2'],
  ] as const) {
    t.equal((await create(name, node)).status, 201);
    if (name !== 'live') await server.call('DELETE', `${volumes}/${name}`);
  }
  const left = async (name: string): Promise<string[]> =>
    (await server.call('GET', `${volumes}/${name}`)).json.metadata.finalizers;
  const patch = (name: string, body: object) =>
    server.call('PATCH', `${volumes}/${name}`, { type: merge, body, as: n1 });
  const removed = { metadata: { finalizers: (await left('own')).filter((one) => one !== 'k8ts.io/directory') } };
  const refused: [string, object][] = [
    ['foreign', removed],
    ['live', removed],
    ['own', { metadata: { finalizers: null } }],
    ['own', { metadata: { ...removed.metadata, labels: { 'k8ts.io/node': 'n2' } } }],
    ['own', { ...removed, spec: { persistentVolumeReclaimPolicy: 'Delete' } }],
    ['own', { metadata: { annotations: { a: 'b' } } }],
  ];
  for (const [name, body] of refused) t.equal((await patch(name, body)).status, 403, `${name} ${JSON.stringify(body)}`);
  t.equal((await patch('own', removed)).status, 200);
  t.notOk((await left('own')).includes('k8ts.io/directory'));
  t.equal((await server.call('DELETE', `${volumes}/own`, { as: n1 })).status, 403);
  t.equal((await server.call('PUT', `${volumes}/own`, { body: {}, as: n1 })).status, 403);
});
