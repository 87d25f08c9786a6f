import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { etcdArgv } from './etcd';
import { guarded, lostMembers } from './lost-members';
import { planCluster } from './plan';

const plan = planCluster({ name: 'a', nodes: 3, subnet: '192.168.57.0/24', store: 'etcd', controlPlanes: 3 });
const lostWithout = (...nodes: string[]) =>
  lostMembers(plan, (dir) => !nodes.some((node) => dir === `/var/lib/k8ts/a/nodes/${node}/etcd`)).map(
    ({ name }) => name,
  );

t.test('a member without data is lost while a majority has theirs', async (t) => {
  t.same(
    plan.nodes.map(({ control }) => control?.etcdDir),
    [
      '/var/lib/k8ts/a/nodes/control/etcd',
      '/var/lib/k8ts/a/nodes/control-2/etcd',
      '/var/lib/k8ts/a/nodes/control-3/etcd',
    ],
  );
  t.same(lostWithout(), []);
  t.same(lostWithout('control-2'), ['control-2']);
  t.equal(lostMembers(plan, (dir) => !dir.includes('control-2'))[0], plan.nodes[1], 'the node of the plan itself');
  t.same(lostWithout('control', 'control-2'), [], 'no majority could take them in');
  t.same(lostWithout('control', 'control-2', 'control-3'), [], 'a new cluster');
  const one = planCluster({ name: 'a', nodes: 2, subnet: '192.168.57.0/24', store: 'etcd', controlPlanes: 1 });
  t.same(
    lostMembers(one, () => false),
    [],
  );
  const sqlite = planCluster({ name: 'a', nodes: 2, subnet: '192.168.57.0/24' });
  t.same(
    lostMembers(sqlite, () => false),
    [],
  );
});

t.test('a member that joins again starts as one of an existing cluster', async (t) => {
  const [node] = plan.nodes;
  t.ok(etcdArgv(plan, node!, 'etcd')!.includes('--initial-cluster-state=new'));
  t.ok(etcdArgv(plan, node!, 'etcd', true)!.includes('--initial-cluster-state=existing'));
});

t.test('a member that has started once does not start without its data', async (t) => {
  const dir = join(t.testdir(), 'etcd');
  const start = () => new SystemExec().run(guarded(dir, ['echo', 'started with', 'two words']));
  t.equal((await start()).stdout, 'started with two words\n', 'the first start');
  writeFileSync(`${dir}.started`, '');
  const refused: unknown = await start().catch((error: unknown) => error);
  t.match(refused, { exitCode: 1, stderr: /etcd has lost its data in .*: hack\/up lets it join again/ });
  mkdirSync(join(dir, 'member/wal'), { recursive: true });
  t.equal((await start()).stdout, 'started with two words\n');
});
