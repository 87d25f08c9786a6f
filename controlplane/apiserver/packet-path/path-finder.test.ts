// packetpaths over HTTPS, with a finder that the tests play.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { nodes } from '../../api/node';
import type { PathAsked } from '../../api/packet-path';
import { Invalid, NotFound } from '../../base/errors';
import type { PathReport } from '../../base/path-report';
import type { FindPath, PathCaller } from './path-finder';

const paths = '/apis/path.k8ts.io/v1alpha1/packetpaths';
const report: PathReport = {
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  from: 'pod a/b',
  to: 'Service a/c',
  hops: [],
  probed: false,
  verdict: { works: 'yes', sentence: 'It does.' },
};
let find: FindPath;
let server: TestServer;
const post = (spec: object, options: object = {}) =>
  server.call('POST', paths, {
    body: { apiVersion: 'path.k8ts.io/v1alpha1', kind: 'PacketPath', spec },
    ...options,
  });
const question = { from: 'a/b', to: 'svc/c:80' };

t.before(async () => {
  server = await startApiServer({ findPath: (asked, caller) => find(asked, caller) });
});
t.teardown(() => server.close());

t.test('the report becomes the status; the finder gets the question, the address and the zone', async (t) => {
  const asked: { spec: PathAsked; caller: PathCaller }[] = [];
  find = async (spec, caller) => {
    asked.push({ spec, caller });
    return report;
  };
  const spec = { ...question, namespace: 'x', probe: false, family: 4 };
  t.match(await post(spec), { status: 201, json: { kind: 'PacketPath', spec, status: report } });
  t.match(asked, [{ spec, caller: { address: '127.0.0.1', domain: 'cluster.local' } }]);
  t.equal((await server.call('GET', paths)).status, 405, 'nothing is stored');
});

t.test('fields are checked, by the schema and by the finder', async (t) => {
  t.match(await post({ from: 'a' }), { status: 422, json: { details: { causes: [{ field: 'spec.to' }] } } });
  t.match(await post({ ...question, namespace: 'a/b' }), { status: 422 });
  t.match(await post({ ...question, family: 5 }), { status: 422 });
  find = async () => {
    throw new Invalid('no', [
      { reason: 'FieldValueInvalid', field: 'spec.from', message: 'Invalid value: "a/b": no sender' },
    ]);
  };
  t.match(await post(question), {
    status: 422,
    json: { message: /PacketPath.path.k8ts.io "" is invalid: spec.from: Invalid value/, details: { causes: [{}] } },
  });
  find = async () => {
    throw new NotFound('pod a/b does not exist');
  };
  t.match(await post(question), { status: 404, json: { message: 'pod a/b does not exist' } });
});

t.test('the finder acts as the caller, an impersonated one too', async (t) => {
  find = async (_, { client }) => {
    await client.list(nodes);
    return report;
  };
  const jane = await server.identity('jane');
  t.match(await post(question, { as: jane }), {
    status: 403,
    json: { message: /"jane" cannot create resource "packetpaths" .*; ClusterRole k8ts:path has this right$/ },
  });
  const bind = (name: string, role: string) =>
    server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      body: {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
      },
    });
  const rules = [{ apiGroups: ['path.k8ts.io'], resources: ['packetpaths'], verbs: ['create'] }];
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    body: { metadata: { name: 'ask' }, rules },
  });
  await bind('ask', 'ask');
  const refused = { status: 403, json: { message: /"jane" cannot list resource "nodes" .* at the cluster scope$/ } };
  t.match(await post(question, { as: jane }), refused, 'to ask is not to read');
  t.match(await post(question, { headers: { 'impersonate-user': 'jane' } }), refused);
  await bind('path', 'k8ts:path');
  t.match(await post(question, { as: jane }), { status: 201 });
});

t.test('two at once for one user, eight for all', async (t) => {
  const freed: (() => void)[] = [];
  let begun = 0;
  let wake = () => {};
  find = async () => {
    begun++;
    wake();
    await new Promise<void>((done) => freed.push(done));
    return report;
  };
  /** Asks, and waits until the finder has begun as often. */
  const ask = async (user: string, times: number) => {
    const wanted = begun + times;
    const asked = Array.from({ length: times }, () => postAs(user));
    while (begun < wanted) await new Promise<void>((resolve) => (wake = resolve));
    return asked;
  };
  const postAs = (user: string) =>
    post(question, { headers: { 'impersonate-user': user, 'impersonate-group': masters } });
  const masters = 'system:masters';
  const asked = await ask('a', 2);
  t.match(await postAs('a'), {
    status: 429,
    json: {
      message: 'this server looks for 2 paths of user "a" already, the most for one user; ask again in a few seconds',
    },
  });
  for (const user of ['b', 'c', 'd']) asked.push(...(await ask(user, 2)));
  t.match(await postAs('e'), { status: 429, json: { message: /looks for 8 paths already; ask again/ } });
  // The places are free again once the finder has ended.
  freed[0]!();
  await Promise.race(asked);
  asked.push(...(await ask('a', 1)));
  t.equal((await postAs('a')).status, 429);
  for (const done of freed) done();
  for (const answer of await Promise.all(asked)) t.equal(answer.status, 201);
});

t.test('a client that leaves ends the work', async (t) => {
  const gone = new Promise<unknown>((resolve) => {
    find = async (_, { client, signal }) => {
      signal.addEventListener('abort', () => resolve(client.list(nodes).catch((error: unknown) => error)));
      leave();
      return new Promise(() => {});
    };
  });
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  await t.rejects(post(question, { signal: leaving.signal }));
  t.match(await gone, { message: 'the client has left' }, 'its requests end, too');
});

t.test('a server without a finder does not serve the kind', async (t) => {
  const plain = await startApiServer();
  t.teardown(() => plain.close());
  t.equal((await plain.call('POST', paths, { body: { spec: question } })).status, 404);
});
