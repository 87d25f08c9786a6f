// The IPAddress of each cluster IP, over HTTPS: written and deleted with its Service, in one transaction.
import t, { type Test } from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const ips = '/apis/networking.k8s.io/v1/ipaddresses';
const services = '/api/v1/namespaces/default/services';
const service = (name: string, spec: object) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

async function open(t: Test, options: Parameters<typeof startApiServer>[0] = {}) {
  const server = await startApiServer(options);
  t.teardown(() => server.close());
  const call = async (method: string, path: string, body?: object) =>
    (await server.call(method, path, body ? { body } : {})).json;
  const patch = async (name: string, body: object) =>
    (await server.call('PATCH', `${services}/${name}`, { type: 'application/merge-patch+json', body })).json;
  /** The names and parents of all IPAddresses but those of the cluster's own Services. */
  const parents = async () =>
    (await call('GET', ips)).items
      .map(({ metadata, spec }: Found) => `${metadata.name} ${spec.parentRef.resource} ${spec.parentRef.name}`)
      .filter((line: string) => !/ services kube/.test(line));
  return { server, call, patch, parents };
}
interface Found {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly parentRef: { readonly resource: string; readonly name: string } };
}

t.test('the object is that of kube-apiserver, at the revision after that of its Service', async (t) => {
  const { call } = await open(t);
  const made = await call('POST', services, service('web', { clusterIP: '10.96.7.7' }));
  const { metadata, ...rest } = await call('GET', `${ips}/10.96.7.7`);
  t.same(rest, {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
  });
  t.match(metadata.uid, /^[0-9a-f-]{36}$/);
  t.same(metadata, {
    name: '10.96.7.7',
    uid: metadata.uid,
    resourceVersion: String(Number(made.metadata.resourceVersion) + 1),
    creationTimestamp: made.metadata.creationTimestamp,
    labels: {
      'ipaddress.kubernetes.io/ip-family': 'IPv4',
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    },
    managedFields: [
      {
        manager: 'kube-apiserver',
        operation: 'Update',
        apiVersion: 'networking.k8s.io/v1',
        time: made.metadata.creationTimestamp,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': {
            'f:labels': {
              '.': {},
              'f:ipaddress.kubernetes.io/ip-family': {},
              'f:ipaddress.kubernetes.io/managed-by': {},
            },
          },
          'f:spec': { 'f:parentRef': { '.': {}, 'f:name': {}, 'f:namespace': {}, 'f:resource': {} } },
        },
      },
    ],
  });
  t.match(await call('GET', `${ips}/10.96.0.1`), { spec: { parentRef: { name: 'kubernetes' } } });
});

t.test('without owners from the first write on', async (t) => {
  const { call } = await open(t, { ownersFromCreate: false });
  await call('POST', services, service('web', { clusterIP: '10.96.7.7' }));
  t.equal((await call('GET', `${ips}/10.96.7.7`)).metadata.managedFields, undefined);
});

t.test('a deletion, another type and a lost family delete it', async (t) => {
  const { call, patch, parents } = await open(t, { serviceCidr: '10.96.0.0/12,fd00:10:96::/112' });
  const dual = {
    ipFamilyPolicy: 'RequireDualStack',
    clusterIP: '10.96.7.7',
    clusterIPs: ['10.96.7.7', 'fd00:10:96::77'],
  };
  await call('POST', services, service('web', dual));
  t.same(await parents(), ['10.96.7.7 services web', 'fd00:10:96::77 services web']);
  t.match((await call('GET', `${ips}/fd00:10:96::77`)).metadata.labels, {
    'ipaddress.kubernetes.io/ip-family': 'IPv6',
  });
  await patch('web', { metadata: { labels: { a: 'b' } } });
  t.same(await parents(), ['10.96.7.7 services web', 'fd00:10:96::77 services web']);
  await patch('web', { spec: { ipFamilyPolicy: 'SingleStack' } });
  t.same(await parents(), ['10.96.7.7 services web']);
  await patch('web', { spec: { type: 'ExternalName', externalName: 'a.b' } });
  t.same(await parents(), []);
  const back = await patch('web', { spec: { type: 'ClusterIP', externalName: null } });
  t.same(await parents(), [`${back.spec.clusterIP} services web`]);
  await call('POST', services, service('other', { clusterIP: '10.96.7.8' }));
  await call('DELETE', `${services}/other`);
  t.same(await parents(), [`${back.spec.clusterIP} services web`]);
  await call('DELETE', services);
  t.same(await parents(), []);
});

t.test('a Service with a finalizer keeps its address until it is gone', async (t) => {
  const { call, patch, parents } = await open(t);
  const body = service('web', { clusterIP: '10.96.7.7' });
  await call('POST', services, { ...body, metadata: { name: 'web', finalizers: ['example.com/wait'] } });
  await call('DELETE', `${services}/web`);
  t.same(await parents(), ['10.96.7.7 services web']);
  await patch('web', { metadata: { finalizers: null } });
  t.same(await parents(), []);
  t.match(await call('POST', services, body), { spec: { clusterIP: '10.96.7.7' } });
});

t.test('an IPAddress of a user holds its address, and a Service gets another', async (t) => {
  const { call, parents } = await open(t, { serviceCidr: '10.96.0.0/28' });
  const address = (name: string) => ({
    metadata: { name },
    spec: { parentRef: { resource: 'gateways', group: 'example.com', name: 'g' } },
  });
  // The Service kube-dns has 10.
  for (let i = 2; i < 14; i++) if (i !== 10) await call('POST', ips, address(`10.96.0.${i}`));
  t.match(await call('POST', services, service('a', { clusterIP: '10.96.0.5' })), {
    code: 422,
    message:
      'Service "a" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.5"]: failed to allocate IP 10.96.0.5: ' +
      'provided IP is already allocated',
  });
  t.match(await call('POST', services, service('a', {})), { spec: { clusterIP: '10.96.0.14' } }, 'the last one');
  t.match(await call('POST', ips, address('10.96.0.14')), {
    code: 409,
    reason: 'AlreadyExists',
    message: 'ipaddresses.networking.k8s.io "10.96.0.14" already exists',
  });
  t.same(await call('POST', services, service('full', {})), {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Internal error occurred: failed to allocate a serviceIP for Service "full": range is full',
    reason: 'InternalError',
    details: { causes: [{ message: 'failed to allocate a serviceIP for Service "full": range is full' }] },
    code: 500,
  });
  await call('DELETE', `${ips}/10.96.0.5`);
  t.match(await call('POST', services, service('b', {})), { spec: { clusterIP: '10.96.0.5' } });
  t.match(
    (await parents()).filter((line: string) => / services /.test(line)),
    ['10.96.0.14 services a', '10.96.0.5 services b'],
  );
});

t.test('a Service whose IPAddress a user deleted keeps its address', async (t) => {
  const { call } = await open(t);
  await call('POST', services, service('web', { clusterIP: '10.96.7.7' }));
  await call('DELETE', `${ips}/10.96.7.7`);
  t.match(await call('POST', services, service('thief', { clusterIP: '10.96.7.7' })), { code: 422 });
});

t.test('addresses outside of all ranges', async (t) => {
  const { call } = await open(t, { serviceCidr: '10.96.0.0/24' });
  for (const address of ['10.97.0.1', '10.96.0.0', '10.96.0.255']) {
    t.match(await call('POST', services, service('a', { clusterIP: address })), {
      code: 422,
      message:
        `Service "a" is invalid: spec.clusterIPs: Invalid value: ["${address}"]: failed to allocate IP ${address}: ` +
        'the provided network does not match the current range',
    });
  }
});
