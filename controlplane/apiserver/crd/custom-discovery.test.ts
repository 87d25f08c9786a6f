// What clients find out about custom kinds: discovery, OpenAPI, tables, and the forms in which objects are sent.
import t from 'tap';
import { define, definition, definitionsPath, serve, version } from '../../../test/lib/custom-definitions';

const path = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const name = 'crontabs.stable.example.com';
const protobuf = 'application/vnd.kubernetes.protobuf';
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';

const made = version('v1', {
  subresources: { status: {} },
  additionalPrinterColumns: [
    { name: 'Spec', type: 'string', jsonPath: '.spec.cronSpec', description: 'When it runs.' },
    { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
    { name: 'Ready', type: 'boolean', jsonPath: '.status.ready' },
  ],
  selectableFields: [{ jsonPath: '.spec.cronSpec' }],
});
const crontabs = definition('crontabs', 'CronTab', {
  names: { shortNames: ['ct'], categories: ['all'] },
  versions: [made],
});

const crontab = (of: string, cronSpec: string) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name: of },
  spec: { cronSpec, replicas: 2 },
});

t.test('discovery and OpenAPI follow the definitions', async (t) => {
  const server = await serve(t);
  const groups = async () => {
    const { json } = await server.call('GET', '/apis', { headers: { accept: aggregated } });
    return json.items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === 'stable.example.com');
  };
  const documents = () => server.call('GET', '/openapi/v3');
  t.equal(await groups(), undefined);
  const before = await documents();
  await define(server, crontabs);
  t.match(await groups(), {
    versions: [
      {
        version: 'v1',
        resources: [
          {
            resource: 'crontabs',
            singularResource: 'crontab',
            responseKind: { group: 'stable.example.com', version: 'v1', kind: 'CronTab' },
            scope: 'Namespaced',
            shortNames: ['ct'],
            categories: ['all'],
            subresources: [{ subresource: 'status' }],
          },
        ],
      },
    ],
  });
  t.match((await server.call('GET', '/apis/stable.example.com')).json, {
    kind: 'APIGroup',
    preferredVersion: { groupVersion: 'stable.example.com/v1' },
  });
  const after = await documents();
  t.not(after.headers['etag'], before.headers['etag']);
  const url = JSON.parse(after.text).paths['apis/stable.example.com/v1'].serverRelativeURL;
  t.match((await server.call('GET', url)).json.components.schemas['com.example.stable.v1.CronTab'], {
    properties: { spec: { properties: { cronSpec: { type: 'string' } } } },
  });
  await server.call('DELETE', `${definitionsPath}/${name}`);
  const watch = await server.watch(`${definitionsPath}?watch=true`);
  const { json } = await server.call('GET', definitionsPath);
  if (json.items.length > 0) for (let event = await watch.next(); event.type !== 'DELETED'; event = await watch.next());
  watch.close();
  t.equal(await groups(), undefined);
  t.equal((await documents()).headers['etag'], before.headers['etag']);
});

t.test('columns and selectable fields', async (t) => {
  const server = await serve(t);
  await define(server, crontabs);
  for (const [of, spec] of [
    ['a', 'x'],
    ['b', 'y'],
  ] as const) {
    t.equal((await server.call('POST', path, { body: crontab(of, spec) })).status, 201);
  }
  const { json } = await server.call('GET', path, { headers: { accept: table } });
  t.match(json.columnDefinitions, [
    { name: 'Name', type: 'string', priority: 0 },
    { name: 'Spec', type: 'string', description: 'When it runs.', priority: 0 },
    { name: 'Replicas', type: 'integer', priority: 1 },
    {
      name: 'Ready',
      type: 'boolean',
      description: 'Custom resource definition column (in JSONPath format): .status.ready',
    },
  ]);
  t.same(
    json.rows.map(({ cells }: { cells: unknown[] }) => cells),
    [
      ['a', 'x', 2, null],
      ['b', 'y', 2, null],
    ],
  );
  const selected = await server.call('GET', `${path}?fieldSelector=spec.cronSpec%3Dy`);
  t.same(
    selected.json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    ['b'],
  );
  t.equal((await server.call('GET', `${path}?fieldSelector=spec.replicas%3D2`)).status, 400);
});

t.test('definitions have a protobuf form, custom objects have none', async (t) => {
  const server = await serve(t);
  await define(server, crontabs);
  await server.call('POST', path, { body: crontab('a', 'x') });
  const read = (url: string, accept: string) => server.call('GET', url, { headers: { accept } });
  const binary = await read(`${definitionsPath}/${name}`, protobuf);
  t.match(binary, { status: 200, headers: { 'content-type': protobuf } });
  t.equal(binary.bytes.subarray(0, 4).toString(), 'k8s\0');
  t.equal((await read(`${path}/a`, protobuf)).status, 406);
  t.match(await read(`${path}/a`, `${protobuf},application/json`), {
    status: 200,
    headers: { 'content-type': 'application/json' },
  });
});
