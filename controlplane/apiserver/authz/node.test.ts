// What a kubelet may do, and why not otherwise: the words are those of a real kube-apiserver 1.36.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const inNamespace = '/api/v1/namespaces/default';
const slices = '/apis/resource.k8s.io/v1/resourceslices';
const leases = (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

t.test('requests of a kubelet', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const n1 = await server.identity('system:node:n1', 'system:nodes');
  const slice = (name: string, nodeName: string) => ({
    metadata: { name },
    spec: { driver: 'd.example.com', nodeName, pool: { name: nodeName, resourceSliceCount: 1 } },
  });
  for (const [name, node] of [
    ['mine', 'n1'],
    ['theirs', 'n2'],
  ] as const) {
    t.equal((await server.call('POST', slices, { body: slice(name, node) })).status, 201);
  }
  for (const node of ['n1', 'n2']) {
    const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } };
    const body = { metadata: { name: `pv-${node}`, labels: { 'k8ts.io/node': node } }, spec };
    t.equal((await server.call('POST', '/api/v1/persistentvolumes', { body })).status, 201);
  }
  const unrelated = "no relationship found between node 'n1' and this object";
  /** Path → '' when it is allowed, or the end of the refusal. */
  const reads: readonly (readonly [path: string, why: string])[] = [
    [`${inNamespace}/secrets/s`, unrelated],
    [`${inNamespace}/secrets`, 'No Object name found'],
    ['/api/v1/secrets', 'can only read namespaced object of this type'],
    [`${inNamespace}/serviceaccounts/default`, unrelated],
    [`${inNamespace}/serviceaccounts`, 'can only create tokens for individual service accounts'],
    ['/api/v1/persistentvolumes', 'can only get individual resources of this type'],
    ['/api/v1/persistentvolumes?labelSelector=k8ts.io/node%3Dn2', 'can only get individual resources of this type'],
    [
      '/api/v1/persistentvolumes?labelSelector=k8ts.io/node%20in%20(n1,n2)',
      'can only get individual resources of this type',
    ],
    ['/api/v1/persistentvolumes?labelSelector=k8ts.io/node!%3Dn1', 'can only get individual resources of this type'],
    ['/api/v1/persistentvolumes/pv-n2', unrelated],
    ['/api/v1/pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['/api/v1/pods?fieldSelector=spec.nodeName%3Dn2', 'can only list/watch pods with spec.nodeName field selector'],
    ['/api/v1/pods?fieldSelector=spec.nodeName%3Dn1', ''],
    [`${leases('kube-node-lease')}/n2`, 'can only access node lease with the same name as the requesting node'],
    [leases('kube-node-lease'), 'can only get, create, update, patch, or delete a node lease'],
    [`${leases('default')}/n1`, 'can only access leases in the "kube-node-lease" system namespace'],
    ['/apis/storage.k8s.io/v1/csinodes/n2', 'can only access CSINode with the same name as the requesting node'],
    ['/apis/storage.k8s.io/v1/csinodes', 'can only get, create, update, patch, or delete a CSINode'],
    ['/apis/storage.k8s.io/v1/volumeattachments/x', unrelated],
    ['/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/c', unrelated],
    [slices, 'can only list/watch/deletecollection resourceslices with nodeName field selector'],
    [`${slices}?fieldSelector=spec.nodeName%3Dn1`, ''],
    [`${slices}/mine`, ''],
    [`${slices}/theirs`, unrelated],
    // Beyond upstream: the node removes the directories of its volumes.
    ['/api/v1/persistentvolumes?labelSelector=k8ts.io/node%3Dn1', ''],
    ['/api/v1/persistentvolumes/pv-n1', ''],
    // Beyond upstream: the networks of k8ts need them.
    ['/api/v1/nodes', ''],
    ['/apis/discovery.k8s.io/v1/endpointslices', ''],
  ];
  for (const [path, why] of reads) {
    const { status, json } = await server.call('GET', path, { as: n1 });
    t.equal(status, why === '' ? 200 : 403, path);
    if (why !== '') t.ok(json.message.endsWith(`: ${why}`), `${path}: ${json.message}`);
  }
  const watched = await server.call('GET', `${inNamespace}/secrets?watch=true&fieldSelector=metadata.name%3Ds`, {
    as: n1,
  });
  t.match(watched.json.message, /^secrets "s" is forbidden: .* cannot watch/, 'a selector names the object');

  const create = async (nodeName: string) =>
    (await server.call('POST', `${slices}?dryRun=All`, { body: slice('new', nodeName), as: n1 })).json;
  t.equal((await create('n1')).kind, 'ResourceSlice');
  t.match((await create('n2')).message, /can only create ResourceSlice with the same NodeName as the requesting node$/);
  const remove = (query: string) => server.call('DELETE', `${slices}${query}`, { as: n1 });
  t.equal((await remove('/theirs')).status, 403);
  t.equal((await remove('')).status, 403);
  t.equal((await remove('?fieldSelector=spec.nodeName%3Dn1')).status, 200);
  const left = (await server.call('GET', slices)).json.items;
  t.same(
    left.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    ['theirs'],
  );
});

t.test('a kubelet reads the Secrets of the volumes of its pods', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const n1 = await server.identity('system:node:n1', 'system:nodes');
  const secrets = '/api/v1/namespaces/kube-system/secrets';
  const secret = (name: string) => ({ name, namespace: 'kube-system' });
  for (const name of ['stage', 'publish', 'expand', 'controller']) {
    await server.call('POST', secrets, { body: { metadata: { name } } });
  }
  await server.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const csi = {
    driver: 'd.example.com',
    volumeHandle: 'h',
    nodeStageSecretRef: secret('stage'),
    nodePublishSecretRef: secret('publish'),
    nodeExpandSecretRef: secret('expand'),
    controllerPublishSecretRef: secret('controller'),
  };
  const volume = {
    metadata: { name: 'v' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      csi,
      claimRef: { name: 'c', namespace: 'default' },
    },
  };
  t.equal((await server.call('POST', '/api/v1/persistentvolumes', { body: volume })).status, 201);
  const get = async (name: string) => (await server.call('GET', `${secrets}/${name}`, { as: n1 })).status;
  t.equal(await get('stage'), 403, 'before a pod uses the claim');
  const pod = {
    metadata: { name: 'p' },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
    },
  };
  t.equal((await server.call('POST', `${inNamespace}/pods`, { body: pod })).status, 201);
  for (const name of ['stage', 'publish', 'expand']) t.equal(await get(name), 200, name);
  t.equal(await get('controller'), 403);
  await server.call('PATCH', '/api/v1/persistentvolumes/v', {
    type: 'application/merge-patch+json',
    body: { spec: { claimRef: null } },
  });
  t.equal(await get('stage'), 403, 'after the binding');
});
