import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import type { Toleration } from '../../api/pods/placement';
import { mergeTolerations } from './runtime-class';

const classes = '/apis/node.k8s.io/v1/runtimeclasses';
const pods = '/api/v1/namespaces/default/pods';

async function open(t: { teardown(fn: () => unknown): unknown }): Promise<TestServer> {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  return server;
}

async function makeClass(server: TestServer, name: string, parts: object): Promise<void> {
  const { status, text } = await server.call('POST', classes, {
    body: { metadata: { name }, handler: 'kata', ...parts },
  });
  if (status !== 201) throw new Error(text);
}

t.test('a pod is merged with its class, or refused', async (t) => {
  const server = await open(t);
  await makeClass(server, 'plain', {});
  await makeClass(server, 'costly', { overhead: { podFixed: { cpu: '250m', memory: '1Gi' } } });
  await makeClass(server, 'free', { overhead: {} });
  await makeClass(server, 'placed', {
    scheduling: {
      nodeSelector: { runtime: 'kata', disk: 'ssd' },
      tolerations: [{ key: 'kata', operator: 'Exists', effect: 'NoSchedule' }],
    },
  });
  await makeClass(server, 'everywhere', { scheduling: { tolerations: [{ operator: 'Exists' }] } });
  const without = { cpu: '1' };
  const conflict = 'conflict: runtimeClass.scheduling.nodeSelector[disk] = ssd; pod.spec.nodeSelector[disk] = hdd';
  const rejected = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
  const own = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
  const seconds = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 };
  const standard = [
    { key: 'node.kubernetes.io/not-ready', ...seconds },
    { key: 'node.kubernetes.io/unreachable', ...seconds },
  ];
  interface Case {
    readonly name: string;
    readonly spec: object;
    readonly refused?: string;
    /** Fields of the pod's spec afterwards; undefined for absent ones. */
    readonly stored?: Readonly<Record<string, unknown>>;
  }
  const cases: readonly Case[] = [
    {
      name: 'no class',
      spec: {},
      stored: { runtimeClassName: undefined, overhead: undefined, nodeSelector: undefined, tolerations: standard },
    },
    {
      name: 'an unknown class',
      spec: { runtimeClassName: 'gone' },
      refused: 'pod rejected: RuntimeClass "gone" not found',
    },
    { name: 'overhead without a class', spec: { overhead: without }, refused: own },
    {
      name: 'overhead with a class that has none',
      spec: { runtimeClassName: 'plain', overhead: without },
      refused: own,
    },
    {
      name: 'a class with a handler alone',
      spec: { runtimeClassName: 'plain' },
      stored: { runtimeClassName: 'plain', overhead: undefined, nodeSelector: undefined, tolerations: standard },
    },
    {
      name: 'the class gives overhead',
      spec: { runtimeClassName: 'costly' },
      stored: { overhead: { cpu: '250m', memory: '1Gi' } },
    },
    {
      name: 'the same overhead, written otherwise',
      spec: { runtimeClassName: 'costly', overhead: { memory: '1048576Ki', cpu: '0.25' } },
      stored: { overhead: { cpu: '250m', memory: '1Gi' } },
    },
    {
      name: 'overhead of another resource',
      spec: { runtimeClassName: 'costly', overhead: { cpu: '250m' } },
      refused: rejected,
    },
    {
      name: 'another overhead',
      spec: { runtimeClassName: 'costly', overhead: { cpu: '251m', memory: '1Gi' } },
      refused: rejected,
    },
    { name: 'an empty overhead', spec: { runtimeClassName: 'free' }, stored: { overhead: undefined } },
    { name: 'more than an empty overhead', spec: { runtimeClassName: 'free', overhead: without }, refused: rejected },
    {
      name: 'node selector and tolerations',
      spec: {
        runtimeClassName: 'placed',
        nodeSelector: { disk: 'ssd', zone: 'a' },
        tolerations: [{ key: 'x', operator: 'Exists' }],
      },
      stored: {
        nodeSelector: { disk: 'ssd', zone: 'a', runtime: 'kata' },
        tolerations: [
          { key: 'x', operator: 'Exists' },
          ...standard,
          { key: 'kata', operator: 'Exists', effect: 'NoSchedule' },
        ],
      },
    },
    {
      name: 'a pod without a node selector',
      spec: { runtimeClassName: 'placed' },
      stored: { nodeSelector: { runtime: 'kata', disk: 'ssd' } },
    },
    {
      name: 'another node selector',
      spec: { runtimeClassName: 'placed', nodeSelector: { disk: 'hdd' } },
      refused: conflict,
    },
    {
      name: 'a class that tolerates everything, even the standard ones for ever',
      spec: { runtimeClassName: 'everywhere' },
      stored: { tolerations: [{ operator: 'Exists' }], nodeSelector: undefined },
    },
  ];
  for (const { name, spec, refused, stored = {} } of cases) {
    const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } };
    const { status, json } = await server.call('POST', pods, { body });
    t.equal(json.message, refused && `pods "p" is forbidden: ${refused}`, name);
    t.equal(status, refused ? 403 : 201, name);
    for (const [field, value] of Object.entries(stored)) t.same(json.spec[field], value, `${name}: ${field}`);
    if (!refused) await server.call('DELETE', `${pods}/p?gracePeriodSeconds=0`);
  }
});

t.test('a class acts on pods that are created, and on nothing that exists', async (t) => {
  const server = await open(t);
  await makeClass(server, 'c', { overhead: { podFixed: { cpu: '10m' } } });
  const body = { metadata: { name: 'p' }, spec: { runtimeClassName: 'c', containers: [{ name: 'c', image: 'i' }] } };
  t.equal((await server.call('POST', pods, { body })).status, 201);
  const type = 'application/merge-patch+json';
  const change = (part: object) => server.call('PATCH', `${classes}/c`, { type, body: part });
  t.match((await change({ handler: 'runc' })).json, {
    code: 422,
    message: 'RuntimeClass.node.k8s.io "c" is invalid: handler: Invalid value: "runc": field is immutable',
  });
  t.equal((await change({ overhead: { podFixed: { cpu: '20m' } } })).status, 200);
  t.equal((await server.call('DELETE', `${classes}/c`)).status, 200);
  const labelled = await server.call('PATCH', `${pods}/p`, { type, body: { metadata: { labels: { a: 'b' } } } });
  t.equal(labelled.status, 200, 'the class is gone');
  t.same(labelled.json.spec.overhead, { cpu: '10m' });
});

t.test('the class in discovery, and its columns', async (t) => {
  const server = await open(t);
  await makeClass(server, 'c', {});
  const groups = (await server.call('GET', '/apis')).json.groups;
  t.match(
    groups.find(({ name }: { name: string }) => name === 'node.k8s.io'),
    {
      versions: [{ groupVersion: 'node.k8s.io/v1', version: 'v1' }],
    },
  );
  const [listed] = (await server.call('GET', '/apis/node.k8s.io/v1')).json.resources;
  t.match(listed, { name: 'runtimeclasses', singularName: 'runtimeclass', namespaced: false, kind: 'RuntimeClass' });
  t.notOk('shortNames' in listed || 'categories' in listed, 'none, as upstream');
  const { json } = await server.call('GET', classes, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.same(
    json.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'Handler', 'Age'],
  );
  t.same(json.rows[0].cells.slice(0, 2), ['c', 'kata']);
  const as = await server.identity('system:node:n1', 'system:nodes');
  t.equal((await server.call('GET', `${classes}/c`, { as })).status, 200, 'kubelets read it');
  t.equal((await server.call('DELETE', `${classes}/c`, { as })).status, 403);
});

t.test('tolerations that another one includes are left out', async (t) => {
  const a: Toleration = { key: 'a', operator: 'Equal', value: '1', effect: 'NoSchedule' };
  const anyA: Toleration = { key: 'a', operator: 'Exists' };
  const all: Toleration = { operator: 'Exists' };
  const execute: Toleration = { key: 'a', operator: 'Exists', effect: 'NoExecute' };
  const cases: Array<{ name: string; first: Toleration[]; second: Toleration[]; merged: Toleration[] }> = [
    { name: 'nothing', first: [], second: [], merged: [] },
    { name: 'one list', first: [], second: [a], merged: [a] },
    { name: 'equal ones', first: [a], second: [{ ...a }], merged: [a] },
    {
      name: 'absent and empty',
      first: [{ ...execute, value: '' }],
      second: [execute],
      merged: [{ ...execute, value: '' }],
    },
    { name: 'other values', first: [a], second: [{ ...a, value: '2' }], merged: [a, { ...a, value: '2' }] },
    { name: 'other keys', first: [a], second: [{ ...a, key: 'b' }], merged: [a, { ...a, key: 'b' }] },
    { name: 'any value and effect of a key', first: [a], second: [anyA], merged: [anyA] },
    { name: 'the wider one may be first', first: [anyA], second: [a], merged: [anyA] },
    { name: 'everything', first: [a, execute], second: [anyA, all], merged: [all] },
    { name: 'every effect', first: [a], second: [{ ...a, effect: '' }], merged: [{ ...a, effect: '' }] },
    { name: 'one effect does not include every effect', first: [anyA], second: [execute], merged: [anyA] },
    {
      name: 'for a longer time',
      first: [{ ...execute, tolerationSeconds: 5 }],
      second: [{ ...execute, tolerationSeconds: 6 }],
      merged: [{ ...execute, tolerationSeconds: 6 }],
    },
    { name: 'for ever', first: [{ ...execute, tolerationSeconds: 5 }], second: [execute], merged: [execute] },
    {
      name: 'no operator means Equal',
      first: [{ key: 'a', value: '1' }],
      second: [{ key: 'a', operator: 'Equal', value: '1' }],
      merged: [{ key: 'a', value: '1' }],
    },
    {
      name: 'in either order',
      first: [{ key: 'a', operator: 'Equal', value: '1' }],
      second: [{ key: 'a', value: '1' }],
      merged: [{ key: 'a', value: '1' }],
    },
    {
      name: 'operators for numbers',
      first: [{ key: 'a', operator: 'Gt', value: '1' }],
      second: [{ key: 'a', operator: 'Gt', value: '2' }],
      merged: [
        { key: 'a', operator: 'Gt', value: '1' },
        { key: 'a', operator: 'Gt', value: '2' },
      ],
    },
  ];
  for (const { name, first, second, merged } of cases) t.same(mergeTolerations(first, second), merged, name);
});
