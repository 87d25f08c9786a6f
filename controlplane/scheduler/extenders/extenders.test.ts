// The scheduler with an extender that the test serves over HTTP on the loopback.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import type { KindRef } from '../../api/kind';
import { type Node, nodes } from '../../api/node';
import { type Pod, pods } from '../../api/pod';
import { silentLogger } from '../../base/logger';
import type { ExtenderSettings } from '../config/types';
import { runScheduler } from '../main';

class BindingClient extends MemoryClient {
  override async post<A>(kind: KindRef, key: string, subresource: string, body: unknown): Promise<A> {
    const { target } = body as { target: { name: string } };
    await this.patch(pods, key, 'merge', { spec: { nodeName: target.name } });
    return super.post(kind, key, subresource, body);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the bodies of extender/v1 have many shapes.
type Body = any;
type Handler = (body: Body) => object | number | undefined;

/** Answers each verb with what its handler returns: a body, a status, or (undefined) nothing at all. Closed with the test. */
async function serve(test: Test, handlers: Readonly<Record<string, Handler>>) {
  const asked: { verb: string; body: Body }[] = [];
  const server = createServer(async (request, response) => {
    const verb = request.url!.slice(1);
    const body = JSON.parse(await read(request));
    asked.push({ verb, body });
    const answer = handlers[verb]?.(body);
    if (answer === undefined) return;
    response.statusCode = typeof answer === 'number' ? answer : 200;
    response.end(typeof answer === 'number' ? '' : JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { urlPrefix: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

const node = (name: string): Node => ({
  metadata: { name },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
});
const pod = (name: string, spec: object = {}): Pod => ({
  metadata: { name, namespace: 'a' },
  spec: { containers: [{ name: 'c' }], ...spec },
});

async function start(test: Test, extenders: readonly ExtenderSettings[], existing: readonly Pod[] = []) {
  const client = new BindingClient();
  for (const name of ['n1', 'n2', 'n3']) await client.create(nodes, node(name));
  for (const each of existing) await client.create(pods, each);
  const clock = new FakeClock();
  const abort = new AbortController();
  const config = { extenders };
  const running = runScheduler({ client, clock, log: silentLogger, config, random: () => 0 }, abort.signal);
  test.teardown(async () => {
    abort.abort(new Error('test over'));
    await running;
  });
  const place = async (object: Pod) => {
    const { metadata } = await client.create(pods, object);
    const done = (found: Pod | undefined) =>
      found?.spec?.nodeName !== undefined || scheduled(found)?.status === 'False';
    const found = await client.until(pods, `a/${metadata!.name}`, done);
    return found?.spec?.nodeName ?? `${scheduled(found)?.reason}: ${scheduled(found)?.message}`;
  };
  return { client, clock, place };
}
const scheduled = (found: Pod | undefined) => found?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
const names = ({ Nodes, NodeNames }: Body): string[] =>
  NodeNames ?? Nodes.items.map(({ metadata }: Node) => metadata!.name);

t.test('filters: whole nodes, or names for an extender that knows the nodes', async (t) => {
  const filter: Handler = (body) => {
    const left = names(body).filter((name) => name === 'n2');
    return body.NodeNames ? { NodeNames: left } : { Nodes: { items: left.map(node) } };
  };
  for (const nodeCacheCapable of [false, true]) {
    const { urlPrefix, asked } = await serve(t, { filter });
    const { place } = await start(t, [{ urlPrefix, filterVerb: 'filter', nodeCacheCapable }]);
    t.equal(await place(pod('p')), 'n2');
    t.equal(asked[0]?.body.Pod.metadata.name, 'p');
    t.same(names(asked[0]?.body), ['n1', 'n2', 'n3']);
    t.equal(asked[0]?.body.Nodes === null, nodeCacheCapable);
  }
});

t.test('its reasons are reported', async (t) => {
  const { urlPrefix } = await serve(t, {
    filter: () => ({
      NodeNames: [],
      FailedNodes: { n1: 'busy', n2: 'busy' },
      FailedAndUnresolvableNodes: { n3: 'broken' },
    }),
  });
  const { place } = await start(t, [{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true }]);
  t.match(
    await place(pod('p')),
    /^Unschedulable: 0\/3 nodes are available: 1 broken, 2 busy\. no new claims to deallocate, preemption: /,
  );
});

t.test('one extender gets what the one before has left', async (t) => {
  const first = await serve(t, { filter: () => ({ NodeNames: ['n2', 'n3'] }) });
  const second = await serve(t, { filter: ({ NodeNames }) => ({ NodeNames: NodeNames.slice(1) }) });
  const extender = (urlPrefix: string) => ({ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true });
  const { place } = await start(t, [extender(first.urlPrefix), extender(second.urlPrefix)]);
  t.equal(await place(pod('p')), 'n3');
});

t.test('rates: its points count ten times its weight; without an answer it adds nothing', async (t) => {
  const { urlPrefix } = await serve(t, { rate: () => [{ Host: 'n3', Score: 10 }] });
  const broken = await serve(t, { rate: () => 500 });
  const extender = (prefix: string) => ({
    urlPrefix: prefix,
    prioritizeVerb: 'rate',
    weight: 5,
    nodeCacheCapable: true,
  });
  const { place } = await start(t, [extender(broken.urlPrefix), extender(urlPrefix)]);
  t.equal(await place(pod('p')), 'n3');
});

t.test('a fault is an error of the scheduler, unless the extender may be ignored', async (t) => {
  const faults: readonly [name: string, handler: Handler, want: RegExp][] = [
    ['an error in the answer', () => ({ Error: 'no licence' }), /^SchedulerError: no licence/],
    ['a status', () => 503, /^SchedulerError: failed filter with extender at URL .*, code 503/],
    ['a node that was not asked for', () => ({ NodeNames: ['n9'] }), /claims a filtered node "n9"/],
    ['no answer', () => undefined, /^SchedulerError: /],
  ];
  for (const [name, filter, want] of faults) {
    const { urlPrefix } = await serve(t, { filter });
    const settings = { urlPrefix, filterVerb: 'filter', nodeCacheCapable: true, httpTimeout: '200ms' };
    const strict = await start(t, [settings]);
    t.match(await strict.place(pod('p')), want, name);
    const lenient = await start(t, [{ ...settings, ignorable: true }]);
    t.equal(await lenient.place(pod('p')), 'n1', `${name}: ignored`);
  }
});

t.test('it is asked only about pods that want its resources, which the scheduler can leave to it', async (t) => {
  const { urlPrefix, asked } = await serve(t, { filter: () => ({ NodeNames: ['n3'] }) });
  const managedResources = [{ name: 'example.com/gpu', ignoredByScheduler: true }];
  const { place } = await start(t, [{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true, managedResources }]);
  t.equal(await place(pod('plain')), 'n1');
  t.equal(asked.length, 0);
  const resources = { requests: { 'example.com/gpu': '1' } };
  t.equal(await place(pod('p', { containers: [{ name: 'c', resources }] })), 'n3', 'no node has such a resource');
});

t.test('binds in place of the scheduler', async (t) => {
  const bound = Promise.withResolvers<Body>();
  const { urlPrefix } = await serve(t, {
    bind: (body) => {
      bound.resolve(body);
      return {};
    },
  });
  const { client } = await start(t, [{ urlPrefix, bindVerb: 'bind' }]);
  const { metadata } = await client.create(pods, pod('p'));
  t.same(await bound.promise, { PodName: 'p', PodNamespace: 'a', PodUID: metadata!.uid, Node: 'n1' });
  t.notOk(client.requests.some((request) => request.includes('binding')));
});

t.test('a binding that it refuses is an error', async (t) => {
  const { urlPrefix } = await serve(t, { bind: () => ({ Error: 'taken' }) });
  const { place } = await start(t, [{ urlPrefix, bindVerb: 'bind' }]);
  t.equal(await place(pod('p')), 'SchedulerError: taken');
});

t.test('preemption: it chooses among the candidates', async (t) => {
  const victim = (name: string, nodeName: string): Pod => ({
    metadata: { name, namespace: 'a', uid: name },
    spec: { nodeName, priority: 0, containers: [{ name: 'c', resources: { requests: { cpu: '4' } } }] },
  });
  const existing = [victim('v1', 'n1'), victim('v2', 'n2'), victim('v3', 'n3')];
  const incoming = pod('p', { priority: 10, containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }] });
  for (const nodeCacheCapable of [false, true]) {
    const { urlPrefix, asked } = await serve(t, {
      preempt: () => ({ NodeNameToMetaVictims: { n2: { Pods: [{ UID: 'v2' }] } } }),
    });
    const settings = { urlPrefix, preemptVerb: 'preempt', nodeCacheCapable };
    const { client } = await start(t, [settings], existing);
    await client.create(pods, incoming);
    const found = await client.until(pods, 'a/p', (each) => each?.status?.nominatedNodeName !== undefined);
    t.equal(found?.status?.nominatedNodeName, 'n2');
    await client.until(pods, 'a/v2', (each) => each?.metadata?.deletionTimestamp !== undefined);
    const sent = asked[0]?.body[nodeCacheCapable ? 'NodeNameToMetaVictims' : 'NodeNameToVictims'];
    t.same(Object.keys(sent), ['n1', 'n2', 'n3']);
    t.equal(nodeCacheCapable ? sent.n1.Pods[0].UID : sent.n1.Pods[0].metadata.name, 'v1');
  }
});
