import t from 'tap';
import { nearestTo, spansOf, ticksOf } from './timeline';

const second = 1000;

t.test('the line is proportional to time: a gap is as long as it was', async (t) => {
  const lasting = [
    { what: 'stopped' as const, fromMs: 2 * second, toMs: 4 * second },
    { what: 'gap' as const, fromMs: 4 * second, toMs: 62 * second },
  ];
  t.strictSame(spansOf(lasting, 0, 100 * second), [
    { from: 0.01, to: 0.05, what: 'stopped' },
    { from: 0.04, to: 0.63, what: 'gap' },
  ]);
  t.strictSame(spansOf([{ what: 'rollout', fromMs: 5, toMs: 5 }], 5, 5), [{ from: 0, to: 1, what: 'rollout' }]);
});

t.test('clock labels stand at round times', async (t) => {
  const at = (minutes: number) => Date.UTC(2026, 0, 1, 10, minutes);
  const clock = ticksOf(at(0) + 7 * second, at(10), 5).map(({ atMs }) => new Date(atMs).toISOString().slice(11, 19));
  t.strictSame(clock, ['10:02:00', '10:04:00', '10:06:00', '10:08:00', '10:10:00']);
  t.equal(ticksOf(at(0), at(10), 5).at(-1)?.at, 1);
  t.strictSame(ticksOf(5, 5, 5), []);
});

t.test('a time between two moments leads to the nearer one', async (t) => {
  const moments = [{ atMs: 0 }, { atMs: 10 }, { atMs: 100 }];
  t.strictSame(nearestTo(moments, 40), { atMs: 10 });
  t.strictSame(nearestTo(moments, 60), { atMs: 100 });
  t.equal(nearestTo([], 1), undefined);
});
