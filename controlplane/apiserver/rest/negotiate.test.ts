// Answers in the form that a client requests, over HTTPS.

import { load } from 'js-yaml';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { protobufType } from '../protobuf/envelope';
import { StatusError } from '../status';
import { type Negotiated, negotiate, type Offer } from './negotiate';

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
  const all = `only the following media types are accepted: application/json, application/yaml, ${protobufType}`;
  const cases = [
    {
      name: 'a page',
      method: 'GET',
      path: `${cms}/x`,
      accept: 'text/html',
      message: `406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, ${protobufType}`,
    },
    {
      name: 'a page of a list',
      method: 'GET',
      path: cms,
      accept: 'text/html',
      message:
        `406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, ${protobufType}, ` +
        `application/json;stream=watch, ${protobufType};stream=watch`,
    },
    {
      name: 'a Table of a review',
      method: 'POST',
      path: reviews,
      accept: `application/json;${asTable}`,
      message: all,
    },
    {
      name: 'a watch in YAML',
      method: 'GET',
      path: `${cms}?watch=1`,
      accept: 'application/yaml',
      message: `only the following media types are accepted: application/json;stream=watch, ${protobufType};stream=watch`,
    },
  ];
  for (const { name, method, path, accept, message } of cases) {
    const body = method === 'POST' ? review : undefined;
    const answer = await server.call(method, path, { body, headers: { accept } });
    t.equal(answer.status, 406, name);
    const status = answer.json ?? load(answer.text);
    t.equal(status.reason, 'NotAcceptable', name);
    t.equal(status.message, message, name);
  }
  t.match(
    (await server.call('GET', `${cms}?watch=1&resourceVersion=x`, { headers: { accept: 'application/yaml' } })).status,
    500,
  );
  const accept = `application/json;${asTable},application/json`;
  t.equal((await server.call('POST', reviews, { body: review, headers: { accept } })).json.status.allowed, true);
  const refused = await server.call('POST', cms, {
    body: { metadata: { name: 'c' } },
    headers: { accept: 'text/html' },
  });
  t.equal(refused.status, 406);
  t.equal((await server.call('GET', `${cms}/c`)).status, 404, 'nothing was created');
});

t.test('the form that an Accept header asks for', async (t) => {
  const protobuf = protobufType;
  const metadata = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  const cases: { accept: string; offer?: Offer; form: string }[] = [
    { accept: '', form: 'json object' },
    { accept: protobuf, form: 'protobuf object' },
    { accept: `${protobuf},application/json`, form: 'protobuf object' },
    { accept: `application/json,${protobuf}`, form: 'json object' },
    { accept: `application/json;q=0.5,${protobuf};q=0.9`, form: 'protobuf object' },
    { accept: `application/json;q=0.9,${protobuf};q=0.5`, form: 'json object' },
    { accept: `${protobuf};q=0,application/json`, form: 'json object' },
    { accept: `*/*,${protobuf}`, form: 'protobuf object' },
    { accept: `application/*,${protobuf}`, form: 'protobuf object' },
    { accept: `*/*,${protobuf};q=0.9`, form: 'json object' },
    { accept: 'Application/Vnd.Kubernetes.Protobuf', form: '406' },
    { accept: `${protobuf};${asTable},application/json;${asTable},application/json`, form: 'json table' },
    { accept: `${protobuf};${asTable}`, form: '406' },
    { accept: `${protobuf};${metadata}`, form: 'protobuf partial' },
    { accept: protobuf, offer: 'watch', form: 'protobuf object' },
    { accept: `${protobuf};stream=watch`, offer: 'watch', form: 'protobuf object' },
    { accept: `application/yaml,${protobuf}`, offer: 'watch', form: 'yaml object' },
    { accept: `application/yaml,${protobuf}`, offer: 'objects', form: 'yaml object' },
    { accept: protobuf, offer: 'answers', form: 'protobuf object' },
    { accept: protobuf, offer: 'custom objects', form: '406' },
    { accept: `${protobuf},application/json`, offer: 'custom objects', form: 'json object' },
    { accept: `${protobuf};${metadata}`, offer: 'custom objects', form: 'protobuf partial' },
    { accept: protobuf, offer: 'custom watch', form: '406' },
    { accept: `${protobuf};${metadata}`, offer: 'custom watch', form: 'protobuf partial' },
  ];
  const shown = ({ encoding, rendering }: Negotiated) => `${encoding} ${rendering.as}`;
  for (const { accept, offer = 'objects', form } of cases) {
    let found: string;
    try {
      found = shown(negotiate(accept, offer));
    } catch (err) {
      if (!(err instanceof StatusError)) throw err;
      found = String(err.status);
    }
    t.equal(found, form, `${offer}: ${accept}`);
  }
});

t.test('metadata of one object and of a list are two forms', async (t) => {
  const only = (as: string) => ({ accept: `application/json;as=${as};v=v1;g=meta.k8s.io` });
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
  const cases = [
    [cms, 'PartialObjectMetadata', 'a list (*core.ConfigMapList)'],
    [`${cms}/a`, 'PartialObjectMetadataList', 'not a list (*core.ConfigMap)'],
    ['/apis/events.k8s.io/v1/events', 'PartialObjectMetadata', 'a list (*core.EventList)'],
    [roles, 'PartialObjectMetadata', 'a list (*rbac.ClusterRoleList)'],
  ] as const;
  for (const [path, as, is] of cases) {
    const { status, text } = await server.call('GET', path, { headers: only(as) });
    t.equal(status, 406, path);
    // The client accepts no Status, so it is written for a reader.
    t.match(text, /^\{\n {2}"kind": "Status",\n/);
    const message = `you requested ${as}, but the requested object is ${is}`;
    t.match(JSON.parse(text), { code: 406, reason: 'NotAcceptable', message });
  }
  t.match((await server.call('GET', `${cms}/a`, { headers: only('PartialObjectMetadata') })).json, {
    kind: 'PartialObjectMetadata',
  });
  t.match((await server.call('GET', cms, { headers: only('PartialObjectMetadataList') })).json, {
    kind: 'PartialObjectMetadataList',
  });
});
