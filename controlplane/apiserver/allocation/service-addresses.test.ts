// Node ports of a Service that changes its type, over real HTTPS: kept ports stay reserved.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const services = '/api/v1/namespaces/default/services';
const service = (name: string, spec: object) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

t.test('a node port stays while the type has node ports, and is free after that', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const put = async (spec: object) =>
    (await server.call('PUT', `${services}/web`, { body: service('web', spec) })).json;
  const { json } = await server.call('POST', services, { body: service('web', { type: 'NodePort' }) });
  const { nodePort } = json.spec.ports[0];
  const balancer = await put({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
  t.equal(balancer.spec.ports[0].nodePort, nodePort);
  const other = service('other', { type: 'NodePort', ports: [{ port: 80, nodePort }] });
  t.match((await server.call('POST', services, { body: other })).json, {
    code: 422,
    message: /provided port is already allocated/,
  });
  const plain = await put({ type: 'ClusterIP' });
  t.equal(plain.spec.ports[0].nodePort, undefined);
  t.equal((await server.call('POST', services, { body: other })).status, 201);
});

t.test('a LoadBalancer without node port allocation has no node ports', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const body = service('lb', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
  const { json } = await server.call('POST', services, { body });
  t.equal(json.spec.ports[0].nodePort, undefined);
});

t.test('an ExternalName with an address is refused, and has none after a change of type', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const external = { type: 'ExternalName', externalName: 'a.b' };
  const body = service('ext', { ...external, clusterIP: '10.96.7.7' });
  t.match((await server.call('POST', services, { body })).json, {
    code: 422,
    message: 'Service "ext" is invalid: spec.clusterIPs: Forbidden: may not be set for ExternalName services',
  });
  await server.call('POST', services, { body: service('web', { clusterIP: '10.96.7.8' }) });
  const { json } = await server.call('PATCH', `${services}/web`, {
    type: 'application/merge-patch+json',
    body: { spec: external },
  });
  t.match(json.spec, { clusterIP: undefined, clusterIPs: undefined, ipFamilies: undefined });
  const again = service('again', { clusterIP: '10.96.7.8' });
  t.equal((await server.call('POST', services, { body: again })).status, 201, 'the address is free again');
});

t.test('a dry run chooses ports, and as upstream no address; it reserves nothing', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const body = service('web', { type: 'NodePort' });
  const chosen = { clusterIP: '10.96.0.0', clusterIPs: ['10.96.0.0'], ports: [{ nodePort: Number }] };
  const { json } = await server.call('POST', `${services}?dryRun=All`, { body });
  t.match(json.spec, chosen);
  const table = await server.call('POST', `${services}?dryRun=All`, {
    body,
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.match(table.json.rows[0].cells[2], /^10\./);
  t.equal((await server.call('GET', `${services}/web`)).status, 404);
  const same = service('web', { type: 'NodePort', ports: json.spec.ports });
  t.match((await server.call('POST', services, { body: same })).json.spec, { ports: json.spec.ports });
  const dry = (clusterIP: string) =>
    server.call('POST', `${services}?dryRun=All`, { body: service('dry', { clusterIP }) });
  t.match((await dry('10.96.0.1')).status, 201, 'an address in use is not seen, as upstream');
  t.match((await dry('10.112.0.1')).json, {
    code: 422,
    message:
      'Service "dry" is invalid: spec.clusterIPs: Invalid value: ["10.112.0.1"]: failed to allocate IP 10.112.0.1: ' +
      'the provided IP (10.112.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/12',
  });
});
