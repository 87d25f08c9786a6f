// Which fields the writer of an object owns, compared with kube-apiserver 1.36.3: what a default adds while the body is read belongs to the
// writer, what the server adds later does not.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const template = {
  metadata: { labels: { a: 'b' } },
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] },
};
const always = { ...template, spec: { containers: template.spec.containers } };

t.test('the owned metadata of new workloads', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const generation = 'f:deprecated.daemonset.template.generation';
  const cases = [
    {
      path: '/apis/batch/v1/namespaces/default/jobs',
      spec: { template },
      owned: { 'f:labels': { '.': {}, 'f:a': {} } },
    },
    {
      path: '/apis/apps/v1/namespaces/default/daemonsets',
      spec: { selector: { matchLabels: { a: 'b' } }, template: always },
      owned: { 'f:annotations': { '.': {}, [generation]: {} } },
    },
  ];
  for (const { path, spec, owned } of cases) {
    const { json } = await server.call('POST', path, { body: { metadata: { name: 'x' }, spec } });
    t.same(json.metadata.managedFields[0].fieldsV1['f:metadata'], owned, path);
  }
  const { json } = await server.call('GET', '/apis/batch/v1/namespaces/default/jobs/x');
  t.same(json.metadata.labels, json.spec.template.metadata.labels, 'a Job has the labels of its pods');
  t.same(Object.keys(json.metadata.labels).sort(), [
    'a',
    'batch.kubernetes.io/controller-uid',
    'batch.kubernetes.io/job-name',
    'controller-uid',
    'job-name',
  ]);
});
