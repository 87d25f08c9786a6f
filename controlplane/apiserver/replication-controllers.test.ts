// ReplicationControllers over HTTPS: a plain selector, scale, and a deletion that leaves the pods by default.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';

const path = '/api/v1/namespaces/default/replicationcontrollers';
// A label may be called matchLabels: the Scale has to show a map, not a LabelSelector.
const labels = { matchLabels: 'a', app: 'x' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };

t.test('a ReplicationController is stored, shown, scaled and deleted', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json: group } = await server.call('GET', '/api/v1');
  const listed = group.resources.filter(({ name }: { name: string }) => name.startsWith('replicationcontrollers'));
  t.match(listed, [
    { name: 'replicationcontrollers', kind: 'ReplicationController', shortNames: ['rc'], categories: ['all'] },
    { name: 'replicationcontrollers/scale', group: 'autoscaling', version: 'v1', kind: 'Scale' },
    { name: 'replicationcontrollers/status', kind: 'ReplicationController' },
  ]);
  const create = (name: string) =>
    server.call('POST', path, { body: { metadata: { name }, spec: { template, replicas: 2 } } });
  const created = await create('a');
  t.equal(created.status, 201);
  t.match(created.json, { metadata: { labels, generation: 1 }, spec: { selector: labels } });

  const scale = await server.call('GET', `${path}/a/scale`);
  t.match(scale.json, { spec: { replicas: 2 }, status: { replicas: 0, selector: 'app=x,matchLabels=a' } });
  const scaled = await server.call('PUT', `${path}/a/scale`, {
    body: { metadata: { name: 'a' }, spec: { replicas: 5 } },
  });
  t.equal(scaled.json.spec.replicas, 5);
  t.match((await server.call('GET', `${path}/a`)).json, { metadata: { generation: 2 }, spec: { replicas: 5 } });

  const cases: Array<{ name: string; query: string; finalizers: string[] | undefined }> = [
    { name: 'the default', query: '', finalizers: ['orphan'] },
    { name: 'foreground', query: '?propagationPolicy=Foreground', finalizers: ['foregroundDeletion'] },
    { name: 'background', query: '?propagationPolicy=Background', finalizers: undefined },
    { name: 'the older option', query: '?orphanDependents=false', finalizers: undefined },
  ];
  for (const [i, { name, query, finalizers }] of cases.entries()) {
    await create(`c${i}`);
    const { status, json } = await server.call('DELETE', `${path}/c${i}${query}`);
    t.equal(status, 200, name);
    t.same(json.metadata.finalizers, finalizers, name);
    if (!finalizers) continue;
    const again = await server.call('DELETE', `${path}/c${i}`);
    t.same(again.json.metadata.finalizers, finalizers, `${name}: a second deletion without a policy changes nothing`);
  }
});
