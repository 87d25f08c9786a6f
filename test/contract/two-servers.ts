// Two API servers, each with a cache and pools of its own, on one store: no unique value is assigned twice, and every assigned
// value is freed.
import type { Test } from 'tap';
import { type Node, nodes, type Service, services } from '../../controlplane/api/index';
import { registry } from '../../controlplane/api/registry';
import type { KubeObject } from '../../controlplane/api/types';
import { parseCidr } from '../../controlplane/base/cidr';
import { systemClock } from '../../controlplane/base/clock';
import { type AppError, hasCode, Unavailable } from '../../controlplane/base/errors';
import { silentLogger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import { NodeIpamController } from '../../controlplane/controllers/node-ipam/controller';
import { InformerSet } from '../../controlplane/controllers/shared/informers';
import { openStore, type StoreSpec } from '../../controlplane/store/open';
import type { Store } from '../../controlplane/store/store';
import { eventually } from '../lib/eventually';
import { openTestServer } from '../lib/test-server';

/** Small, so that both servers choose the same numbers often. */
const serviceCidr = '10.96.0.0/23';
/** The cluster's own Services. */
const system = new Set(['kubernetes', 'kube-dns']);

const kindOf = (key: string) => registry.find(({ prefix }) => key.startsWith(prefix))!;
const claimsIn = (key: string, value: Buffer): readonly string[] =>
  kindOf(key).options.claims?.(JSON.parse(value.toString()) as KubeObject) ?? [];
const claimLines = async (store: Store) => (await store.claims()).map(({ claim, owner }) => `${claim} ${owner}`);

/** A claim exists if and only if a stored object holds it. */
async function checkClaims(t: Test, store: Store, name: string): Promise<void> {
  const { items } = await store.range('/registry/');
  const wanted = items.flatMap(({ key, value }) => claimsIn(key, value).map((claim) => `${claim} ${key}`));
  t.same(await claimLines(store), wanted.sort(), name);
}

/** At no revision did two objects hold the same value. */
async function checkHistory(t: Test, store: Store): Promise<void> {
  const last = await store.revision();
  const owners = new Map<string, string>();
  const twice: string[] = [];
  for await (const { events, revision: upTo } of store.watch('/registry/', 0, new AbortController().signal)) {
    for (const { type, key, value, previous, revision } of events) {
      for (const claim of previous ? claimsIn(key, previous) : []) owners.delete(claim);
      for (const claim of type === 'put' ? claimsIn(key, value) : []) {
        const other = owners.get(claim);
        if (other !== undefined) twice.push(`${claim} of ${other} was given to ${key} at revision ${revision}`);
        owners.set(claim, key);
      }
    }
    if (upTo >= last) break;
  }
  t.same(twice, []);
}

async function twoServers(t: Test, store: Store): Promise<[Client, Client]> {
  const servers = await Promise.all([openTestServer({ store, serviceCidr }), openTestServer({ store, serviceCidr })]);
  t.teardown(() => Promise.all(servers.map((server) => server.close())));
  return [servers[0].client(), servers[1].client()];
}

const service = (name: string, spec: Service['spec'] = {}): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { type: 'NodePort', ports: [{ port: 80 }], ...spec },
});
const node = (name: string, ...addresses: string[]): Node => ({
  metadata: { name },
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
});
const failure = (result: PromiseSettledResult<unknown>): AppError =>
  (result as PromiseRejectedResult).reason as AppError;
const isDone = (result: PromiseSettledResult<unknown>) => result.status === 'fulfilled';

async function removeServices(clients: readonly Client[]): Promise<void> {
  const { items } = await clients[0]!.list(services);
  const own = items.filter(({ metadata }) => !system.has(metadata?.name ?? ''));
  await Promise.all(
    own.map(({ metadata }, i) =>
      clients[i % 2]!.delete(services, `${metadata?.namespace}/${metadata?.name}`).catch((error: unknown) => {
        if (!hasCode(error, 'NotFound')) throw error;
      }),
    ),
  );
}

const cases: Record<string, (t: Test, store: Store) => Promise<void>> = {
  'the servers assign each number once, until no number is free': async (t, store) => {
    const clients = await twoServers(t, store);
    const free = await claimLines(store);
    const results = await Promise.allSettled(
      Array.from({ length: 480 }, (_, i) =>
        clients[i % 2]!.create(
          services,
          service(`s${i}`, i % 3 ? {} : { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
        ),
      ),
    );
    t.same(results.filter((result) => !isDone(result)).map(failure), []);
    const { items } = await clients[0].list(services);
    const ips = items.map(({ spec }) => spec?.clusterIP);
    t.equal(new Set(ips).size, items.length);
    const ports = items.flatMap(({ spec }) => [
      ...(spec?.ports ?? []).map(({ nodePort }) => nodePort),
      spec?.healthCheckNodePort,
    ]);
    const given = ports.filter((port) => port);
    t.equal(new Set(given).size, given.length);
    t.equal(given.length, 480 + 160, 'a port for each, and one for the health check of each third');
    const rest = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) =>
        clients[i % 2]!.create(services, service(`more${i}`, { type: 'ClusterIP' })),
      ),
    );
    t.equal(
      rest.filter(isDone).length,
      510 - items.length,
      'all remaining addresses of 512, without the first and the last',
    );
    t.ok(rest.filter((result) => !isDone(result)).every((result) => /range is full/.test(failure(result).message)));
    await checkClaims(t, store, 'claims are those of the stored Services');
    await checkHistory(t, store);
    await removeServices(clients);
    t.same(await claimLines(store), free, 'no claim is left over');
    const again = await Promise.all(
      Array.from({ length: 480 }, (_, i) => clients[(i + 1) % 2]!.create(services, service(`t${i}`))),
    );
    t.equal(
      new Set(again.map(({ spec }) => spec?.clusterIP)).size,
      480,
      'and each server knows that all addresses are free again',
    );
  },

  'of the Services that request one address or port, one gets it and the others are refused with the reason': async (
    t,
    store,
  ) => {
    const clients = await twoServers(t, store);
    const ask = async (name: string, spec: (i: number) => Service['spec'], why: RegExp) => {
      const results = await Promise.allSettled(
        Array.from({ length: 120 }, (_, i) => clients[i % 2]!.create(services, service(`${name}${i}`, spec(i >> 2)))),
      );
      t.equal(results.filter(isDone).length, 30, name);
      for (const result of results) {
        if (!isDone(result)) t.match(failure(result), { code: 'Invalid', message: why }, name);
      }
    };
    await ask(
      'ip',
      (i) => ({ type: 'ClusterIP', clusterIP: `10.96.1.${i}` }),
      /IP 10\.96\.1\.\d+: provided IP is already/,
    );
    await ask('port', (i) => ({ ports: [{ port: 80, nodePort: 31_000 + i }] }), /provided port is already allocated/);
    await ask(
      'health',
      // Without automatic node ports: a server could choose a port that another Service requests.
      (i) => ({
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        allocateLoadBalancerNodePorts: false,
        healthCheckNodePort: 32_000 + i,
      }),
      /spec\.healthCheckNodePort: .*: provided port is already allocated/,
    );
    const twice = { ports: [31_000, 31_001].map((nodePort) => ({ name: `p${nodePort}`, port: nodePort, nodePort })) };
    await t.rejects(
      clients[1].create(services, service('both', { ...twice, clusterIP: '10.96.1.1' })),
      { message: /10\.96\.1\.1: provided IP is already allocated$/ },
      'as upstream, an address is judged before the ports',
    );
    await t.rejects(
      clients[1].create(services, service('both', twice)),
      { message: /31000: provided port .*31001: provided port/ },
      'one answer names all ports that are in use',
    );
    await checkClaims(t, store, 'refused Services have no claims');
    await checkHistory(t, store);
  },

  'a value that one server freed can be taken at the other server at once': async (t, store) => {
    const [one, two] = await twoServers(t, store);
    for (let i = 0; i < 40; i++) {
      const spec = { clusterIP: '10.96.1.7', ports: [{ port: 80, nodePort: 30_777 }] };
      const [here, there] = i % 2 ? [one, two] : [two, one];
      await here.create(services, service(`a${i}`, spec));
      await here.delete(services, `default/a${i}`);
      await there.create(services, service(`b${i}`, spec));
      await there.patch(services, `default/b${i}`, 'merge', { spec: { ports: [{ port: 80, nodePort: 30_778 }] } });
      await here.create(services, service(`c${i}`, { ports: spec.ports }));
      await Promise.all([there.delete(services, `default/c${i}`), here.delete(services, `default/b${i}`)]);
    }
    await checkClaims(t, store, 'no claim is left over');
  },

  'Services that change all the time claim exactly their values': async (t, store) => {
    const clients = await twoServers(t, store);
    const free = await claimLines(store);
    const specs: readonly Service['spec'][] = [
      { type: 'ClusterIP', ports: [{ port: 80 }] },
      { type: 'NodePort', ports: [{ port: 80 }, { name: 'b', port: 81 }] },
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30_100 }] },
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] },
      { type: 'ClusterIP', clusterIP: '10.96.1.200', ports: [{ port: 80 }] },
      { type: 'ClusterIP', clusterIP: 'None', ports: [{ port: 80 }] },
      { type: 'ExternalName', externalName: 'a.example' },
    ];
    let refused = 0;
    const expected = (error: unknown) => {
      const known = ['NotFound', 'AlreadyExists', 'Invalid', 'Conflict'].some((code) =>
        hasCode(error, code as 'Invalid'),
      );
      if (!known) throw error;
      refused++;
    };
    const churn = async (worker: number) => {
      for (let i = 0; i < 40; i++) {
        const client = clients[(worker + i) % 2]!;
        const name = `w${(worker * 7 + i * 3) % 30}`;
        const next = service(name, specs[(worker * 5 + i * 11) % specs.length]);
        const verb = (worker + i * 13) % 4;
        if (verb === 0) await client.delete(services, `default/${name}`).catch(expected);
        else if (verb === 1)
          await client.patch(services, `default/${name}`, 'merge', { spec: next.spec }).catch(expected);
        else await client.create(services, next).catch(expected);
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, worker) => churn(worker)));
    t.ok(refused > 0 && refused < 640, `${refused} of 640 writes were refused`);
    await checkClaims(t, store, 'claims are those of the stored Services');
    await checkHistory(t, store);
    await removeServices(clients);
    t.same(await claimLines(store), free, 'no claim is left over');
  },

  'an address belongs to one node': async (t, store) => {
    const clients = await twoServers(t, store);
    const results = await Promise.allSettled(
      Array.from({ length: 80 }, (_, i) =>
        clients[i % 2]!.create(nodes, node(`n${i}`, `10.0.0.${i >> 2}`, `10.1.0.${i}`)),
      ),
    );
    t.equal(results.filter(isDone).length, 20);
    for (const result of results) {
      if (!isDone(result)) t.match(failure(result), { code: 'Forbidden', message: /belongs to node "n\d+" already/ });
    }
    const { items } = await clients[1].list(nodes);
    const status = { addresses: [{ type: 'InternalIP', address: '10.2.0.1' }] };
    const moved = await Promise.allSettled(
      items.map(({ metadata }, i) =>
        clients[i % 2]!.patch(nodes, metadata!.name!, 'merge', { status }, { subresource: 'status' }),
      ),
    );
    t.equal(moved.filter(isDone).length, 1, 'likewise for nodes that report an address later');
    await checkClaims(t, store, 'refused nodes have no new claims');
    await checkHistory(t, store);
  },

  'two controllers that both act as leader assign each node a pod range of its own': async (t, store) => {
    const clients = await twoServers(t, store);
    const stop = new AbortController();
    const running = clients.map((client) => {
      const informers = new InformerSet({ client, log: silentLogger, clock: systemClock });
      const recorder = (component: string) =>
        createEventRecorder({ client, component, log: silentLogger, clock: systemClock });
      const deps = { client, informers, clock: systemClock, log: silentLogger, recorder };
      const controller = new NodeIpamController(deps, [{ cidr: parseCidr('10.244.0.0/16'), nodePrefix: 24 }]);
      return Promise.allSettled([informers.run(stop.signal), controller.run(stop.signal)]);
    });
    await Promise.all(Array.from({ length: 40 }, (_, i) => clients[i % 2]!.create(nodes, node(`n${i}`))));
    const all = await eventually(clients[0], nodes, (list) => list.filter(({ spec }) => spec?.podCIDR).length === 40);
    t.equal(new Set(all.map(({ spec }) => spec?.podCIDR)).size, 40);
    await checkClaims(t, store, 'every range has a claim');
    await checkHistory(t, store);
    stop.abort();
    await Promise.all(running);
  },

  'a failed write leaves no claim': async (t, store) => {
    let down = false;
    const guard =
      <A extends unknown[]>(write: (...args: A) => Promise<number>) =>
      (...args: A) =>
        down ? Promise.reject(new Unavailable('the disk is full')) : write(...args);
    const fragile: Store = { ...store, create: guard(store.create), update: guard(store.update) };
    const clients = await twoServers(t, fragile);
    const free = await claimLines(store);
    await clients[0].create(services, service('before'));
    down = true;
    const spec = { clusterIP: '10.96.1.9', ports: [{ port: 80, nodePort: 30_999 }] };
    const results = await Promise.allSettled([
      clients[0].create(services, service('a', spec)),
      clients[1].create(services, service('b')),
      clients[1].patch(services, 'default/before', 'merge', { spec: { ports: [{ port: 80, nodePort: 30_998 }] } }),
    ]);
    t.same(
      results.map(failure).map(({ code }) => code),
      ['Unavailable', 'Unavailable', 'Unavailable'],
    );
    down = false;
    await checkClaims(t, store, 'claims are those of stored objects');
    await clients[1].create(services, service('c', spec));
    await clients[0].patch(services, 'default/before', 'merge', { spec: { ports: [{ port: 80, nodePort: 30_998 }] } });
    await removeServices(clients);
    t.same(await claimLines(store), free);
  },
};

/** Runs every case on a store of its own. */
export function twoServersContract(t: Test, specOf: (t: Test) => Promise<StoreSpec>): void {
  for (const [name, run] of Object.entries(cases)) {
    t.test(name, async (t) => {
      const store = await openStore(await specOf(t));
      t.teardown(() => store.close());
      await run(t, store);
    });
  }
}
