// hack/store on a running cluster: a backup, and a restore under which containers and traffic go on.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type t from 'tap';
import { type Cluster, podsOf, until } from './cluster';
import { identityOf } from './failures';
import { Traffic } from './traffic';

type Test = typeof t;

export function storeTests(t: Test, cluster: Cluster): void {
  const file = join(t.testdir(), 'backup');
  const identities = async () =>
    (await podsOf(cluster, 'codereview')).map(identityOf).sort((a, b) => (a.uid < b.uid ? -1 : 1));
  const configMaps = () => cluster.kubectl('get', 'configmaps', '-o', 'name');

  t.test('backup and check', async (t) => {
    await cluster.kubectl('create', 'configmap', 'kept');
    t.match((await cluster.script('store', 'backup', file)).stdout, /backup: \d+ objects as of revision/);
    t.match((await cluster.script('store', 'check', file)).stdout, /no problem was found/);
    t.match((await cluster.script('store', 'check')).stdout, /state\.db: \d+ objects.*no problem was found/);
  });

  t.test('wrong use changes nothing', async (t) => {
    for (const [words, why] of [
      [['restore', file], /has objects already\.\n +--force replaces them/],
      [['restore', '--force', `${file}.none`], /there is no .*backup\.none/],
      [['restore', '--force'], /restore needs the name of a file/],
      [['migrate'], /keeps its kind of store/],
      [[], /expected one of check, backup/],
    ] as const) {
      const { code, stderr } = await cluster.script('store', ...words);
      t.not(code, 0, words.join(' '));
      t.match(stderr, why);
    }
    t.equal((await cluster.script('status')).code, 0);
  });

  t.test('restore: the objects of the backup, the same containers, and traffic goes on', async (t) => {
    const before = await identities();
    await cluster.kubectl('create', 'configmap', 'lost');
    const traffic = new Traffic(cluster.nodeIps);
    const { code, stdout, stderr } = await cluster.script('store', 'restore', file, '--force');
    t.equal(code, 0, stderr);
    t.match(
      stdout,
      /can be restored\nstopping server, control\/kubelet, .*containers run on\n.*\nall run again; nodes that are Ready: control, worker-1, worker-2\n$/s,
    );
    const kept = /the former store is (\S+):/.exec(stdout)?.[1] ?? '';
    t.ok(statSync(kept).size > 0);
    await until('all is well', async () => (await cluster.script('status')).code === 0);
    const { requests, failures } = await traffic.end();
    t.ok(requests > 0);
    t.strictSame(failures, [], `${requests} requests went on`);
    const names = await configMaps();
    t.match(names, /configmap\/kept\n/);
    t.notMatch(names, /configmap\/lost\n/);
    t.strictSame(await identities(), before);
    await cluster.kubectl('delete', 'configmap', 'kept');
    rmSync(kept);
  });
}
