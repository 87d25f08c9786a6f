// PodTemplates over HTTPS. They have rules for pods, and a template that is not inside a spec.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';

const path = '/api/v1/namespaces/default/podtemplates';
const metadata = { labels: { b: '2', a: '1' } };
const spec = {
  containers: [
    { name: 'c', image: 'i:1' },
    { name: 'd', image: 'j' },
  ],
};

t.test('a PodTemplate is stored, shown, changed and deleted', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json: group } = await server.call('GET', '/api/v1');
  const listed = group.resources.find(({ name }: { name: string }) => name === 'podtemplates');
  t.match(listed, { singularName: 'podtemplate', namespaced: true, kind: 'PodTemplate' });
  t.notOk('shortNames' in listed || 'categories' in listed, 'none, as upstream');

  const created = await server.call('POST', path, {
    body: { metadata: { name: 't' }, template: { metadata, spec } },
  });
  t.equal(created.status, 201);
  t.match(created.json, {
    template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'IfNotPresent' }, {}] } },
  });

  const shown = await server.call('GET', path, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.same(
    shown.json.columnDefinitions.map(({ name, priority }: { name: string; priority: number }) => [name, priority]),
    [
      ['Name', 0],
      ['Containers', 0],
      ['Images', 0],
      ['Pod Labels', 0],
    ],
  );
  t.same(shown.json.rows[0].cells, ['t', 'c,d', 'i:1,j', 'a=1,b=2']);

  const type = 'application/strategic-merge-patch+json';
  const patch = async (body: object) => (await server.call('PATCH', `${path}/t`, { type, body })).json;
  const patched = await patch({ template: { spec: { containers: [{ name: 'd', image: 'k' }] } } });
  t.match(
    patched.template.spec.containers,
    [
      { name: 'c', image: 'i:1' },
      { name: 'd', image: 'k' },
    ],
    'containers merge by their name',
  );
  t.match(await patch({ template: { spec: { restartPolicy: 'Sometimes' } } }), {
    code: 422,
    details: { causes: [{ field: 'template.spec.restartPolicy', reason: 'FieldValueNotSupported' }] },
  });
  t.equal((await server.call('DELETE', `${path}/t`)).status, 200);
});
