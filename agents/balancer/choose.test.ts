import t from 'tap';
import { abandoned, type Candidate, candidatesFor } from './choose';

const server = (name: string, changes: Partial<Candidate> = {}): Candidate => ({
  name,
  state: 'up',
  isSpare: false,
  connections: 0,
  changedAt: 1,
  goodAt: 0,
  badAt: 0,
  ...changes,
});

t.test('candidatesFor', async (t) => {
  const cases: readonly { name: string; of: Candidate[]; turn?: number; want: string[] }[] = [
    { name: 'no server', of: [], want: [] },
    { name: 'equal servers take turns: first', of: [server('a'), server('b'), server('c')], want: ['a', 'b', 'c'] },
    { name: 'second', of: [server('a'), server('b'), server('c')], turn: 1, want: ['b', 'c', 'a'] },
    { name: 'fourth', of: [server('a'), server('b'), server('c')], turn: 3, want: ['a', 'b', 'c'] },
    {
      name: 'the fewest connections first, also if another has the turn',
      of: [server('a', { connections: 5 }), server('b', { connections: 2 }), server('c', { connections: 3 })],
      turn: 2,
      want: ['b', 'c', 'a'],
    },
    { name: 'no server that is down', of: [server('a', { state: 'down' }), server('b')], want: ['b'] },
    {
      name: 'one that is not judged yet comes after those that are up',
      of: [server('a', { state: 'unknown' }), server('b', { connections: 9 })],
      want: ['b', 'a'],
    },
    {
      name: 'spares last, although they have no connections',
      of: [server('s', { isSpare: true }), server('a', { connections: 4 })],
      want: ['a', 's'],
    },
    {
      name: 'a spare that is up, when the others are down',
      of: [server('s', { isSpare: true }), server('a', { state: 'down' })],
      want: ['s'],
    },
    {
      name: 'all servers when all are down',
      of: [
        server('s', { isSpare: true, state: 'down' }),
        server('a', { state: 'down', connections: 1 }),
        server('b', { state: 'down' }),
      ],
      want: ['b', 'a', 's'],
    },
  ];
  for (const { name, of, turn = 0, want } of cases) t.strictSame(candidatesFor(of, turn), want, name);
});

t.test('abandoned', async (t) => {
  const frozen = server('frozen', { state: 'down', connections: 7, changedAt: 10, badAt: 9 });
  const good = { changedAt: 1, goodAt: 11 };
  t.strictSame(abandoned([frozen, server('a', good)]), ['frozen']);
  t.strictSame(
    abandoned([frozen, server('s', { ...good, isSpare: true })]),
    ['frozen'],
    'a spare that is up is enough',
  );
  t.strictSame(abandoned([frozen, server('a', { ...good, goodAt: 8 })]), [], 'perhaps the other is down too');
  t.strictSame(abandoned([frozen, server('a', { changedAt: 12, goodAt: 11 })]), [], 'perhaps this one is up again too');
  t.strictSame(abandoned([{ ...frozen, badAt: 13 }, server('a', { changedAt: 12, goodAt: 11 })]), ['frozen']);
  t.strictSame(abandoned([frozen, server('a', { ...good, state: 'unknown' })]), []);
  t.strictSame(abandoned([frozen, server('b', { ...good, state: 'down' })]), [], 'no other server is up');
  t.strictSame(abandoned([server('a', good), server('b', good)]), []);
});
