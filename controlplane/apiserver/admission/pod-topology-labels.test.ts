// Labels of a node on its pods, over real HTTPS.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const zone = 'topology.kubernetes.io/zone';
const region = 'topology.kubernetes.io/region';

t.test('a pod gets zone and region of its node', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const call = async (method: string, path: string, body: object) => server.call(method, path, { body });
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await call('POST', '/api/v1/nodes', {
    metadata: { name: 'n', labels: { [zone]: 'z1', [region]: 'r1', 'topology.kubernetes.io/rack': 'k' } },
  });
  await call('POST', '/api/v1/nodes', { metadata: { name: 'plain' } });
  const pods = '/api/v1/namespaces/default/pods';
  const create = async (name: string, nodeName?: string, labels?: Record<string, string>) => {
    const spec = { containers: [{ name: 'c', image: 'i' }], ...(nodeName && { nodeName }) };
    const made = await call('POST', pods, { metadata: { name, ...(labels && { labels }) }, spec });
    t.equal(made.status, 201, made.text);
    return made.json.metadata.labels;
  };
  t.strictSame(await create('a', 'n'), { [zone]: 'z1', [region]: 'r1' });
  t.strictSame(await create('own', 'n', { [zone]: 'other' }), { [zone]: 'other', [region]: 'r1' });
  t.equal(await create('b', 'plain'), undefined);
  t.equal(await create('c', 'absent'), undefined, 'a node that does not exist');
  t.equal(await create('d'), undefined);
  const binding = { metadata: { name: 'd', labels: { extra: '1' } }, target: { kind: 'Node', name: 'n' } };
  t.equal((await call('POST', `${pods}/d/binding`, binding)).status, 201);
  const bound = (await server.call('GET', `${pods}/d`)).json;
  t.strictSame(bound.metadata.labels, { extra: '1', [zone]: 'z1', [region]: 'r1' });
});
