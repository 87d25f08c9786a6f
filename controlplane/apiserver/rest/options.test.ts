// The options of every verb: which are refused, with which code and message, and which are ignored.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  await server.call('POST', `${core}/configmaps`, { body: { metadata: { name: 'a' } } });
  await server.call('POST', `${core}/configmaps`, { body: { metadata: { name: 'b' } } });
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  await server.call('POST', `${core}/pods`, { body: { metadata: { name: 'p' }, spec } });
});
t.teardown(() => server.close());

const core = '/api/v1/namespaces/default';
const cms = `${core}/configmaps`;
const merge = 'application/merge-patch+json';
const apply = 'application/apply-patch+yaml';
const long = 'm'.repeat(129);

interface Case {
  readonly request: string;
  readonly type?: string;
  readonly body?: unknown;
  readonly code: number;
  readonly message?: string;
}
const body = { metadata: { name: 'x' } };
const notInteger = (text: string) => `strconv.ParseInt: parsing "${text}": invalid syntax`;
const options = (kind: string, text: string) => `${kind}.meta.k8s.io "" is invalid: ${text}`;
const fieldValidation = 'fieldValidation: Unsupported value: "Foo": supported values: "", "Ignore", "Strict", "Warn"';
const dryRun = 'dryRun: Unsupported value: ["Foo"]: supported values: "All"';
const tooLong = 'fieldManager: Too long: may not be more than 128 bytes';
const policy = (value: string) =>
  `propagationPolicy: Unsupported value: "${value}": supported values: "Foreground", "Background", "Orphan", "nil"`;

const writes: readonly Case[] = [
  { request: `POST ${cms}?fieldValidation=Foo`, body, code: 422, message: options('CreateOptions', fieldValidation) },
  { request: `POST ${cms}?dryRun=Foo`, body, code: 422, message: options('CreateOptions', dryRun) },
  { request: `POST ${cms}?fieldManager=${long}`, body, code: 422, message: options('CreateOptions', tooLong) },
  {
    request: `POST ${cms}?dryRun=Foo&fieldValidation=Foo`,
    body,
    code: 422,
    message: options('CreateOptions', `[${dryRun}, ${fieldValidation}]`),
  },
  {
    request: `POST ${cms}?fieldManager=a%0Ab`,
    body,
    code: 422,
    message: options('CreateOptions', 'fieldManager: Invalid value: "a\\nb": invalid character U+000A (at position 1)'),
  },
  { request: `POST ${cms}?dryRun=All&force=true&unknown=1`, body, code: 201 },
  { request: `PUT ${cms}/a?fieldValidation=Foo`, body, code: 422, message: options('UpdateOptions', fieldValidation) },
  { request: `PUT ${cms}/a?dryRun=Foo`, body, code: 422, message: options('UpdateOptions', dryRun) },
  { request: `PATCH ${cms}/a?dryRun=Foo`, type: merge, body: {}, code: 422, message: options('PatchOptions', dryRun) },
  {
    request: `PATCH ${cms}/a?force=false`,
    type: merge,
    body: {},
    code: 422,
    message: options('PatchOptions', 'force: Forbidden: may not be specified for non-apply patch'),
  },
  {
    request: `PATCH ${cms}/a`,
    type: apply,
    body: {},
    code: 422,
    message: options('PatchOptions', 'fieldManager: Required value: is required for apply patch'),
  },
  { request: `POST ${core}/pods/p/binding?dryRun=Foo`, body: {}, code: 422, message: options('CreateOptions', dryRun) },
  {
    request: `POST ${core}/pods/p/eviction?dryRun=Foo`,
    body: {},
    code: 422,
    message: options('CreateOptions', dryRun),
  },
];

const deletions: readonly Case[] = [
  { request: `DELETE ${cms}/a?gracePeriodSeconds=abc`, code: 400, message: notInteger('abc') },
  { request: `DELETE ${cms}/a?gracePeriodSeconds=`, code: 400, message: notInteger('') },
  { request: `DELETE ${cms}/a?gracePeriodSeconds=1.5`, code: 400, message: notInteger('1.5') },
  { request: `DELETE ${cms}/a?propagationPolicy=Foo`, code: 422, message: options('DeleteOptions', policy('Foo')) },
  {
    request: `DELETE ${cms}/a`,
    body: { propagationPolicy: 'Foo' },
    code: 422,
    message: options('DeleteOptions', policy('Foo')),
  },
  { request: `DELETE ${cms}/a`, body: { dryRun: ['Foo'] }, code: 422, message: options('DeleteOptions', dryRun) },
  {
    request: `DELETE ${cms}/a?orphanDependents=true&propagationPolicy=Orphan`,
    code: 422,
    message: options(
      'DeleteOptions',
      'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ),
  },
  {
    request: `DELETE ${cms}/a`,
    body: { gracePeriodSeconds: 'soon' },
    code: 400,
    message: 'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
  },
  { request: `DELETE ${cms}/a?propagationPolicy=Foo`, body: { dryRun: ['All'] }, code: 200 },
  { request: `DELETE ${cms}?limit=abc`, code: 400, message: notInteger('abc') },
];

const match = 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden';
const reads: readonly Case[] = [
  { request: `GET ${cms}?limit=abc`, code: 400, message: notInteger('abc') },
  {
    request: `GET ${cms}?limit=9223372036854775808`,
    code: 400,
    message: 'strconv.ParseInt: parsing "9223372036854775808": value out of range',
  },
  { request: `GET ${cms}?limit=9223372036854775807`, code: 200 },
  { request: `GET ${cms}?limit=-1`, code: 200 },
  { request: `GET ${cms}?timeoutSeconds=abc`, code: 400, message: notInteger('abc') },
  { request: `GET ${cms}?watch=1&timeoutSeconds=abc`, code: 400, message: notInteger('abc') },
  {
    request: `GET ${cms}?resourceVersionMatch=Exact`,
    code: 422,
    message: options('ListOptions', `${match} unless resourceVersion is provided`),
  },
  {
    request: `GET ${cms}?resourceVersionMatch=Foo&resourceVersion=1`,
    code: 422,
    message: options(
      'ListOptions',
      'resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""',
    ),
  },
  {
    request: `GET ${cms}?resourceVersionMatch=Exact&resourceVersion=0`,
    code: 422,
    message: options(
      'ListOptions',
      `resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
    ),
  },
  {
    request: `GET ${cms}?sendInitialEvents=true`,
    code: 422,
    message: options('ListOptions', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'),
  },
  {
    request: `GET ${cms}?watch=1&sendInitialEvents=true`,
    code: 422,
    message: options(
      'ListOptions',
      'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ),
  },
  {
    request: `GET ${cms}?watch=1&resourceVersionMatch=NotOlderThan`,
    code: 422,
    message: options('ListOptions', `${match} for watch unless sendInitialEvents is provided`),
  },
  {
    request: `GET ${cms}?continue=zzz`,
    code: 400,
    message: 'invalid continue token: continue key is not valid: this server did not issue it',
  },
  { request: `GET ${cms}?fieldSelector=foo`, code: 400, message: "invalid selector: 'foo'; can't understand 'foo'" },
  {
    request: `GET ${cms}?fieldSelector=data.x%3D1`,
    code: 400,
    message: '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
  },
  { request: `GET ${core}/pods?fieldSelector=data.x%3D1`, code: 400, message: 'field label not supported: data.x' },
  {
    request: 'GET /api/v1/namespaces?fieldSelector=metadata.namespace%3D1',
    code: 400,
    message: 'field label not supported: metadata.namespace',
  },
  { request: 'GET /api/v1/persistentvolumes?fieldSelector=metadata.namespace%3D1', code: 200 },
  {
    request: 'GET /apis/apps/v1/replicasets?fieldSelector=status.replicas%3D1',
    code: 400,
    message: '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
  },
  {
    request: `GET ${cms}?watch=1&continue=x`,
    code: 422,
    message: options(
      'ListOptions',
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
    ),
  },
  {
    request: 'GET /apis/batch/v1/jobs?fieldSelector=data.x%3D1',
    code: 400,
    message: 'field label "data.x" not supported for Job',
  },
];

const logs: readonly Case[] = [
  { request: 'tailLines=abc', code: 400, message: notInteger('abc') },
  {
    request: 'tailLines=-1',
    code: 422,
    message: 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  },
  {
    request: 'limitBytes=0',
    code: 422,
    message: 'PodLogOptions "p" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
  },
  {
    request: 'sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z',
    code: 422,
    message:
      'PodLogOptions "p" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
  },
  {
    request: 'sinceSeconds=0',
    code: 422,
    message: 'PodLogOptions "p" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0',
  },
].map((one) => ({ ...one, request: `GET ${core}/pods/p/log?${one.request}` }));

t.test('the log of a pod without a node is empty', async (t) => {
  const answer = await server.call('GET', `${core}/pods/p/log?tailLines=1`);
  t.equal(answer.status, 204);
  t.equal(answer.text, '');
  t.equal(answer.headers['content-type'], undefined);
  t.equal(answer.headers['content-length'], undefined);
});

for (const { request, type, body, code, message } of [...writes, ...deletions, ...reads, ...logs]) {
  t.test(`${request} ${body === undefined ? '' : JSON.stringify(body)}`, async (t) => {
    const [method = '', path = ''] = request.split(' ');
    const { status, json } = await server.call(method, path, { body, ...(type ? { type } : {}) });
    t.equal(status, code, json.message);
    if (message === undefined) return;
    t.equal(json.message, message);
    t.equal(json.reason, code === 422 ? 'Invalid' : 'BadRequest');
    if (code === 422) t.ok(json.details.causes.length > 0);
  });
}

t.test('the details of an option error name the options, not the object', async (t) => {
  const { json } = await server.call('POST', `${cms}?fieldValidation=Foo`, { body });
  t.match(json.details, {
    group: 'meta.k8s.io',
    kind: 'CreateOptions',
    causes: [{ reason: 'FieldValueNotSupported', field: 'fieldValidation' }],
  });
  t.notOk('name' in json.details);
});

t.test('only 0 and false, in any case, are false', async (t) => {
  for (const value of ['', '1', 'true', 'yes']) {
    const watch = await server.watch(`${cms}?watch=${value}`);
    t.equal((await watch.next()).type, 'ADDED', value);
    watch.close();
  }
  for (const value of ['0', 'false', 'FALSE']) {
    t.equal((await server.call('GET', `${cms}?watch=${value}`)).json.kind, 'ConfigMapList', value);
  }
});

t.test('a page of a given revision shows that revision', async (t) => {
  const { json: before } = await server.call('GET', cms);
  const { json: fresh } = await server.call('POST', cms, { body: { metadata: { name: 'aa' } } });
  const revision = before.metadata.resourceVersion;
  const page = await server.call('GET', `${cms}?limit=10&resourceVersion=${revision}`);
  t.equal(page.json.metadata.resourceVersion, revision);
  t.notOk(page.json.items.some(({ metadata }: typeof fresh) => metadata.name === 'aa'));
  const { json: first } = await server.call('GET', `${cms}?limit=1`);
  const mixed = await server.call('GET', `${cms}?continue=${first.metadata.continue}&resourceVersion=${revision}`);
  t.equal(mixed.json.message, 'specifying resource version is not allowed when using continue');
});

t.test('orphanDependents=false is answered with 202 while finalizers hold the object', async (t) => {
  await server.call('POST', cms, { body: { metadata: { name: 'held', finalizers: ['example.com/f'] } } });
  t.equal((await server.call('DELETE', `${cms}/held?orphanDependents=false`)).status, 202);
  t.equal((await server.call('DELETE', `${cms}/held`)).status, 200);
});

t.test('details have no group for the core group', async (t) => {
  const { json } = await server.call('PATCH', `${cms}/missing`, { type: merge, body: {} });
  t.same(json.details, { name: 'missing', kind: 'configmaps' });
});
