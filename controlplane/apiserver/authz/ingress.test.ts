// Which Secrets the user of the Ingress processes may read, over real HTTPS.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { identities } from '../../pki/pki';

t.test('a Secret is readable by its name while an Ingress names it', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const ingress = await server.identity(identities.ingress.commonName);
  const other = await server.identity('system:dns');
  const secrets = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`;
  const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
  for (const [namespace, name] of [
    ['default', 'tls'],
    ['default', 'private'],
    ['kube-system', 'tls'],
  ] as const) {
    await server.call('POST', secrets(namespace), { body: { metadata: { name } } });
  }
  const get = async (namespace: string, name: string, as = ingress) =>
    (await server.call('GET', `${secrets(namespace)}/${name}`, { as })).status;
  t.equal(await get('default', 'tls'), 403, 'no Ingress names the Secret');
  const body = (name: string, ...tls: object[]) => ({
    metadata: { name },
    spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, tls },
  });
  const tls = { secretName: 'tls' };
  await server.call('POST', ingresses, { body: body('a', tls, { hosts: ['x.example'], ...tls }, {}) });
  await server.call('POST', ingresses, { body: body('b', tls) });
  t.equal(await get('default', 'tls'), 200);
  t.equal(await get('default', 'private'), 403);
  t.equal(await get('kube-system', 'tls'), 403, 'the Secret of another namespace');
  t.equal(await get('default', 'tls', other), 403, 'a user of another process');
  const list = async (namespace: string, selector: string) =>
    server.call('GET', `${secrets(namespace)}?${selector}`, { as: ingress });
  t.equal((await list('default', 'fieldSelector=metadata.name%3Dtls')).json.items.length, 1);
  for (const selector of ['', 'fieldSelector=type%3Dkubernetes.io/tls', 'fieldSelector=metadata.name%3Dprivate']) {
    t.equal((await list('default', selector)).status, 403, selector);
  }
  t.equal((await server.call('GET', '/api/v1/secrets', { as: ingress })).status, 403);
  for (const method of ['PUT', 'DELETE']) {
    t.equal((await server.call(method, `${secrets('default')}/tls`, { as: ingress, body: {} })).status, 403, method);
  }
  await server.call('DELETE', `${ingresses}/a`);
  t.equal(await get('default', 'tls'), 200, 'one Ingress still names it');
  await server.call('PUT', `${ingresses}/b`, { body: body('b', { secretName: 'private' }) });
  t.equal(await get('default', 'tls'), 403);
  t.equal(await get('default', 'private'), 200);
});
