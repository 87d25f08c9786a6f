import t from 'tap';
import { choiceFor, decide, type Known } from './choose';

const wanted = (count: number) => ({ resource: 'example.com/gpu', podUid: 'u1', container: 'app', count });
const known = (more: Partial<Known> = {}): Known => ({
  healthy: new Set(['a', 'b', 'c']),
  held: undefined,
  reusable: [],
  inUse: new Set(),
  ...more,
});
const given = (count: number, more: Partial<Known> = {}, preferred?: readonly string[]) => {
  const choice = choiceFor(wanted(count), known(more));
  return choice && decide(choice, preferred);
};

t.test('which devices a container gets', (t) => {
  t.same(given(2), ['a', 'b']);
  t.same(given(2, {}, ['c', 'x']), ['c', 'a'], 'preferred ones first; unknown ones do not count');
  t.same(given(2, { inUse: new Set(['a']) }), ['b', 'c']);
  t.same(given(2, { inUse: new Set(['a', 'b']), reusable: ['b'] }), ['b', 'c'], 'those of init containers again');
  t.same(given(1, { inUse: new Set(['a', 'b', 'c']), reusable: ['c', 'b'] }), ['c']);
  t.equal(given(2, { held: ['a', 'c'], inUse: new Set(['a', 'c']) }), undefined, 'it has them');
  t.equal(given(0), undefined);
  t.end();
});

t.test('refusals, in upstream’s words', (t) => {
  const cases: readonly [string, number, Partial<Known>, string][] = [
    ['unknown', 1, { healthy: undefined }, 'cannot allocate unregistered device example.com/gpu'],
    [
      'gone',
      1,
      { healthy: new Set() },
      'no healthy devices present; cannot allocate unhealthy devices example.com/gpu',
    ],
    [
      'its own is not healthy',
      1,
      { held: ['z'] },
      'previously allocated devices are no longer healthy; cannot allocate unhealthy devices example.com/gpu',
    ],
    [
      'too many',
      3,
      { inUse: new Set(['a']) },
      'requested number of devices unavailable for example.com/gpu. Requested: 3, Available: 2',
    ],
    [
      'changed',
      2,
      { held: ['a'] },
      'pod "u1" container "app" changed request for resource "example.com/gpu" from 1 to 2',
    ],
  ];
  for (const [name, count, more, message] of cases) t.throws(() => given(count, more), { message }, name);
  t.end();
});
