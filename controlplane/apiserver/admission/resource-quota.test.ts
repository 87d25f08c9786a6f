// ResourceQuota over HTTPS: what is refused, what is counted, and that parallel writes never use more than the limit.
import t, { type Test } from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const core = '/api/v1/namespaces/default';
const quotas = `${core}/resourcequotas`;
const maps = `${core}/configmaps`;

async function open(t: Test): Promise<TestServer> {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  return server;
}

/** A quota as the controller leaves it: with a status. */
async function limit(
  server: TestServer,
  name: string,
  hard: Record<string, string>,
  used: Record<string, string> = {},
) {
  await server.call('POST', quotas, { body: { metadata: { name }, spec: { hard } } });
  const status = {
    hard,
    used: { ...Object.fromEntries(Object.keys(hard).map((resource) => [resource, '0'])), ...used },
  };
  const patch = { body: { status }, type: 'application/merge-patch+json' };
  await server.call('PATCH', `${quotas}/${name}/status`, patch);
}
const usedOf = async (server: TestServer, name: string) =>
  (await server.call('GET', `${quotas}/${name}`)).json.status.used;
const map = (name: string) => ({ body: { metadata: { name } } });
const pod = (name: string, resources: object) => ({
  body: { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i', resources }] } },
});

t.test('a write above the limit is refused, and uses nothing', async (t) => {
  const server = await open(t);
  await limit(server, 'maps', { 'count/configmaps': '1', pods: '1', 'limits.cpu': '1' });
  await limit(server, 'more', { configmaps: '5' });
  t.equal((await server.call('POST', `${maps}?dryRun=All`, map('a'))).status, 201);
  t.same(
    await usedOf(server, 'maps'),
    { 'count/configmaps': '0', pods: '0', 'limits.cpu': '0' },
    'a dry run uses nothing',
  );
  t.equal((await server.call('POST', maps, map('a'))).status, 201);
  const why =
    'exceeded quota: maps, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1';
  for (const query of ['', '?dryRun=All']) {
    t.match(await server.call('POST', `${maps}${query}`, map('b')), {
      status: 403,
      json: {
        reason: 'Forbidden',
        message: `configmaps "b" is forbidden: ${why}`,
        details: { name: 'b', kind: 'configmaps' },
      },
    });
  }
  t.equal((await server.call('POST', maps, map('a'))).status, 409, 'the name is taken');
  t.same(await usedOf(server, 'more'), { configmaps: '1' }, 'a write that one quota refuses uses nothing of another');
  t.equal((await server.call('PUT', `${maps}/a`, { body: { metadata: { name: 'a' }, data: { a: 'b' } } })).status, 200);
  t.match(await server.call('POST', `${core}/pods`, pod('p', {})), {
    status: 403,
    json: { message: 'pods "p" is forbidden: failed quota: maps: must specify limits.cpu for: c' },
  });
  t.equal((await server.call('POST', `${core}/pods`, pod('p', { limits: { cpu: '700m' } }))).status, 201);
  t.same(await usedOf(server, 'maps'), { 'count/configmaps': '1', pods: '1', 'limits.cpu': '700m' });
});

t.test('an update that uses more is counted', async (t) => {
  const server = await open(t);
  await limit(server, 'ports', { services: '1', 'services.nodeports': '1' });
  const service = (type: string, ...ports: number[]) => ({
    body: { metadata: { name: 's' }, spec: { type, ports: ports.map((port) => ({ port, name: `p${port}` })) } },
  });
  const path = `${core}/services`;
  t.equal((await server.call('POST', path, service('ClusterIP', 1, 2))).status, 201);
  t.match(await server.call('PUT', `${path}/s`, service('NodePort', 1, 2)), {
    status: 403,
    json: {
      message:
        'services "s" is forbidden: exceeded quota: ports, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1',
    },
  });
  t.equal((await server.call('PUT', `${path}/s`, service('NodePort', 1))).status, 200);
  t.same(await usedOf(server, 'ports'), { services: '1', 'services.nodeports': '1' });
  const other = { body: { metadata: { name: 'other' }, spec: { ports: [{ port: 1 }] } } };
  t.equal((await server.call('PUT', `${path}/other`, other)).status, 403, 'a PUT that creates is counted too');
});

t.test('parallel writes never use more than the limit', async (t) => {
  const server = await open(t);
  await limit(server, 'maps', { 'count/configmaps': '7' });
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => server.call('POST', maps, map(`m${i}`))));
  t.equal(answers.filter(({ status }) => status === 201).length, 7);
  t.equal(answers.filter(({ status }) => status === 403).length, 33);
  t.same(await usedOf(server, 'maps'), { 'count/configmaps': '7' });
});

t.test('the object and the usage are one transaction', async (t) => {
  const server = await open(t);
  await limit(server, 'maps', { 'count/configmaps': '2' });
  const created = await server.call('POST', maps, map('a'));
  const { json } = await server.call('GET', `${quotas}/maps`);
  const [object, quota] = [created.json.metadata.resourceVersion, json.metadata.resourceVersion].map(Number);
  t.equal(quota, object! + 1, 'the next revision');
});

t.test('what a kind without a quota, and a namespace without one, cost', async (t) => {
  const server = await open(t);
  await limit(server, 'q', { pods: '0' });
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'free' } } });
  for (const path of [maps, '/api/v1/namespaces/free/configmaps']) {
    const before = (await server.call('GET', `${quotas}/q`)).json.metadata.resourceVersion;
    t.equal((await server.call('POST', path, map('a'))).status, 201);
    t.equal((await server.call('GET', `${quotas}/q`)).json.metadata.resourceVersion, before, 'no write of a quota');
  }
});

t.test('the fields of a quota', async (t) => {
  const server = await open(t);
  const causes = async (spec: object) => {
    const { json } = await server.call('POST', `${quotas}?dryRun=All`, { body: { metadata: { name: 'q' }, spec } });
    return (json.details?.causes ?? []).map(
      ({ field, message }: { field: string; message: string }) => `${field}: ${message}`,
    );
  };
  const requirement = (scopeName: string, operator: string, ...values: string[]) => ({
    hard: { pods: '1' },
    scopeSelector: { matchExpressions: [{ scopeName, operator, values }] },
  });
  const at = 'spec.scopeSelector.matchExpressions';
  const cases: readonly (readonly [object, readonly (string | RegExp)[]])[] = [
    [
      { hard: { pods: '1', 'count/widgets.example.com': '2', 'requests.example.com/gpu': '1', 'hugepages-2Mi': '1' } },
      [],
    ],
    [
      { hard: { bananas: '1' } },
      [
        'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource type or fully qualified',
        'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota',
      ],
    ],
    [{ hard: { pods: '-1' } }, [/^spec\.hard\[pods\]: Invalid value: "-1": must be greater than or equal to 0/]],
    [{ hard: { pods: '1500m' } }, [/^spec\.hard\[pods\]: Invalid value: "1500m": must be an integer/]],
    [{ scopes: ['Odd'] }, ['spec.scopes: Invalid value: ["Odd"]: unsupported scope']],
    [
      { hard: { services: '1' }, scopes: ['Terminating'] },
      ['spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource'],
    ],
    [{ scopes: ['BestEffort', 'NotBestEffort'] }, [/conflicting scopes/]],
    [{ hard: { 'requests.storage': '1Gi' }, scopes: ['VolumeAttributesClass'] }, []],
    [{ hard: { pods: '1' }, scopes: ['VolumeAttributesClass'] }, [/unsupported scope applied to resource/]],
    [requirement('PriorityClass', 'In', 'high'), []],
    [requirement('PriorityClass', 'In'), [/^spec\.scopeSelector\.matchExpressions\.values: Required value/]],
    [
      requirement('PriorityClass', 'Exists', 'x'),
      [/matchExpressions\.values: Invalid value: \["x"\]: must be no value/],
    ],
    [requirement('PriorityClass', 'Is'), [`${at}.operator: Invalid value: "Is": not a valid selector operator`]],
    [requirement('BestEffort', 'DoesNotExist'), [/^spec\.scopeSelector\.matchExpressions\.operator: Invalid value/]],
  ];
  for (const [spec, expected] of cases) t.match(await causes(spec), expected, JSON.stringify(spec));
  for (const [spec, expected] of cases) t.equal((await causes(spec)).length, expected.length, JSON.stringify(spec));
  await server.call('POST', quotas, {
    body: { metadata: { name: 'q' }, spec: { hard: { pods: '1' }, scopes: ['BestEffort'] } },
  });
  const patch = { body: { spec: { scopes: ['NotBestEffort'] } }, type: 'application/merge-patch+json' };
  t.match(await server.call('PATCH', `${quotas}/q`, patch), { status: 422, json: { message: /field is immutable/ } });
});

t.test('kubectl get quota', async (t) => {
  const server = await open(t);
  await limit(server, 'q', { pods: '5', 'limits.cpu': '2', 'requests.cpu': '1' }, { pods: '1' });
  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const { json } = await server.call('GET', quotas, { headers });
  t.same(
    json.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'Request', 'Limit', 'Age'],
  );
  t.same(json.rows[0].cells.slice(0, 3), ['q', 'pods: 1/5, requests.cpu: 0/1', 'limits.cpu: 0/2']);
});
