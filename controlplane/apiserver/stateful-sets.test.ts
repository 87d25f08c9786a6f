// StatefulSets over HTTPS: discovery, columns, scale, and names that pods can have as a label.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';

const path = '/apis/apps/v1/namespaces/default/statefulsets';
const labels = { app: 'x' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const spec = { serviceName: 's', selector: { matchLabels: labels }, template, replicas: 2 };

t.test('a StatefulSet is stored, shown, scaled and deleted', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json: group } = await server.call('GET', '/apis/apps/v1');
  const listed = group.resources.filter(({ name }: { name: string }) => name.startsWith('statefulsets'));
  t.match(listed, [
    { name: 'statefulsets', kind: 'StatefulSet', shortNames: ['sts'], categories: ['all'] },
    { name: 'statefulsets/scale', group: 'autoscaling', version: 'v1', kind: 'Scale' },
    { name: 'statefulsets/status', kind: 'StatefulSet' },
  ]);
  const created = await server.call('POST', path, { body: { metadata: { name: 'a' }, spec } });
  t.equal(created.status, 201, created.text);
  const shown = await server.call('GET', path, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.same(
    shown.json.columnDefinitions.map(({ name, priority }: { name: string; priority: number }) => [name, priority]),
    [
      ['Name', 0],
      ['Ready', 0],
      ['Age', 0],
      ['Containers', 1],
      ['Images', 1],
    ],
  );
  const type = 'application/merge-patch+json';
  await server.call('PATCH', `${path}/a/scale`, { type, body: { spec: { replicas: 5 } } });
  t.match((await server.call('GET', `${path}/a/scale`)).json, { spec: { replicas: 5 }, status: { selector: 'app=x' } });
  const moved = await server.call('PATCH', `${path}/a`, { type, body: { spec: { serviceName: 't' } } });
  t.match(moved.json, { code: 422, details: { causes: [{ reason: 'FieldValueForbidden', field: 'spec' }] } });
  const named = await server.call('POST', path, { body: { metadata: { name: 'a.b' }, spec } });
  t.match(named.json, { code: 422, details: { causes: [{ field: 'metadata.name' }] } });
  t.equal((await server.call('DELETE', `${path}/a`)).json.status, 'Success');
});
