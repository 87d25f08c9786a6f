// Which address a webhook's Service leads to, and a call through one: TLS is checked against the name of the Service.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { allow, base64, startWebhook } from '../../../test/lib/webhook-server';
import { type EndpointSlice, endpointSlices } from '../../api/index';
import { resolveService } from './service-address';

const services = '/api/v1/namespaces/default/services';
const maps = '/api/v1/namespaces/default/configmaps';

type Endpoints = NonNullable<EndpointSlice['endpoints']>;
/** Stored without the rules of the API, which refuse loopback addresses. */
const slice = (name: string, service: string, port: number, endpoints: Endpoints): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: 'https', port, protocol: 'TCP' }],
});

t.test('the port and the ready endpoints of a Service', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const ports = [{ name: 'https', port: 443, targetPort: 8443 }];
  for (const name of ['ready', 'draining', 'empty']) {
    await server.call('POST', services, { body: { metadata: { name }, spec: { ports } } });
  }
  const external = {
    metadata: { name: 'external' },
    spec: { type: 'ExternalName', externalName: 'hooks.example.com' },
  };
  await server.call('POST', services, { body: external });
  const slices = server.cache.kind(endpointSlices);
  await slices.create(
    slice('a', 'ready', 8443, [
      { addresses: ['10.0.0.1'], conditions: { ready: true } },
      { addresses: ['10.0.0.2'], conditions: { ready: false } },
      { addresses: ['10.0.0.3'] },
    ]),
  );
  await slices.create(
    slice('b', 'draining', 8443, [
      { addresses: ['10.0.0.4'], conditions: { ready: false, serving: true, terminating: true } },
    ]),
  );
  await slices.create(slice('c', 'empty', 8443, [{ addresses: ['10.0.0.5'], conditions: { ready: false } }]));
  const resolve = (name: string, port = 443, random = 0) =>
    resolveService(server.cache, { namespace: 'default', name, port }, () => random);
  t.strictSame(resolve('ready'), { ready: true, serving: true, terminating: false, host: '10.0.0.1', port: 8443 });
  t.match(resolve('ready', 443, 0.9), { host: '10.0.0.3', port: 8443 });
  t.match(resolve('draining'), { host: '10.0.0.4' }, 'a rollout of the webhook loses no call');
  t.strictSame(resolve('external'), { host: 'hooks.example.com', port: 443 });
  t.throws(() => resolve('ready', 80), { message: 'no service port 80 found for service "ready"' });
  t.throws(() => resolve('empty'), { message: 'no endpoints available for service "empty"' });
  t.throws(() => resolve('none'), { message: 'service "none" not found' });
});

t.test('a call through a Service', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const hook = await startWebhook(await server.serving('hook.default.svc'), () => allow);
  t.teardown(() => hook.close());
  const endpoints = [{ addresses: ['127.0.0.1'] }];
  for (const name of ['hook', 'other']) {
    const spec = { ports: [{ name: 'https', port: 8443 }] };
    await server.call('POST', services, { body: { metadata: { name }, spec } });
    await server.cache.kind(endpointSlices).create(slice(name, name, hook.port, endpoints));
  }
  const configure = (name: string) => ({
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com.x`,
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        clientConfig: {
          service: { namespace: 'default', name, path: '/a/b', port: 8443 },
          caBundle: base64(server.ca),
        },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  await server.call('POST', path, { body: configure('hook') });
  t.equal((await server.call('POST', maps, { body: { metadata: { name: 'a' } } })).status, 201);
  t.match(hook.reviews, [{ path: '/a/b', host: 'hook.default.svc:8443' }]);
  await server.call('POST', path, { body: configure('other') });
  const { json } = await server.call('POST', maps, { body: { metadata: { name: 'b' } } });
  t.match(
    json.message,
    /^Internal error occurred: failed calling webhook "other.example.com.x": failed to call webhook: Post "https:\/\/other.default.svc:8443\/a\/b\?timeout=10s": tls: failed to verify certificate: x509: /,
    'the certificate has another name',
  );
});
