// The ServiceCIDR of the server, and IPAddresses that hold addresses, over HTTPS.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { openStore } from '../store/open';

const net = '/apis/networking.k8s.io/v1';
const services = '/api/v1/namespaces/default/services';

t.test('the server writes its own range', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json } = await server.call('GET', `${net}/servicecidrs/kubernetes`);
  t.same(json.spec, { cidrs: ['10.96.0.0/12'] });
  t.match(json.status.conditions, [
    { type: 'Ready', status: 'True', message: 'Kubernetes default Service CIDR is ready' },
  ]);
});

t.test('an address belongs to one Service or one IPAddress', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const address = (name: string) => ({
    metadata: { name },
    spec: { parentRef: { resource: 'gateways', group: 'example.com', name: 'g' } },
  });
  const service = (name: string, clusterIP: string) => ({
    metadata: { name },
    spec: { clusterIP, ports: [{ port: 80 }] },
  });
  const create = async (path: string, body: object) => (await server.call('POST', path, { body })).status;
  t.equal(await create(`${net}/ipaddresses`, address('10.96.7.7')), 201);
  const refused = await server.call('POST', services, { body: service('a', '10.96.7.7') });
  t.equal(refused.status, 422);
  t.match(refused.json.message, /provided IP is already allocated/);
  t.equal(await create(services, service('b', '10.96.7.8')), 201);
  t.equal(await create(`${net}/ipaddresses`, address('10.96.7.8')), 409);
  await server.call('DELETE', `${net}/ipaddresses/10.96.7.7`);
  t.equal(await create(services, service('a', '10.96.7.7')), 201, 'a deleted IPAddress frees its address');
});

t.test("the condition of the server's range is applied, as upstream", async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json } = await server.call('GET', `${net}/servicecidrs/kubernetes`);
  const owners = json.metadata.managedFields.map(({ manager, operation, subresource, fieldsV1 }: Owner) => ({
    manager,
    operation,
    subresource,
    fieldsV1,
  }));
  t.same(owners, [
    {
      manager: 'kubernetes-service-cidr-controller',
      operation: 'Apply',
      subresource: 'status',
      fieldsV1: {
        'f:status': {
          'f:conditions': {
            'k:{"type":"Ready"}': {
              '.': {},
              'f:lastTransitionTime': {},
              'f:message': {},
              'f:status': {},
              'f:type': {},
            },
          },
        },
      },
    },
    {
      manager: 'kube-apiserver',
      operation: 'Update',
      subresource: undefined,
      fieldsV1: { 'f:spec': { 'f:cidrs': {} } },
    },
  ]);
  t.equal(json.status.conditions[0].reason, '');
});
interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: object;
}

t.test('a second family is added to the range of the server; other ranges stay', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const ranges = async (serviceCidr: string) => {
    const server = await startApiServer({ store, serviceCidr });
    try {
      return (await server.call('GET', `${net}/servicecidrs/kubernetes`)).json.spec.cidrs;
    } finally {
      await server.close();
    }
  };
  t.same(await ranges('10.96.0.0/12'), ['10.96.0.0/12']);
  t.same(await ranges('10.96.0.0/12,fd00:10:96::/112'), ['10.96.0.0/12', 'fd00:10:96::/112']);
  t.same(await ranges('10.96.0.0/12'), ['10.96.0.0/12', 'fd00:10:96::/112'], 'upstream keeps the second family too');
});

t.test('no node has an address of a ServiceCIDR', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', `${net}/servicecidrs`, {
    body: { metadata: { name: 'a' }, spec: { cidrs: ['10.9.0.0/24'] } },
  });
  await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } });
  const report = async (address: string) => {
    const body = { status: { addresses: [{ type: 'InternalIP', address }] } };
    return (await server.call('PATCH', '/api/v1/nodes/n/status', { type: 'application/merge-patch+json', body })).json;
  };
  for (const address of ['10.9.0.7', '10.96.0.7']) {
    t.match(await report(address), { code: 403, message: /lies in the range of Services$/ }, address);
  }
  t.match(await report('10.9.1.7'), { status: { addresses: [{ address: '10.9.1.7' }] } });
});
