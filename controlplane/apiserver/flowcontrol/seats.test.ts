// The seats of levels, and that they are given out by the numbers of the promises of the pool.
import t from 'tap';
import { mandatoryLevels, suggestedLevels } from '../../api/flow-control/bootstrap-objects';
import type { PriorityLevelConfiguration } from '../../api/index';
import { Level, type Waiter } from './level';
import { SeatPool } from './seat-pool';
import { lendable, seatsOf } from './seats';

t.test('the levels of every cluster share 600 seats as upstream', async (t) => {
  const seats = seatsOf([...mandatoryLevels, ...suggestedLevels], 600);
  t.same(Object.fromEntries([...seats].map(([name, { nominal }]) => [name, nominal])), {
    exempt: 0,
    'catch-all': 13,
    system: 74,
    'node-high': 98,
    'leader-election': 25,
    'workload-high': 98,
    'workload-low': 245,
    'global-default': 49,
  });
  t.same(seats.get('workload-low'), { nominal: 245, guaranteed: 24, most: 600 });
  t.same(seats.get('catch-all'), { nominal: 13, guaranteed: 13, most: 600 });
});

const configuration = (name: string, limited: object, queues = true): PriorityLevelConfiguration => ({
  metadata: { name },
  spec: {
    type: 'Limited',
    limited: {
      ...limited,
      limitResponse: queues
        ? { type: 'Queue', queuing: { queues: 4, handSize: 1, queueLengthLimit: 50 } }
        : { type: 'Reject' },
    },
  },
});

t.test('a borrowing limit, and no shares at all', async (t) => {
  const seats = seatsOf(
    [
      configuration('a', { nominalConcurrencyShares: 1, lendablePercent: 50, borrowingLimitPercent: 10 }),
      configuration('b', { nominalConcurrencyShares: 0 }),
    ],
    20,
  );
  t.same(seats.get('a'), { nominal: 20, guaranteed: 10, most: 22 });
  t.same(seats.get('b'), { nominal: 0, guaranteed: 0, most: 20 });
  t.equal(lendable(seats.values()), 10);
  t.same(seatsOf([configuration('b', { nominalConcurrencyShares: 0 })], 20).get('b'), {
    nominal: 0,
    guaranteed: 0,
    most: 20,
  });
});

function pool(total: number, ...configurations: readonly PriorityLevelConfiguration[]) {
  const seats = seatsOf(configurations, total);
  const levels = configurations.map((one) => {
    const level = new Level(one.metadata!.name!);
    level.configure(one, seats.get(level.name)!);
    return level;
  });
  const all = new SeatPool();
  all.resize(levels);
  return { all, levels, started: [] as string[] };
}
const take = (all: SeatPool, level: Level, tries: number) =>
  Array.from({ length: tries }, () => all.tryTake(level)).filter(Boolean).length;
function wait(all: SeatPool, level: Level, started: string[], isGone = false): { refused: string[] } {
  const refused: string[] = [];
  const waiter: Waiter = {
    level,
    hash: 1n,
    isGone: () => isGone,
    start: () => started.push(level.name),
    refuse: (reason) => refused.push(reason),
  };
  const full = level.add(waiter);
  if (full) refused.push(full);
  else all.wait(level);
  return { refused };
}

t.test('(1) guaranteed seats are kept, (2) lent ones belong to all, (3) up to the limit', async (t) => {
  const { all, levels } = pool(
    20,
    configuration('a', { nominalConcurrencyShares: 1, lendablePercent: 50 }),
    configuration('b', { nominalConcurrencyShares: 1, lendablePercent: 50, borrowingLimitPercent: 20 }),
  );
  const [a, b] = levels as [Level, Level];
  t.equal(take(all, a, 30), 15, 'its own five, and all ten that are lent');
  t.equal(take(all, b, 30), 5, 'what is guaranteed');
  for (let i = 0; i < 10; i++) all.giveBack(a);
  t.equal(take(all, b, 30), 7, 'ten, and two of a fifth');
});

t.test('a seat that is given back goes to the level below its nominal number first', async (t) => {
  const { all, levels, started } = pool(
    20,
    configuration('a', { nominalConcurrencyShares: 1, lendablePercent: 50 }),
    configuration('b', { nominalConcurrencyShares: 1, lendablePercent: 50 }),
  );
  const [a, b] = levels as [Level, Level];
  take(all, a, 30);
  take(all, b, 30);
  for (const level of [a, a, b, b]) wait(all, level, started);
  t.equal(all.tryTake(a), false, 'behind the requests that wait');
  all.giveBack(a);
  all.giveBack(a);
  t.same(started, ['b', 'b']);
  all.giveBack(a);
  t.same(started, ['b', 'b', 'a']);
});

t.test('requests that cannot wait, and clients that have left', async (t) => {
  const { all, levels, started } = pool(
    2,
    configuration('reject', { nominalConcurrencyShares: 1 }, false),
    configuration('queue', { nominalConcurrencyShares: 1 }),
  );
  const [reject, queue] = levels as [Level, Level];
  t.equal(take(all, reject, 2), 1);
  t.same(wait(all, reject, started).refused, ['concurrency-limit']);
  t.equal(take(all, queue, 2), 1);
  const left = wait(all, queue, started, true);
  wait(all, queue, started);
  all.giveBack(queue);
  t.same(left.refused, ['cancelled']);
  t.same(started, ['queue'], 'the seat goes to the next one');
  const full = Array.from({ length: 60 }, () => wait(all, queue, started).refused).flat();
  t.same(new Set(full), new Set(['queue-full']));
  t.equal(full.length, 10);
});

t.test('requests that wait are dealt again when the queues change', async (t) => {
  const { all, levels, started } = pool(1, configuration('a', { nominalConcurrencyShares: 1 }));
  const [a] = levels as [Level];
  take(all, a, 1);
  const two = [wait(all, a, started), wait(all, a, started)];
  const smaller = configuration('a', { nominalConcurrencyShares: 1 });
  smaller.spec!.limited!.limitResponse!.queuing = { queues: 1, handSize: 1, queueLengthLimit: 1 };
  a.configure(smaller, a.seats);
  t.same(
    two.map(({ refused }) => refused),
    [[], ['queue-full']],
  );
  all.giveBack(a);
  t.same(started, ['a']);
});
