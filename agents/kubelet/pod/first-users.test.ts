import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { container, record } from '../spec/pod.fixture';
import { FirstUsers, parseProcessUser } from './first-users';

const text = (parent: number, uid: number, gid: number, groups = '') =>
  `Name:\tsh\nUmask:\t0022\nPid:\t7\nPPid:\t${parent}\nUid:\t0\t${uid}\t0\t0\nGid:\t0\t${gid}\t0\t0\nFDSize:\t64\nGroups:\t${groups} \nVmRSS:\t4 kB\n`;

t.test('user and groups are the effective ones of the kernel', (t) => {
  t.same(parseProcessUser(text(1, 1000, 1000, '1000 50000 60000')), {
    parent: 1,
    user: { linux: { uid: 1000, gid: 1000, supplementalGroups: [1000, 50000, 60000] } },
  });
  t.same(parseProcessUser(text(1, 0, 0))?.user, { linux: { uid: 0, gid: 0 } }, 'no groups, no field');
  t.equal(parseProcessUser('Name:\tsh\n'), undefined);
  t.end();
});

async function setUp(t: Test, pids: Readonly<Record<string, readonly number[]>>, inspected?: number) {
  const proc = t.testdir();
  const asked: string[] = [];
  const changed = Promise.withResolvers<void>();
  const users = new FirstUsers(
    {
      proc,
      cgroups: { processesOf: (_uid, id) => pids[id] },
      runtime: {
        inspect: async (id) => {
          asked.push(id);
          return { ...record(container('app')), pid: inspected };
        },
      },
    },
    () => changed.resolve(),
  );
  return {
    users,
    asked,
    changed: changed.promise,
    runs: async (pid: number, status: string) => {
      await mkdir(join(proc, String(pid)), { recursive: true });
      await writeFile(join(proc, String(pid), 'status'), status);
    },
    ends: (pid: number) => rm(join(proc, String(pid)), { recursive: true }),
  };
}

const app = { ...record(container('app')), pid: undefined };

t.test('the first process counts, also when others run; its user is known after the end', async (t) => {
  const { users, runs, ends, asked } = await setUp(t, { [app.id]: [12, 40, 41] });
  await runs(12, text(40, 5, 5));
  await runs(40, text(3, 1000, 100));
  await runs(41, text(3, 0, 0));
  const want = { linux: { uid: 1000, gid: 100 } };
  t.same(users.of('uid', app), want);
  await runs(40, text(3, 7, 7));
  t.same(users.of('uid', app), want, 'a process that changes its user later changes nothing');
  await ends(40);
  t.same(users.of('uid', { ...app, state: 'exited' }), want);
  t.same(asked, [], 'the runtime was not asked');
  users.keepOnly([]);
  t.equal(users.of('uid', { ...app, state: 'exited' }), undefined);
});

t.test('a container that has not run, or ended at once, has none', async (t) => {
  const { users, asked } = await setUp(t, { [app.id]: [] });
  t.equal(users.of('uid', { ...app, state: 'created' }), undefined);
  t.equal(users.of('uid', { ...app, state: 'exited' }), undefined);
  t.equal(users.of('uid', app), undefined, 'its end is not known yet');
  t.same(asked, []);
});

t.test('without a known group the runtime tells the process', async (t) => {
  const { users, runs, asked, changed } = await setUp(t, {}, 9);
  await runs(9, text(3, 1, 2, '2 3'));
  t.equal(users.of('uid', app), undefined);
  await changed;
  t.same(users.of('uid', app), { linux: { uid: 1, gid: 2, supplementalGroups: [2, 3] } });
  t.same(asked, [app.id], 'asked once');
});

t.test('the process of a record that an earlier kubelet started is in the record', async (t) => {
  const { users, runs, asked } = await setUp(t, {});
  await runs(11, text(3, 4, 4));
  t.same(users.of('uid', { ...app, pid: 11 }), { linux: { uid: 4, gid: 4 } });
  t.same(asked, []);
});
