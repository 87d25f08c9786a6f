// The controllers and the scheduler on a real API server in this process, with simulated kubelets.
import t, { type Test } from 'tap';
import {
  configMaps,
  type Deployment,
  deployments,
  endpointSlices,
  endpoints,
  namespaces,
  nodes,
  type Pod,
  pods,
  replicaSets,
  type Service,
  serviceAccounts,
  services,
} from '../../controlplane/api/index';
import { isNotFound } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import type { FakeKubeletOptions } from '../lib/fake-kubelet';

t.setTimeout(180_000);

async function startCluster(test: Test, options: FakeKubeletOptions & { nodes?: string[] } = {}): Promise<Client> {
  const { nodes: names = ['n1', 'n2', 'n3'], ...kubelets } = options;
  const { client } = await openControlPlane(test, { nodes: names, kubelets, controllers: { identity: 'a' } });
  return client;
}

const deployment = (name: string, spec: Partial<Deployment['spec'] & object> = {}): Deployment => ({
  metadata: { name, namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [{ name: 'c', image: 'registry.local/app:1', ports: [{ name: 'http', containerPort: 8080 }] }],
      },
    },
    ...spec,
  },
});
const service = (name: string, spec: Service['spec'] = {}): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' as never }], ...spec },
});
const isComplete = (replicas: number) => (list: readonly Deployment[]) =>
  list.length === 1 &&
  list[0]!.status?.availableReplicas === replicas &&
  list[0]!.status?.updatedReplicas === replicas &&
  list[0]!.status?.replicas === replicas &&
  list[0]!.status?.observedGeneration === list[0]!.metadata?.generation;
const ready = (list: readonly Pod[]) => list.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);

t.test('a Deployment becomes pods on all nodes, and its Service gets their addresses', async (t) => {
  const client = await startCluster(t);
  await client.create(services, service('web'));
  await client.create(deployments, deployment('web'));
  const [done] = await eventually(client, deployments, isComplete(3));
  t.equal(done?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '1');
  t.equal(done?.metadata?.generation, 1, 'the revision is an annotation, not a change of the spec');
  const list = await client.list(pods, { namespace: 'default' });
  t.same(list.items.map(({ spec }) => spec?.nodeName).sort(), ['n1', 'n2', 'n3'], 'one on each node');
  const slices = await eventually(
    client,
    endpointSlices,
    // The controller removes the slice without endpoints a moment after it has created the slice with endpoints.
    (all) => all.length === 1 && all[0]?.endpoints?.filter(({ conditions }) => conditions?.ready).length === 3,
    { labelSelector: 'kubernetes.io/service-name=web' },
  );
  t.equal(slices.length, 1);
  t.same(slices[0]?.ports, [{ name: '', protocol: 'TCP', port: 8080 }], 'the named target port');
  const [legacy] = await eventually(
    client,
    endpoints,
    (all) => all.some(({ subsets }) => subsets?.[0]?.addresses?.length === 3),
    { namespace: 'default', fieldSelector: 'metadata.name=web' },
  );
  t.equal(legacy?.subsets?.[0]?.ports?.[0]?.port, 8080);

  t.comment('scaled to 0, all pods are removed');
  await client.patch(deployments, 'default/web', 'merge', { spec: { replicas: 0 } });
  await eventually(client, pods, (all) => all.length === 0, { namespace: 'default' });
  await eventually(client, endpointSlices, (all) => all.every(({ endpoints: list = [] }) => list.length === 0), {
    labelSelector: 'kubernetes.io/service-name=web',
  });

  t.comment('the slices are deleted with the Service');
  await client.delete(services, 'default/web');
  await eventually(client, endpointSlices, (all) => all.length === 0, {
    labelSelector: 'kubernetes.io/service-name=web',
  });
  await eventually(client, endpoints, (all) => all.length === 0, {
    namespace: 'default',
    fieldSelector: 'metadata.name=web',
  });
});

t.test('a rolling update never goes below its minimum, and can be undone', async (t) => {
  const client = await startCluster(t);
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } as never;
  await client.create(deployments, deployment('web', { replicas: 4, strategy }));
  const [first] = await eventually(client, deployments, isComplete(4));
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  const watching = new AbortController();
  const sizes = (async () => {
    const current = await client.list(replicaSets, { namespace: 'default' });
    const byName = new Map(current.items.map((set) => [set.metadata?.name, set]));
    const params = { namespace: 'default', resourceVersion: current.metadata.resourceVersion };
    for await (const { type, object } of client.watch(replicaSets, params, watching.signal)) {
      if (type === 'ADDED' || type === 'MODIFIED') byName.set(object.metadata?.name, object);
      const sum = (of: (set: typeof object) => number) =>
        [...byName.values()].reduce((total, set) => total + of(set), 0);
      least = Math.min(
        least,
        sum(({ status }) => status?.availableReplicas ?? 0),
      );
      most = Math.max(
        most,
        sum(({ spec }) => spec?.replicas ?? 0),
      );
    }
  })().catch((err: unknown) => {
    if (!watching.signal.aborted) throw err;
  });
  const image = (value: string) => [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value }];
  await client.patch(deployments, 'default/web', 'json', image('registry.local/app:2'));
  const isSecond = (list: readonly Deployment[]) =>
    isComplete(4)(list) && list[0]?.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '2';
  await eventually(client, deployments, isSecond);
  const list = await client.list(pods, { namespace: 'default' });
  t.ok(ready(list.items).every(({ spec }) => spec?.containers[0]?.image === 'registry.local/app:2'));
  t.equal(least, 4, 'never fewer replicas than the minimum');
  t.equal(most, 5, 'and never more than one replica above the desired number');
  watching.abort(new Error('done'));
  await sizes;

  t.comment('undo as kubectl does it: the earlier template again');
  await client.patch(deployments, 'default/web', 'json', [
    { op: 'replace', path: '/spec/template', value: first!.spec!.template },
  ]);
  await eventually(
    client,
    deployments,
    (all) => isComplete(4)(all) && all[0]?.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '3',
  );
  const sets = await client.list(replicaSets, { namespace: 'default' });
  t.equal(sets.items.length, 2, 'the first set is used again');
  const current = sets.items.find(({ spec }) => spec?.replicas === 4);
  t.equal(current?.metadata?.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

t.test('Recreate waits for the last old pod', async (t) => {
  const client = await startCluster(t);
  await client.create(deployments, deployment('web', { replicas: 2, strategy: { type: 'Recreate' } }));
  await eventually(client, deployments, isComplete(2));
  const mixed: string[] = [];
  const watching = new AbortController();
  const current = await client.list(pods, { namespace: 'default' });
  const seen = new Map(current.items.map((pod) => [pod.metadata?.uid, pod.spec?.containers[0]?.image]));
  const watch = (async () => {
    const params = { namespace: 'default', resourceVersion: current.metadata.resourceVersion };
    for await (const { type, object } of client.watch(pods, params, watching.signal)) {
      if (type === 'DELETED') seen.delete(object.metadata?.uid);
      else if (type !== 'BOOKMARK') seen.set(object.metadata?.uid, object.spec?.containers[0]?.image);
      if (new Set(seen.values()).size > 1) mixed.push([...seen.values()].join());
    }
  })().catch((err: unknown) => {
    if (!watching.signal.aborted) throw err;
  });
  await client.patch(deployments, 'default/web', 'json', [
    { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'registry.local/app:2' },
  ]);
  await eventually(
    client,
    deployments,
    (all) => isComplete(2)(all) && all[0]?.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '2',
  );
  watching.abort(new Error('done'));
  await watch;
  t.same(mixed, [], 'old and new never ran together');
});

t.test('a deleted pod is replaced', async (t) => {
  const client = await startCluster(t);
  await client.create(deployments, deployment('web', { replicas: 1 }));
  await eventually(client, deployments, isComplete(1));
  const [pod] = (await client.list(pods, { namespace: 'default' })).items;
  await client.delete(pods, `default/${pod?.metadata?.name}`);
  await eventually(
    client,
    pods,
    (all) => all.length === 1 && all[0]?.metadata?.uid !== pod?.metadata?.uid && all[0]?.status?.phase === 'Running',
    { namespace: 'default' },
  );
});

t.test('deletion cascades', async (t) => {
  const client = await startCluster(t);
  const nothing = (all: readonly unknown[]) => all.length === 0;

  t.comment('in the background');
  await client.create(deployments, deployment('web'));
  await eventually(client, deployments, isComplete(3));
  await client.delete(deployments, 'default/web', { propagationPolicy: 'Background' });
  await eventually(client, pods, nothing, { namespace: 'default' });
  await eventually(client, replicaSets, nothing, { namespace: 'default' });

  t.comment('in the foreground: the owner is removed last');
  await client.create(deployments, deployment('web'));
  await eventually(client, deployments, isComplete(3));
  await client.delete(deployments, 'default/web', { propagationPolicy: 'Foreground' });
  const owner = await client.get(deployments, 'default/web').catch((err: unknown) => {
    if (!isNotFound(err)) throw err;
  });
  if (owner) t.same(owner.metadata?.finalizers, ['foregroundDeletion']);
  await eventually(client, deployments, nothing, { namespace: 'default' });
  t.equal((await client.list(replicaSets, { namespace: 'default' })).items.length, 0);
  t.equal((await client.list(pods, { namespace: 'default' })).items.length, 0);

  t.comment('orphaning: the dependents stay and lose their owner');
  await client.create(deployments, deployment('web'));
  await eventually(client, deployments, isComplete(3));
  await client.delete(deployments, 'default/web', { propagationPolicy: 'Orphan' });
  await eventually(client, deployments, nothing, { namespace: 'default' });
  const [set] = (await client.list(replicaSets, { namespace: 'default' })).items;
  t.equal(set?.metadata?.ownerReferences, undefined);
  t.equal((await client.list(pods, { namespace: 'default' })).items.length, 3);

  t.comment('and a new owner with the same selector adopts them');
  await client.create(deployments, deployment('web'));
  await eventually(client, replicaSets, (all) => all.length === 1 && all[0]?.metadata?.ownerReferences?.length === 1, {
    namespace: 'default',
  });
});

t.test('an object whose owner never existed is collected, by uid', async (t) => {
  const client = await startCluster(t);
  const owner = await client.create(configMaps, { metadata: { name: 'owner', namespace: 'default' } });
  const owned = (name: string, uid: string) => ({
    metadata: {
      name,
      namespace: 'default',
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }],
    },
  });
  await client.create(configMaps, owned('good', owner.metadata!.uid!));
  await client.create(configMaps, owned('stray', 'another-uid'));
  const names = (all: readonly { metadata?: { name?: string } }[]) => all.map(({ metadata }) => metadata?.name);
  const left = await eventually(
    client,
    configMaps,
    (all) => !names(all).includes('stray') && names(all).includes('good'),
    {
      namespace: 'default',
    },
  );
  t.ok(names(left).includes('owner'));
});

t.test('a namespace gets its default objects, and is removed with all its objects', async (t) => {
  const client = await startCluster(t);
  await client.create(namespaces, { metadata: { name: 'shop' } });
  await eventually(client, serviceAccounts, (all) => all.some(({ metadata }) => metadata?.name === 'default'), {
    namespace: 'shop',
  });
  await eventually(
    client,
    configMaps,
    (all) => all.some(({ data }) => data?.['ca.crt']?.startsWith('-----BEGIN CERTIFICATE')),
    {
      namespace: 'shop',
    },
  );
  const web = deployment('web');
  await client.create(deployments, { ...web, metadata: { ...web.metadata, namespace: 'shop' } });
  await eventually(client, deployments, isComplete(3), { namespace: 'shop' });
  await client.create(configMaps, { metadata: { name: 'held', namespace: 'shop', finalizers: ['example.com/hold'] } });
  await client.delete(namespaces, 'shop');
  const [waiting] = await eventually(
    client,
    namespaces,
    (all) =>
      all[0]?.status?.conditions?.some(
        ({ type, status }) => type === 'NamespaceFinalizersRemaining' && status === 'True',
      ) === true,
    { fieldSelector: 'metadata.name=shop' },
  );
  t.equal(waiting?.status?.phase, 'Terminating');
  await client.patch(configMaps, 'shop/held', 'merge', { metadata: { finalizers: null } });
  await eventually(client, namespaces, (all) => all.length === 0, { fieldSelector: 'metadata.name=shop' });
  t.equal((await client.list(pods, { namespace: 'shop' })).items.length, 0);
});

t.test('nodes get ranges of their own', async (t) => {
  const client = await startCluster(t);
  const all = await eventually(
    client,
    nodes,
    (list) => list.length === 3 && list.every(({ spec }) => spec?.podCIDR !== undefined),
  );
  t.same(all.map(({ spec }) => spec?.podCIDR).sort(), ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']);
});

t.test('a pod that fits on no node reports why, and is bound when a node has room', async (t) => {
  const client = await startCluster(t, { nodes: ['n1', 'n2'] });
  const large = { name: 'c', image: 'registry.local/app:1', resources: { requests: { cpu: '6' } } };
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  await client.create(pods, { metadata: { name: 'large', namespace: 'default' }, spec: { containers: [large] } });
  const select = { namespace: 'default', fieldSelector: 'metadata.name=large' };
  const [waiting] = await eventually(
    client,
    pods,
    (all) => all[0]?.status?.conditions?.some(({ status }) => status === 'False') === true,
    select,
  );
  const condition = waiting?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  t.equal(condition?.reason, 'Unschedulable');
  t.equal(
    condition?.message,
    '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  );
  await client.patch(nodes, 'n2', 'merge', { status: { allocatable: { cpu: '8' } } }, { subresource: 'status' });
  const [placed] = await eventually(client, pods, (all) => all[0]?.spec?.nodeName !== undefined, select);
  t.equal(placed?.spec?.nodeName, 'n2');
});
