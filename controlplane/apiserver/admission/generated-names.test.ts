// Refusals of objects whose name is not generated yet, and names that exist already.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

t.test('a refusal shows the prefix, so the messages of all replicas are equal', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const post = async (namespace: string, metadata: object, spec: object = {}) => {
    const body = { metadata, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } };
    return (await server.call('POST', `/api/v1/namespaces/${namespace}/pods`, { body })).json;
  };
  const why = 'is forbidden: error looking up service account default/default: serviceaccount "default" not found';
  t.equal((await post('default', { generateName: 'd-' })).message, `pods "d-" ${why}`);
  t.equal((await post('default', { name: 'd' })).message, `pods "d" ${why}`);
  t.equal((await post('default', {})).message, `pods "Unknown" ${why}`);
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  t.equal(
    (await post('default', { generateName: 'd-' }, { priorityClassName: 'x' })).message,
    'pods "d-" is forbidden: no PriorityClass with name x was found',
  );
  t.match(await post('default', { generateName: 'd-' }, { runtimeClassName: 'kata' }), {
    code: 403,
    message: 'pods "d-" is forbidden: pod rejected: RuntimeClass "kata" not found',
  });
  t.match(await post('default', { generateName: 'd-' }, { overhead: { cpu: '1' } }), {
    code: 403,
    message:
      /^pods "d-\w{5}" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead$/,
  });
  const limits = [{ type: 'Container', max: { memory: '1Mi' } }];
  await server.call('POST', '/api/v1/namespaces/default/limitranges', {
    body: { metadata: { name: 'l' }, spec: { limits } },
  });
  const containers = [{ name: 'c', image: 'i', resources: { limits: { memory: '2Mi' } } }];
  t.match(
    (await post('default', { generateName: 'd-' }, { containers })).message,
    /^pods "d-\w{5}" is forbidden: maximum memory usage/,
  );
});

t.test('fields derived from a generated name use the stored name', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  const { status, json } = await server.call('POST', '/apis/batch/v1/namespaces/default/jobs', {
    body: { metadata: { generateName: 'j-' }, spec: { template } },
  });
  t.equal(status, 201);
  t.match(json.metadata.name, /^j-\w{5}$/);
  t.equal(json.spec.template.metadata.labels['job-name'], json.metadata.name);
});
