// Addresses of load balancers and condition Programmed, by the controllers on a real API server; two nodes are simulated.
import t, { type Test } from 'tap';
import { endpointSlices, events, leases, nodes, type Service, services } from '../../controlplane/api/index';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { createNodes } from '../lib/fake-kubelet';
import { PlayedProxy } from '../lib/played-proxy';
import type { TestServer } from '../lib/test-server';

t.setTimeout(180_000);

const nodeNames = ['n1', 'n2'] as const;
type Proxies = Readonly<Record<(typeof nodeNames)[number], PlayedProxy>>;

async function start(test: Test): Promise<{ server: TestServer; client: Client; proxies: Proxies }> {
  const controllers = { loadBalancerPool: '192.168.57.240-192.168.57.241' };
  const { server, client, run } = await openControlPlane(test, { controllers });
  await createNodes(client, ...nodeNames);
  const asProxy = server.client('system:kube-proxy');
  const proxies = { n1: new PlayedProxy(asProxy, 'n1'), n2: new PlayedProxy(asProxy, 'n2') };
  for (const proxy of Object.values(proxies)) run((signal) => proxy.run(signal));
  return { server, client, proxies };
}

const service = (name: string, spec: Service['spec'] = {}): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...spec },
});
const addressOf = (name: string, list: readonly Service[]) =>
  list.find(({ metadata }) => metadata?.name === name)?.status?.loadBalancer?.ingress?.[0]?.ip;
const programmed = (one: Service | undefined) => one?.status?.conditions?.find(({ type }) => type === 'Programmed');
const isProgrammed = (one: Service) =>
  programmed(one)?.status === 'True' && programmed(one)?.observedGeneration === one.metadata?.generation;
const named = (name: string) => ({ namespace: 'default', fieldSelector: `metadata.name=${name}` });

t.test('addresses are assigned, kept, refused with the reason, and freed', async (t) => {
  const { client, server, proxies } = await start(t);
  await client.create(services, service('a'));
  await eventually(client, services, (list) => addressOf('a', list) === '192.168.57.240', named('a'));
  await client.create(
    services,
    service('b', { loadBalancerClass: 'k8ts.io/l2', allocateLoadBalancerNodePorts: false }),
  );
  await client.create(services, service('other', { loadBalancerClass: 'example.org/lb' }));
  const [b] = await eventually(client, services, (list) => addressOf('b', list) === '192.168.57.241', named('b'));
  t.match(b, {
    status: { loadBalancer: { ingress: [{ ip: '192.168.57.241', ipMode: 'VIP' }] } },
    spec: { ports: [{ nodePort: undefined }] },
  });
  await client.create(services, service('c'));
  const [refused] = await eventually(
    client,
    events,
    (list) => list.some(({ reason }) => reason === 'AllocationFailed'),
    { namespace: 'default' },
  ).then((list) => list.filter(({ reason }) => reason === 'AllocationFailed'));
  t.match(refused, {
    type: 'Warning',
    involvedObject: { kind: 'Service', name: 'c' },
    message:
      'No load balancer address: no free address in the pool 192.168.57.240-192.168.57.241: ' +
      '192.168.57.240 default/a, 192.168.57.241 default/b',
  });

  // Deletion and a change of type both free the address, without the finalizer that cloud providers use.
  await client.delete(services, 'default/a');
  await eventually(client, services, (list) => addressOf('c', list) === '192.168.57.240', named('c'));
  await client.patch(services, 'default/b', 'merge', { spec: { type: 'ClusterIP', loadBalancerClass: null } });
  const changed = await client.get(services, 'default/b');
  t.same(changed.status?.loadBalancer, {}, 'the server removes the address at once');
  await client.create(services, service('d'));
  await eventually(client, services, (list) => addressOf('d', list) === '192.168.57.241', named('d'));
  t.equal(
    addressOf('other', (await client.list(services)).items),
    undefined,
    'a Service of another class gets no address',
  );

  // A requested address that cannot be assigned leaves the Service without an address rather than with another one.
  await client.patch(services, 'default/d', 'merge', { spec: { loadBalancerIP: '10.0.0.1' } });
  await eventually(client, services, (list) => list.length > 0 && addressOf('d', list) === undefined, named('d'));
  await client.patch(services, 'default/d', 'merge', { spec: { loadBalancerIP: '192.168.57.241' } });
  await eventually(client, services, (list) => addressOf('d', list) === '192.168.57.241', named('d'));
  await eventually(client, services, (list) => list.every(isProgrammed), named('d'));
  t.same(proxies.n1.claims.get('default/d'), [{ address: '192.168.57.241' }], 'nodes know the addresses to announce');

  const steal = { status: { loadBalancer: { ingress: [{ ip: '192.168.57.1' }] } } };
  for (const user of ['system:kube-proxy', 'system:kube-scheduler', 'jane']) {
    await t.rejects(
      server.client(user).patch(services, 'default/d', 'merge', steal, { subresource: 'status' }),
      { code: 'Forbidden' },
      `${user} may not say which addresses are caught`,
    );
  }
});

t.test('Programmed names the nodes that have the rules of the current Service', async (t) => {
  const { client, proxies } = await start(t);
  await client.create(services, service('web', { type: 'ClusterIP' }));
  const [first] = await eventually(client, services, (list) => list.some(isProgrammed), named('web'));
  t.match(programmed(first), { reason: 'Programmed', message: '2 of 2 nodes', observedGeneration: 1 });

  proxies.n2.hold();
  await client.patch(services, 'default/web', 'merge', { spec: { sessionAffinity: 'ClientIP' } });
  const behind = (one: Service) => programmed(one)?.status === 'False';
  const [waiting] = await eventually(client, services, (list) => list.some(behind), named('web'));
  t.match(programmed(waiting), {
    reason: 'NodesPending',
    message: '1 of 2 nodes; waiting for n2',
    observedGeneration: 2,
  });
  proxies.n2.goOn();
  const [second] = await eventually(client, services, (list) => list.some(isProgrammed), named('web'));
  t.match(programmed(second), { message: '2 of 2 nodes', observedGeneration: 2 });

  await client.create(services, service('headless', { type: 'ClusterIP', clusterIP: 'None' }));
  const [headless] = await eventually(client, services, (list) => list.some(isProgrammed), named('headless'));
  t.match(programmed(headless), { reason: 'NothingToProgram' });

  // No client waits for the endpoints of a programmed Service: neither receipt nor condition is written for them.
  const [slice] = await eventually(client, endpointSlices, (list) => list.length > 0, {
    labelSelector: 'kubernetes.io/service-name=web',
  });
  const receiptOf = (node: string) => client.get(leases, `kube-node-lease/kube-proxy-${node}`);
  const before = await Promise.all([receiptOf('n1'), receiptOf('n2'), client.get(services, 'default/web')]);
  await client.patch(endpointSlices, `default/${slice?.metadata?.name}`, 'merge', { metadata: { labels: { x: 'y' } } });
  await client.create(services, service('later', { type: 'ClusterIP', clusterIP: 'None' }));
  await eventually(client, services, (list) => list.some(isProgrammed), named('later'));
  t.equal((await client.get(services, 'default/web')).metadata?.resourceVersion, before[2].metadata?.resourceVersion);
  const revisions = async () =>
    (await Promise.all(nodeNames.map(receiptOf))).map((one) => one.metadata?.resourceVersion);
  t.same(await revisions(), [before[0].metadata?.resourceVersion, before[1].metadata?.resourceVersion]);
  t.match(before[0].metadata?.ownerReferences, [{ kind: 'Node', name: 'n1' }]);
});

t.test('the message names a node that is not ready, and the condition does not wait for it', async (t) => {
  const { client, proxies } = await start(t);
  proxies.n2.hold();
  const conditions = [{ type: 'Ready', status: 'Unknown' }];
  await client.patch(nodes, 'n2', 'strategic', { status: { conditions } }, { subresource: 'status' });
  await client.create(services, service('web', { type: 'ClusterIP' }));
  const [web] = await eventually(client, services, (list) => list.some(isProgrammed), named('web'));
  t.match(programmed(web), { message: '1 of 2 nodes; not ready and not waited for: n2' });
});
