// Which APIServices the server registers, corrects and removes.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import type { APIService } from '../../api/api-service';
import { defineKind } from '../../api/kind';
import { managedLabel, planRegistrations, type Registration } from './registrations';

const apps = { group: 'apps', version: 'v1' };
const custom = { group: 'example.com', version: 'v1' };
const metrics = { group: 'metrics.k8s.io', version: 'v1beta1' };
const object = (name: string, label: string | undefined, spec: object): APIService => ({
  metadata: { name, ...(label === undefined ? {} : { labels: { [managedLabel]: label } }) },
  spec: spec as NonNullable<APIService['spec']>,
});
const right = { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 };

t.test('the plan', async (t) => {
  const short = (changes: readonly Registration[]) =>
    changes.map((change) => `${change.action} ${'name' in change ? change.name : change.object.metadata?.name}`);
  const cases: readonly {
    readonly name: string;
    readonly served: readonly { group: string; version: string }[];
    readonly current?: readonly APIService[];
    readonly starting?: boolean;
    readonly changes: readonly string[];
  }[] = [
    { name: 'a start', served: [apps, apps, custom], changes: ['create v1.apps', 'create v1.example.com'] },
    { name: 'later', served: [apps, custom], starting: false, changes: ['create v1.example.com'] },
    { name: 'its own group', served: [{ group: 'apiregistration.k8s.io', version: 'v1' }], changes: [] },
    { name: 'settled', served: [apps], current: [object('v1.apps', 'onstart', right)], changes: [] },
    {
      name: 'another spec',
      served: [apps],
      current: [object('v1.apps', 'onstart', { ...right, versionPriority: 1 })],
      changes: ['update v1.apps'],
    },
    {
      name: 'an object of an administrator',
      served: [apps],
      current: [object('v1.apps', undefined, { ...right, versionPriority: 1 }), object('v1.x', undefined, right)],
      changes: [],
    },
    {
      name: 'metrics, until another server takes its place',
      served: [metrics],
      changes: ['create v1beta1.metrics.k8s.io'],
    },
    {
      name: 'another server has its place, also after a start',
      served: [metrics],
      current: [object('v1beta1.metrics.k8s.io', undefined, { ...metrics, service: { namespace: 'a', name: 'b' } })],
      changes: [],
    },
    { name: 'an administrator makes place for a server', served: [metrics], starting: false, changes: [] },
    {
      name: 'a kind that is not served',
      served: [],
      current: [object('v1.example.com', 'true', right)],
      starting: false,
      changes: ['delete v1.example.com'],
    },
  ];
  for (const { name, served, current = [], starting = true, changes } of cases) {
    const found = new Map(current.map((one) => [one.metadata?.name ?? '', one]));
    t.same(short(planRegistrations(served, found, starting)), changes, name);
  }
});

t.test('a server lists its group versions as local APIServices, also those of custom kinds', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const path = '/apis/apiregistration.k8s.io/v1/apiservices';
  const { json } = await server.call('GET', path, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  const cells = json.rows.map(({ cells }: { cells: unknown[] }) => cells.slice(0, 3));
  t.ok(cells.length > 15, `${cells.length} APIServices`);
  t.same(
    cells.find(([name]: string[]) => name === 'v1.'),
    ['v1.', 'Local', 'True'],
  );
  t.same(
    cells.find(([name]: string[]) => name === 'v1.apps'),
    ['v1.apps', 'Local', 'True'],
  );
  t.match((await server.call('GET', `${path}/v1.`)).json, {
    metadata: { labels: { [managedLabel]: 'onstart' } },
    spec: { group: undefined, version: 'v1', groupPriorityMinimum: 18_000, versionPriority: 1 },
    status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
  });

  const watch = await server.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dv1.stable.example.com`);
  const widgets = defineKind({
    group: 'stable.example.com',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    schema: { definition: { type: 'object' } },
  });
  await server.kinds.add(widgets);
  t.match(await watch.next(), {
    type: 'ADDED',
    object: {
      metadata: { labels: { [managedLabel]: 'true' } },
      spec: { groupPriorityMinimum: 1_000, versionPriority: 100 },
    },
  });
  await server.kinds.remove(widgets);
  t.match(await watch.next(), { type: 'DELETED' });
  watch.close();
});
