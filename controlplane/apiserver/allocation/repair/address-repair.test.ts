// Services and IPAddresses agree again after a change by a user, and after a start on data of an older version. Over HTTPS.
import t, { type Test } from 'tap';
import { startApiServer, type TestServer } from '../../../../test/lib/api-server';
import { openStore } from '../../../store/open';

const ips = '/apis/networking.k8s.io/v1/ipaddresses';
const services = '/api/v1/namespaces/default/services';
const service = (name: string, clusterIP: string) => ({
  metadata: { name },
  spec: { clusterIP, ports: [{ port: 80 }] },
});

async function open(t: Test, options: Parameters<typeof startApiServer>[0] = {}): Promise<TestServer> {
  const server = await startApiServer(options);
  t.teardown(() => server.close());
  return server;
}

/** Resolves with the first IPAddress of this name that is added after `change`. */
async function added(server: TestServer, name: string, change: () => Promise<unknown>) {
  const watch = await server.watch(`${ips}?watch=1&fieldSelector=metadata.name=${name}`);
  try {
    await change();
    for (let seenDeletion = false; ; ) {
      const { type, object } = await watch.next();
      if (type === 'ADDED' && seenDeletion) return object;
      if (type === 'DELETED') seenDeletion = true;
    }
  } finally {
    watch.close();
  }
}

t.test('an IPAddress that a user deletes is written again', async (t) => {
  const server = await open(t);
  await server.call('POST', services, { body: service('web', '10.96.7.7') });
  const object = await added(server, '10.96.7.7', () => server.call('DELETE', `${ips}/10.96.7.7`));
  t.match(object, {
    metadata: { labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
  });
});

t.test('labels that a user removes come back', async (t) => {
  const server = await open(t);
  await server.call('POST', services, { body: service('web', '10.96.7.7') });
  const object = await added(server, '10.96.7.7', () =>
    server.call('PATCH', `${ips}/10.96.7.7`, {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: null } },
    }),
  );
  t.match(object, { metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4' } } });
});

t.test('a start on data of an older version writes the missing objects, and takes the addresses', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const before = await startApiServer({ store });
  for (let i = 1; i <= 250; i++) await before.call('POST', services, { body: service(`s${i}`, `10.96.7.${i}`) });
  await before.close();
  const { items } = await store.range('/registry/networking.k8s.io/ipaddresses/');
  t.equal(items.length, 252);
  for (const { key } of items) await store.delete(key);
  const server = await open(t, { store });
  const { json } = await server.call('GET', ips);
  t.equal(json.items.length, 252);
  t.match((await server.call('GET', `${ips}/10.96.7.200`)).json.spec.parentRef, { name: 's200' });
  t.equal((await server.call('GET', '/api/v1/events')).json.items.length, 0, 'no event for each Service');
  await server.call('DELETE', `${services}/s200`);
  t.equal((await server.call('GET', `${ips}/10.96.7.200`)).status, 404);
});
