// Answers in the form that a client requests, over HTTPS.

import { load } from 'js-yaml';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', cms, { body: { metadata: { name: 'a' }, data: { text: 'on\ntwo lines', n: '5' } } });
});
t.teardown(() => server.close());

const cms = '/api/v1/namespaces/default/configmaps';
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const asTable = 'as=Table;v=v1;g=meta.k8s.io';
const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };

t.test('a YAML answer has the content of the JSON answer', async (t) => {
  const yaml = { accept: 'application/yaml' };
  for (const path of [`${cms}/a`, cms, `${cms}/missing`]) {
    const json = await server.call('GET', path);
    const answer = await server.call('GET', path, { headers: yaml });
    t.equal(answer.headers['content-type'], 'application/yaml');
    t.equal(answer.status, json.status);
    t.same(load(answer.text), json.json, path);
  }
  const created = await server.call('POST', cms, { body: { metadata: { name: 'b' }, x: 1 }, headers: yaml });
  t.match(load(created.text), { kind: 'ConfigMap', metadata: { name: 'b' } });
  t.match(created.headers['warning'], /unknown field/, 'headers stay the same');
  const reviewed = await server.call('POST', reviews, { body: review, headers: yaml });
  t.match(load(reviewed.text), { status: { allowed: true } });
  const table = await server.call('GET', cms, { headers: { accept: `application/yaml;${asTable}` } });
  t.match(load(table.text), { kind: 'Table' });
});

t.test('an unsupported form', async (t) => {
  const both = 'only the following media types are accepted: application/json, application/yaml';
  const cases = [
    { name: 'a page', method: 'GET', path: cms, accept: 'text/html', message: both },
    {
      name: 'a Table of a review',
      method: 'POST',
      path: reviews,
      accept: `application/json;${asTable}`,
      message: both,
    },
    {
      name: 'a watch in YAML',
      method: 'GET',
      path: `${cms}?watch=1`,
      accept: 'application/yaml',
      message: 'only the following media types are accepted: application/json;stream=watch',
    },
  ];
  for (const { name, method, path, accept, message } of cases) {
    const body = method === 'POST' ? review : undefined;
    const answer = await server.call(method, path, { body, headers: { accept } });
    t.equal(answer.status, 406, name);
    const status = answer.json ?? load(answer.text);
    t.match(status, { reason: 'NotAcceptable', message }, name);
  }
  const accept = `application/json;${asTable},application/json`;
  t.equal((await server.call('POST', reviews, { body: review, headers: { accept } })).json.status.allowed, true);
  const refused = await server.call('POST', cms, {
    body: { metadata: { name: 'c' } },
    headers: { accept: 'text/html' },
  });
  t.equal(refused.status, 406);
  t.equal((await server.call('GET', `${cms}/c`)).status, 404, 'nothing was created');
});
