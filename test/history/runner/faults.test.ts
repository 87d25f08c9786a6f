import t from 'tap';
import { Random } from '../random';
import { type Fault, type FaultKind, planFaults, possibleFaults } from './faults';

function plan(seed: number, kinds: readonly FaultKind[], store: 'sqlite' | 'etcd' = 'sqlite'): readonly Fault[] {
  const faults: Fault[] = [];
  for (const fault of planFaults(new Random(seed), { kinds, store, servers: 3 })) {
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
