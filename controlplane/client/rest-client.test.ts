import t from 'tap';
import { FakeTransport } from '../../test/lib/fake-transport';
import { deployments, nodes, pods } from '../api/index';
import { hasCode, isAlreadyExists, isConflict, isExpired, isInvalid, isNotFound, isUnavailable } from '../base/errors';
import { createClient } from './rest-client';

const start = () => {
  const transport = new FakeTransport();
  return { transport, client: createClient(transport, { userAgent: 'test/1' }) };
};

t.test('each verb as method, path and body', async (t) => {
  const { transport, client } = start();
  const key = 'a b/x';
  const cases: { name: string; call: () => Promise<unknown>; want: string; type?: string; body?: unknown }[] = [
    { name: 'get', call: () => client.get(pods, 'a/x'), want: 'GET /api/v1/namespaces/a/pods/x' },
    { name: 'names are escaped', call: () => client.get(pods, key), want: 'GET /api/v1/namespaces/a%20b/pods/x' },
    { name: 'cluster-wide', call: () => client.get(nodes, 'n1'), want: 'GET /api/v1/nodes/n1' },
    {
      name: 'a named group',
      call: () => client.get(deployments, 'a/x'),
      want: 'GET /apis/apps/v1/namespaces/a/deployments/x',
    },
    { name: 'list all', call: () => client.list(pods), want: 'GET /api/v1/pods' },
    {
      name: 'list some',
      call: () => client.list(pods, { namespace: 'a', labelSelector: 'x in (a,b)', limit: 5 }),
      want: 'GET /api/v1/namespaces/a/pods?labelSelector=x%20in%20(a%2Cb)&limit=5',
    },
    {
      name: 'create',
      call: () => client.create(pods, { metadata: { name: 'x', namespace: 'a' } }),
      want: 'POST /api/v1/namespaces/a/pods',
      type: 'application/json',
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', namespace: 'a' } },
    },
    {
      name: 'update a status',
      call: () => client.update(pods, { metadata: { name: 'x', namespace: 'a' } }, { subresource: 'status' }),
      want: 'PUT /api/v1/namespaces/a/pods/x/status',
    },
    {
      name: 'merge patch',
      call: () => client.patch(pods, 'a/x', 'merge', { a: 1 }),
      want: 'PATCH /api/v1/namespaces/a/pods/x',
      type: 'application/merge-patch+json',
      body: { a: 1 },
    },
    {
      name: 'apply',
      call: () => client.patch(pods, 'a/x', 'apply', {}, { fieldManager: 'me', force: true }),
      want: 'PATCH /api/v1/namespaces/a/pods/x?fieldManager=me&force=true',
      type: 'application/apply-patch+yaml',
    },
    {
      name: 'delete',
      call: () => client.delete(pods, 'a/x', { gracePeriodSeconds: 0, preconditions: { uid: 'u' } }),
      want: 'DELETE /api/v1/namespaces/a/pods/x',
      body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid: 'u' } },
    },
    {
      name: 'bind',
      call: () => client.post(pods, 'a/x', 'binding', { target: {} }),
      want: 'POST /api/v1/namespaces/a/pods/x/binding',
      body: { target: {} },
    },
  ];
  for (const { name, call, want, type, body } of cases) {
    const result = call();
    const request = await transport.next();
    t.equal(`${request.request.method} ${request.request.path}`, want, name);
    t.equal(request.request.headers?.['user-agent'], 'test/1');
    if (type) t.equal(request.request.headers?.['content-type'], type, `${name}: type`);
    if (body) t.same(request.body, body, `${name}: body`);
    request.reply({ metadata: {}, items: [] });
    await result;
  }
});

t.test('a Status as the error of its code', async (t) => {
  const { transport, client } = start();
  const causes = [{ reason: 'FieldValueRequired', field: 'spec', message: 'Required value' }];
  const cases: { status: number; body: unknown; is: (e: unknown) => boolean; message?: string }[] = [
    {
      status: 404,
      body: { kind: 'Status', reason: 'NotFound', message: 'pods "x" not found' },
      is: isNotFound,
      message: 'pods "x" not found',
    },
    { status: 409, body: { kind: 'Status', reason: 'AlreadyExists' }, is: isAlreadyExists },
    { status: 409, body: { kind: 'Status', reason: 'Conflict' }, is: isConflict },
    { status: 410, body: { kind: 'Status', reason: 'Expired' }, is: isExpired },
    {
      status: 422,
      body: { kind: 'Status', reason: 'Invalid', details: { causes } },
      is: (e) => isInvalid(e) && e.causes[0]?.field === 'spec',
    },
    { status: 403, body: { kind: 'Status', reason: 'Forbidden' }, is: (e) => hasCode(e, 'Forbidden') },
    { status: 401, body: {}, is: (e) => hasCode(e, 'Unauthorized') },
    { status: 400, body: {}, is: (e) => hasCode(e, 'BadRequest') },
    { status: 415, body: {}, is: (e) => hasCode(e, 'Unsupported') },
    { status: 429, body: {}, is: isUnavailable },
    { status: 500, body: {}, is: isUnavailable, message: 'the server answered with HTTP status 500' },
    { status: 503, body: 'try later', is: isUnavailable },
  ];
  for (const { status, body, is, message } of cases) {
    const failed = client.get(pods, 'a/x').then(
      () => undefined,
      (err: unknown) => err,
    );
    (await transport.next()).reply(body, status);
    const err = await failed;
    t.ok(is(err), `${status} ${JSON.stringify(body)}`);
    if (message) t.equal((err as Error).message, message);
  }
});

t.test('a watch yields events until its stream ends', async (t) => {
  const { transport, client } = start();
  const events: string[] = [];
  const reading = (async () => {
    const params = { namespace: 'a', resourceVersion: '5', timeoutSeconds: 60 };
    for await (const { type, object } of client.watch(pods, params, new AbortController().signal))
      events.push(`${type} ${object.metadata?.name}`);
  })();
  const request = await transport.next();
  t.equal(
    request.request.path,
    '/api/v1/namespaces/a/pods?watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=60',
  );
  const stream = request.stream();
  stream
    .event('ADDED', { metadata: { name: 'x' } })
    .send('{"type":"MODIFIED","object":{"meta')
    .send('data":{"name":"y"}}}\n');
  stream.event('ERROR', { kind: 'Status', code: 410, message: 'too old' });
  await t.rejects(reading, { code: 'Expired', message: 'too old' });
  t.same(events, ['ADDED x', 'MODIFIED y']);
});

t.test('a watch that is aborted while its answer is under way ends', async (t) => {
  const abort = new AbortController();
  const late = {
    send: async () => {
      abort.abort(new Error('enough'));
      return { status: 200, headers: {}, body: (async function* (): AsyncGenerator<Buffer> {})() };
    },
    close: () => {},
  };
  const watching = createClient(late).watch(pods, {}, abort.signal)[Symbol.asyncIterator]();
  await t.rejects(watching.next(), { message: 'enough' });
});
