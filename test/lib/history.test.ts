// Tests of the judge: a good history passes, and the judge names each kind of broken promise.
import t from 'tap';
import { checkHistory, type History, type Seen, type Write } from './history';

const writes: readonly Write[] = [
  { type: 'create', key: 'a', value: '1', revision: 10 },
  { type: 'update', key: 'a', value: '2', revision: 12 },
  { type: 'create', key: 'b', value: '3', revision: undefined },
  { type: 'delete', key: 'a', value: '2', revision: 14 },
  { type: 'create', key: 'c', value: '4', revision: undefined },
];
const events: readonly Seen[] = [
  { type: 'create', key: 'a', value: '1', revision: 10 },
  { type: 'update', key: 'a', value: '2', revision: 12 },
  { type: 'create', key: 'b', value: '3', revision: 13 },
  { type: 'delete', key: 'a', value: '2', revision: 14 },
];
const good: History = { writes, watches: [events, events], final: new Map([['b', '3']]) };
const both = (list: readonly Seen[]): Pick<History, 'watches'> => ({ watches: [list, list] });

t.test('a history that keeps all promises', async (t) => {
  t.strictSame(checkHistory(good), []);
});

const broken: readonly { name: string; change: Partial<History>; problem: RegExp }[] = [
  {
    name: 'an acknowledged write is lost',
    change: { ...both(events.filter(({ revision }) => revision !== 12)) },
    problem: /^lost: 12 update a=2/,
  },
  {
    name: 'an acknowledged write is seen at another revision',
    change: both(events.map((event) => (event.revision === 12 ? { ...event, revision: 11 } : event))),
    problem: /^moved: 12 update a=2/,
  },
  {
    name: 'one watch misses an event',
    change: { watches: [events, events.slice(0, 3)] },
    problem: /^watch 0 saw 14 delete a=2 where watch 1 saw nothing/,
  },
  {
    name: 'one watch sees an event twice',
    change: { watches: [events, [...events.slice(0, 2), ...events.slice(1)]] },
    problem: /^watch 1: 12 update a=2 came after 12 update a=2/,
  },
  {
    name: 'a write is done twice',
    change: both([...events, { type: 'create', key: 'b', value: '3', revision: 15 }]),
    problem: /^repeated: 13 create b=3, 15 create b=3/,
  },
  {
    name: 'an event without a write',
    change: both([...events, { type: 'create', key: 'x', value: '9', revision: 15 }]),
    problem: /^invented: 15 create x=9/,
  },
  {
    name: 'the list disagrees with the events',
    change: { final: new Map() },
    problem: /^the list has b=undefined, the events lead to 3/,
  },
];
for (const { name, change, problem } of broken) {
  t.test(name, async (t) => {
    const problems = checkHistory({ ...good, ...change });
    t.ok(
      problems.some((text) => problem.test(text)),
      problems.join('; '),
    );
  });
}
