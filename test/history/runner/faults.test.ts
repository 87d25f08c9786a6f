import t from 'tap';
import { Random } from '../random';
import { type Fault, type FaultKind, planFaults, possibleFaults } from './faults';

function plan(
  seed: number,
  kinds: readonly FaultKind[],
  store: 'sqlite' | 'etcd' = 'sqlite',
  members = 1,
): readonly Fault[] {
  const faults: Fault[] = [];
  for (const fault of planFaults(new Random(seed), { kinds, store, servers: 3, members })) {
    if (faults.push(fault) === 40) break;
  }
  return faults;
}

t.test('a seed has one plan, another seed another one', async (t) => {
  const kinds = possibleFaults({ store: 'sqlite', isRoot: true });
  t.same(plan(7, kinds), plan(7, kinds));
  t.notSame(plan(7, kinds), plan(8, kinds));
  t.same(plan(7, []), []);
});

t.test('which faults are possible', async (t) => {
  const sqlite = possibleFaults({ store: 'sqlite', isRoot: false });
  t.same(sqlite, ['kill', 'stop', 'crash', 'freeze', 'clock', 'sync-error']);
  t.same(possibleFaults({ store: 'sqlite', isRoot: true }), [...sqlite, 'full-disk']);
  const etcd = possibleFaults({ store: 'etcd', isRoot: true });
  t.same(etcd, ['kill', 'stop', 'crash', 'freeze', 'clock', 'cut', 'etcd-kill', 'etcd-freeze']);
});

t.test('with etcd a server ends only at points that it passes', async (t) => {
  const points = new Set(plan(3, ['crash'], 'etcd').map(({ point }) => point.split(':')[0]));
  t.same([...points].sort(), ['after-answer', 'after-txn', 'after-txn-sent', 'before-answer', 'before-txn']);
  const sqlite = plan(3, ['crash']).map(({ point }) => point.split(':')[0]!);
  t.ok(new Set(sqlite).size > 4);
  t.notOk(sqlite.some((point) => point.includes('txn')));
});

t.test('several members have faults of places instead of those of one etcd', async (t) => {
  const kinds = possibleFaults({ store: 'etcd', isRoot: true, members: 3 });
  const ofServers = ['kill', 'stop', 'crash', 'freeze', 'clock'];
  const ofPlaces = ['isolate', 'split', 'member-kill', 'member-freeze', 'no-quorum', 'place-kill'];
  t.same(kinds, [...ofServers, ...ofPlaces]);
  t.same(
    possibleFaults({ store: 'sqlite', isRoot: true, members: 3 }).filter((kind) => ofPlaces.includes(kind)),
    [],
  );

  t.same(plan(7, kinds, 'etcd', 3), plan(7, kinds, 'etcd', 3));
  const faults = Array.from({ length: 20 }, (_, seed) => plan(seed, kinds, 'etcd', 3)).flat();
  t.same(new Set(faults.map(({ kind }) => kind)), new Set(kinds));
  t.same(new Set(faults.map(({ server }) => server)), new Set([0, 1, 2]));
  t.same(new Set(faults.map(({ atLeader }) => atLeader)), new Set([true, false]));
  t.same(new Set(faults.map(({ end }) => end)), new Set(['cable', 'own']));
});

t.test('with one member a seed has the plan that it had before there were several', async (t) => {
  const times = plan(7, ['kill', 'stop'], 'etcd').slice(0, 3);
  t.same(
    times.map(({ kind, afterMs, server, lastsMs }) => [kind, afterMs, server, lastsMs]),
    [
      ['stop', 1434, 2, 1069],
      ['stop', 300, 2, 493],
      ['stop', 1435, 2, 3014],
    ],
  );
});
