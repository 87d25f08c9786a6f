// SIGKILL ends the server process during many writes, again and again; writers, and watchers that resume where they
// stopped, record all they see; history.ts judges the records.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { type ConfigMap, configMaps } from '../../controlplane/api/index';
import { systemClock } from '../../controlplane/base/clock';
import { isUnavailable } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import { connect } from '../../controlplane/client/connect';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { ensurePki, identities, readAuthority } from '../../controlplane/pki/pki';
import { type Daemon, startProgram } from '../../dataplane/exec/system-exec';
import { checkHistory, type Seen, type Write } from '../lib/history';

t.setTimeout(240_000);

const kills = 3;
const writers = 4;
const watchers = 3;
/** Acknowledged writes between two kills. */
const writesPerLife = 100;
const namespace = 'default';
const retryMs = 100;
const root = join(__dirname, '../..');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

async function prepare(dir: string): Promise<{ readonly argv: readonly string[]; readonly client: Client }> {
  const port = await freePort();
  const pkiDir = join(dir, 'pki');
  const names = { advertiseAddress: '127.0.0.1', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };
  await ensurePki(pkiDir, names);
  const authority = (await readAuthority(pkiDir))!;
  const kubeconfig = join(dir, 'admin.conf');
  const server = `https://127.0.0.1:${port}`;
  await ensureKubeconfig(kubeconfig, authority, { name: 'admin', server, identity: identities.admin });
  const argv = [
    process.execPath,
    '-r',
    require.resolve('ts-node/register'),
    join(root, 'agents/k8ts/main.ts'),
    'server',
    `--data-dir=${join(dir, 'data')}`,
    `--pki-dir=${pkiDir}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--advertise-address=127.0.0.1',
    '--parts=apiserver',
  ];
  return { argv, client: await connect(kubeconfig) };
}

/** Retries while the server does not run, as every client does. */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (err) {
      if (!isUnavailable(err)) throw err;
      await systemClock.sleep(retryMs);
    }
  }
}

/** Creates, changes and deletes objects of its own. After a write without an answer it does not touch that object again. */
async function runWriter(client: Client, id: number, writes: Write[], acknowledged: () => void, stop: AbortSignal) {
  const revisionOf = (object: ConfigMap) => Number(object.metadata?.resourceVersion);
  for (let turn = 0, name = '', current = ''; !stop.aborted; turn++) {
    const value = `${id}.${turn}`;
    const type = name === '' ? 'create' : turn % 5 === 4 ? 'delete' : 'update';
    if (type === 'create') name = `w${id}-${turn}`;
    const key = `${namespace}/${name}`;
    const note = (revision: number | undefined) =>
      writes.push({ type, key, value: type === 'delete' ? current : value, revision });
    try {
      if (type === 'create')
        note(revisionOf(await client.create(configMaps, { metadata: { name, namespace }, data: { value } })));
      else if (type === 'update') note(revisionOf(await client.patch(configMaps, key, 'merge', { data: { value } })));
      else {
        // The answer to a deletion carries no revision of its own: the final state and every watch must show the deletion.
        await client.delete(configMaps, key);
        note(undefined);
        name = '';
      }
      current = value;
      acknowledged();
    } catch (err) {
      if (!isUnavailable(err)) throw err;
      note(undefined);
      name = '';
      await systemClock.sleep(retryMs);
    }
  }
}

/** Watches from `revision` on and never lists again; ends after it has seen the object called `last`. */
async function runWatcher(client: Client, revision: string, last: string): Promise<readonly Seen[]> {
  const types = { ADDED: 'create', MODIFIED: 'update', DELETED: 'delete' } as const;
  const seen: Seen[] = [];
  let at = revision;
  const { signal } = new AbortController();
  for (;;) {
    try {
      for await (const { type, object } of client.watch(configMaps, { namespace, resourceVersion: at }, signal)) {
        at = object.metadata?.resourceVersion ?? at;
        if (type === 'BOOKMARK' || type === 'ERROR') continue;
        const { name } = object.metadata ?? {};
        if (name === last) return seen;
        if (!name?.startsWith('w')) continue;
        seen.push({
          type: types[type],
          key: `${namespace}/${name}`,
          value: object.data?.['value'] ?? '',
          revision: Number(at),
        });
      }
    } catch (err) {
      if (!isUnavailable(err)) throw err;
    }
    await systemClock.sleep(retryMs);
  }
}

t.test(
  'kill -9 of the server during writes: no acknowledged write is lost, watches resume without a gap',
  async (t) => {
    const { argv, client } = await prepare(t.testdir());
    let server: Daemon = await startProgram(argv, { cwd: root });
    t.teardown(async () => {
      server.kill('SIGKILL');
      await server.exited;
    });
    const start = (await persist(() => client.list(configMaps, { namespace }))).metadata?.resourceVersion ?? '';
    const watching = Array.from({ length: watchers }, () => runWatcher(client, start, 'last'));
    const writes: Write[] = [];
    const stop = new AbortController();
    let acknowledged = 0;
    let target = writesPerLife;
    let reached = Promise.withResolvers<void>();
    const onAcknowledged = () => {
      if (++acknowledged >= target) reached.resolve();
    };
    const writing = Array.from({ length: writers }, (_, id) =>
      runWriter(client, id, writes, onAcknowledged, stop.signal),
    );
    for (let kill = 0; kill < kills; kill++) {
      await reached.promise;
      server.kill('SIGKILL');
      await server.exited;
      target = acknowledged + writesPerLife;
      reached = Promise.withResolvers();
      server = await startProgram(argv, { cwd: root });
    }
    await reached.promise;
    stop.abort();
    await Promise.all(writing);
    const { items } = await persist(() => client.list(configMaps, { namespace }));
    await persist(() => client.create(configMaps, { metadata: { name: 'last', namespace } }));
    const watches = await Promise.all(watching);
    const mine = items.filter(({ metadata }) => metadata?.name?.startsWith('w'));
    const final = new Map(mine.map(({ metadata, data }) => [`${namespace}/${metadata?.name}`, data?.['value'] ?? '']));
    t.ok(acknowledged >= writesPerLife * (kills + 1), `${acknowledged} writes were acknowledged over ${kills} kills`);
    t.ok(
      writes.some(({ revision }) => revision === undefined),
      'some writes were interrupted',
    );
    t.strictSame(checkHistory({ writes, watches, final }), []);
  },
);
