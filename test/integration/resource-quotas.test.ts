// ResourceQuotas with their controller, on API servers in this process: what exists is counted, deletions free it, and parallel writes
// on two servers never use more than the limit.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configMaps, pods, type ResourceQuota, resourceQuotas, serviceAccounts } from '../../controlplane/api/index';
import { defineKind, type Kind } from '../../controlplane/api/kind';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger as log } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import { ResourceQuotaController } from '../../controlplane/controllers/resourcequota/controller';
import { InformerSet } from '../../controlplane/controllers/shared/informers';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { openStore } from '../../controlplane/store/open';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { skippedWithoutKubectl } from '../lib/kubectl';
import { openTestServer } from '../lib/test-server';

t.setTimeout(120_000);
const namespace = 'default';

const quota = (name: string, hard: Record<string, string>): ResourceQuota => ({
  metadata: { name, namespace },
  spec: { hard },
});
/** Resolves when status.used of the only quota is `used`. */
const usedIs = (client: Client, used: Record<string, string>) =>
  eventually(client, resourceQuotas, ([one]) => JSON.stringify(one?.status?.used) === JSON.stringify(used), {
    namespace,
  });
const add = (client: Client, kind: Kind, name: string, spec?: object) =>
  client.create(kind, { metadata: { name, namespace }, ...(spec ? { spec } : {}) });
const podSpec = (cpu: string) => ({
  containers: [{ name: 'c', image: 'registry.local/app:1', resources: { requests: { cpu } } }],
});

t.test('a quota counts what exists, what comes and what goes away', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1'], kubelets: {} });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace });
  await add(client, pods, 'before', podSpec('100m'));
  await client.create(resourceQuotas, quota('q', { pods: '2', 'requests.cpu': '1' }));
  await usedIs(client, { pods: '1', 'requests.cpu': '100m' });
  await add(client, pods, 'second', podSpec('300m'));
  t.same(
    (await client.get(resourceQuotas, 'default/q')).status?.used,
    { pods: '2', 'requests.cpu': '400m' },
    'at once',
  );
  await t.rejects(add(client, pods, 'third', podSpec('1m')), {
    code: 'Forbidden',
    message: 'pods "third" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
  });

  t.comment('a deletion frees the share of the pod');
  await client.delete(pods, 'default/before', { gracePeriodSeconds: 0 });
  await usedIs(client, { pods: '1', 'requests.cpu': '300m' });
  await add(client, pods, 'third', podSpec('1m'));

  t.comment('new limits');
  await client.patch(resourceQuotas, 'default/q', 'merge', { spec: { hard: { pods: '1', 'requests.cpu': null } } });
  await usedIs(client, { pods: '2' });
  await t.rejects(add(client, pods, 'fourth', podSpec('1m')), {
    message: /requested: pods=1, used: pods=2, limited: pods=1/,
  });
});

t.test('a pod that has ended is free, and still an object', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1'], kubelets: { ends: () => 'Succeeded' } });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace });
  await client.create(resourceQuotas, quota('q', { pods: '1', 'count/pods': '2' }));
  await usedIs(client, { pods: '0', 'count/pods': '0' });
  await add(client, pods, 'a', { ...podSpec('1m'), restartPolicy: 'Never' });
  await usedIs(client, { pods: '0', 'count/pods': '1' });
});

const widgets = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  schema: { definition: { type: 'object' } },
});

t.test('objects of a kind that is served later are counted', async (t) => {
  const { client, server } = await openControlPlane(t);
  await client.create(resourceQuotas, quota('q', { 'count/widgets.example.com': '1' }));
  await eventually(client, resourceQuotas, ([one]) => one?.status?.hard !== undefined, { namespace });
  await server.kinds.add(widgets);
  await usedIs(client, { 'count/widgets.example.com': '0' });
  await add(client, widgets, 'a');
  await t.rejects(add(client, widgets, 'b'), {
    code: 'Forbidden',
    message: /exceeded quota: q, requested: count\/widgets/,
  });
  await client.delete(widgets, 'default/a');
  await usedIs(client, { 'count/widgets.example.com': '0' });
});

t.test('kubectl creates and describes quotas', async (t) => {
  if (await skippedWithoutKubectl(t, 28)) return;
  const { client, url, authority } = await openControlPlane(t);
  const dir = t.testdir();
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const exec = new SystemExec();
  const kubectl = async (...argv: string[]) =>
    (await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...argv])).stdout;
  t.equal(
    await kubectl('create', 'quota', 'q', '--hard=count/configmaps=5,limits.cpu=2', '-o', 'name'),
    'resourcequota/q\n',
  );
  const roots = (all: readonly ResourceQuota[]) => all[0]?.status?.used?.['count/configmaps'] === '1';
  await eventually(client, resourceQuotas, roots, { namespace });
  const table = 'Resource +Used +Hard\n *-+ +-+ +-+\n *count/configmaps +1 +5\n *limits\\.cpu +0 +2\n';
  t.match(await kubectl('describe', 'quota', 'q'), new RegExp(table));
  t.match(await kubectl('describe', 'namespace', namespace), new RegExp(`Resource Quotas\n +Name: +q\n +${table}`));
  t.match(await kubectl('get', 'quota'), /^NAME +REQUEST +LIMIT +AGE\nq +count\/configmaps: 1\/5 +limits\.cpu: 0\/2 +/);
  t.match(await kubectl('create', 'quota', 'be', '--hard=pods=1', '--scopes=BestEffort', '-o', 'json'), /"BestEffort"/);
});

/** Two servers on one store, and the controller at the first one. */
async function twoServers(t: Test): Promise<readonly [Client, Client]> {
  const store = await openStore({ kind: 'memory' }, { log });
  const servers = await Promise.all([openTestServer({ store }), openTestServer({ store })]);
  const client = servers[0].client();
  const informers = new InformerSet({ client, log, clock: systemClock });
  const recorder = (component: string) => createEventRecorder({ client, component, log, clock: systemClock });
  const deps = { client, informers, clock: systemClock, log, recorder };
  const stop = new AbortController();
  const controller = new ResourceQuotaController(deps, servers[0].catalog);
  const running = Promise.allSettled([informers.run(stop.signal), controller.run(stop.signal)]);
  t.teardown(async () => {
    stop.abort(new Error('test over'));
    await running;
    await Promise.all(servers.map((server) => server.close()));
    await store.close();
  });
  return [client, servers[1].client()];
}

t.test('two servers never use more than the limit, while objects come and go', async (t) => {
  const clients = await twoServers(t);
  const limit = 10;
  await clients[0].create(resourceQuotas, quota('q', { 'count/configmaps': String(limit) }));
  await usedIs(clients[0], { 'count/configmaps': '0' });
  let most = 0;
  let created = 0;
  let refused = 0;
  const work = async (client: Client, worker: number) => {
    for (let i = 0; i < 25; i++) {
      const name = `m-${worker}-${i}`;
      try {
        await add(client, configMaps, name);
        created++;
      } catch (error) {
        t.match(error, { code: 'Forbidden', message: /exceeded quota: q, requested: count\/configmaps=1, used: / });
        refused++;
        continue;
      }
      const { items } = await client.list(configMaps, { namespace });
      most = Math.max(most, items.length);
      if (i % 2) await client.delete(configMaps, `${namespace}/${name}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => work(clients[i % 2]!, i)));
  t.ok(most <= limit, `never more than ${limit}: ${most}`);
  t.ok(created >= limit && refused > 0, `${created} created, ${refused} refused`);
  const { items } = await clients[1].list(configMaps, { namespace });
  await usedIs(clients[0], { 'count/configmaps': String(items.length) });
  for (const { metadata } of items) await clients[1].delete(configMaps, `${namespace}/${metadata?.name}`);
  await usedIs(clients[0], { 'count/configmaps': '0' });
  await Promise.all(Array.from({ length: limit }, (_, i) => add(clients[i % 2]!, configMaps, `again-${i}`)));
  await t.rejects(add(clients[1], configMaps, 'one-more'), { code: 'Forbidden' }, 'all that was free is used again');
});
