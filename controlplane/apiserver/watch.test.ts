// Watches over real HTTPS: where they begin, which events they send, how they end.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';

const cms = '/api/v1/namespaces/default/configmaps';
const cm = (name: string, labels: Record<string, string> = {}) => ({ metadata: { name, labels }, data: { a: '1' } });
const merge = 'application/merge-patch+json';

let server: TestServer;
t.before(async () => {
  server = await startApiServer({ ring: { maxEvents: 8, maxBytes: 1 << 20 } });
});
t.teardown(() => server.close());

t.test('from a revision: added, modified, deleted', async (t) => {
  const { metadata } = (await server.call('GET', cms)).json;
  const events = await server.watch(`${cms}?watch=1&resourceVersion=${metadata.resourceVersion}`);
  await server.call('POST', cms, { body: cm('w1') });
  await server.call('PATCH', `${cms}/w1`, { type: merge, body: { data: { a: '2' } } });
  await server.call('DELETE', `${cms}/w1`);
  const seen = [await events.next(), await events.next(), await events.next()];
  t.same(
    seen.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  );
  t.match(seen[1].object, { kind: 'ConfigMap', apiVersion: 'v1', data: { a: '2' } });
  const revisions = seen.map((event) => Number(event.object.metadata.resourceVersion));
  t.ok(revisions[0]! < revisions[1]! && revisions[1]! < revisions[2]!, 'a deletion has a revision of its own');
  events.close();
});

t.test('without a revision a watch begins with the existing objects', async (t) => {
  await server.call('POST', cms, { body: cm('w2', { set: 'w2' }) });
  const events = await server.watch(`${cms}?watch=1&labelSelector=set%3Dw2`);
  t.match(await events.next(), { type: 'ADDED', object: { metadata: { name: 'w2' } } });
  await server.call('PATCH', `${cms}/w2`, { type: merge, body: { metadata: { labels: { set: 'no' } } } });
  t.match(
    await events.next(),
    { type: 'DELETED', object: { metadata: { name: 'w2' } } },
    'the object left the selection',
  );
  await server.call('PATCH', `${cms}/w2`, { type: merge, body: { metadata: { labels: { set: 'w2' } } } });
  t.match(
    await events.next(),
    { type: 'ADDED', object: { metadata: { name: 'w2' } } },
    'the object entered the selection again',
  );
  events.close();
});

t.test('the initial events end with a marked bookmark', async (t) => {
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const events = await server.watch(`${cms}?${query}&fieldSelector=metadata.name%3Dw2`);
  t.match(await events.next(), { type: 'ADDED', object: { metadata: { name: 'w2' } } });
  const mark = await events.next();
  t.match(mark, {
    type: 'BOOKMARK',
    object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
  });
  events.close();
  for (const start of ['', '&resourceVersion=0']) {
    const older = await server.watch(
      `${cms}?watch=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dw2${start}`,
    );
    t.match(await older.next(), { type: 'ADDED' });
    t.match(await older.next(), mark, 'also without sendInitialEvents');
    older.close();
  }
  const wrong = await server.call('GET', `${cms}?watch=1&sendInitialEvents=true`);
  t.match(wrong.json, { code: 422, message: /requires setting resourceVersionMatch to NotOlderThan/ });
});

t.test('a watch ends after timeoutSeconds, with a bookmark when the client allows bookmarks', async (t) => {
  const events = await server.watch(`${cms}?watch=1&resourceVersion=1000000&timeoutSeconds=1&allowWatchBookmarks=true`);
  t.match(await events.next(), { type: 'BOOKMARK' });
  await events.ended;
});

t.test('a revision before the kept history: the only event is an error with 410', async (t) => {
  const { metadata } = (await server.call('GET', cms)).json;
  for (let i = 0; i < 12; i++) await server.call('POST', cms, { body: cm(`old${i}`) });
  const path = `${cms}?watch=1&resourceVersion=${metadata.resourceVersion}`;
  for (const accept of ['application/json', 'application/json;as=Table;v=v1;g=meta.k8s.io']) {
    const events = await server.watch(path, { accept });
    t.match(await events.next(), {
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: /^too old resource version: \d+ \(\d+\)$/ },
    });
    await events.ended;
  }
  t.equal((await server.call('GET', `${cms}?watch=1&resourceVersion=abc`)).status, 500);
});

t.test('a Table watch has one row in each event, and the column headers once', async (t) => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const events = await server.watch(`${cms}?watch=1&fieldSelector=metadata.name%3Dw2`, { accept });
  const first = await events.next();
  t.match(first, { type: 'ADDED', object: { kind: 'Table', rows: [{ cells: ['w2'] }] } });
  t.ok(first.object.columnDefinitions.length > 0);
  await server.call('PATCH', `${cms}/w2`, { type: merge, body: { data: { b: '2' } } });
  const second = await events.next();
  t.match(second, { type: 'MODIFIED', object: { kind: 'Table', columnDefinitions: null } });
  events.close();
});

t.test('the content type of a watch', async (t) => {
  const table = 'as=Table;v=v1;g=meta.k8s.io';
  const partial = 'as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
  const protobuf = 'application/vnd.kubernetes.protobuf';
  for (const [accept, type] of [
    ['', 'application/json'],
    ['application/json;stream=watch', 'application/json'],
    [`application/json;${table}`, 'application/json'],
    [`application/json;${partial}`, 'application/json'],
    [protobuf, `${protobuf};stream=watch`],
    [`${protobuf};${table},application/json;${table}`, 'application/json'],
  ] as const) {
    // A negative timeout is over at once.
    const { status, headers } = await server.call('GET', `${cms}?watch=1&resourceVersion=1000000&timeoutSeconds=-1`, {
      headers: { accept },
    });
    t.same([status, headers['content-type']], [200, type], accept);
  }
  // As upstream: YAML is chosen first, then refused.
  const both = await server.call('GET', `${cms}?watch=1`, { headers: { accept: 'application/yaml,*/*' } });
  t.equal(both.status, 406);
  const refused = await server.call('GET', `${cms}?watch=1`, { headers: { accept: 'application/yaml' } });
  t.equal(refused.status, 406);
  t.match(refused.text, /application\/json;stream=watch, application\/vnd.kubernetes.protobuf;stream=watch/);
});

t.test('the paths below watch/', async (t) => {
  const all = '/api/v1/watch/namespaces/default/configmaps';
  await server.call('POST', cms, { body: cm('legacy') });
  for (const path of [
    '/api/v1/watch/configmaps?fieldSelector=metadata.name%3Dlegacy',
    `${all}?fieldSelector=metadata.name%3Dlegacy`,
    `${all}/legacy`,
    `${all}/legacy?fieldSelector=metadata.name%3Dlegacy`,
  ]) {
    const events = await server.watch(path);
    t.match(await events.next(), { type: 'ADDED', object: { metadata: { name: 'legacy' } } }, path);
    events.close();
  }
  const other = await server.call('GET', `${all}/legacy?fieldSelector=metadata.name%3Dother`);
  t.match(other.json, { code: 400, message: "fieldSelector metadata.name doesn't match requested name" });
});

t.test('wrong options of a watch', async (t) => {
  const invalid = 'ListOptions.meta.k8s.io "" is invalid: ';
  const match = 'resourceVersionMatch: Forbidden: ';
  const needed = `${match}sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`;
  for (const [query, code, message] of [
    ['sendInitialEvents=true', 422, invalid + needed],
    ['sendInitialEvents=false', 422, invalid + needed],
    [
      'resourceVersionMatch=NotOlderThan',
      422,
      `${invalid}${match}resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided`,
    ],
    [
      'sendInitialEvents=true&resourceVersionMatch=Exact',
      422,
      `${invalid}[${needed}, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
    ],
    ['resourceVersion=x', 500, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
    ['timeoutSeconds=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
  ] as const) {
    t.match((await server.call('GET', `${cms}?watch=1&${query}`)).json, { code, message }, query);
  }
});
