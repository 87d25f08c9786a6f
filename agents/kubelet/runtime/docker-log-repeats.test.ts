import t from 'tap';
import { LogRepeats, secondsOf, splitTime } from './docker-log-repeats';

/** The lines that are not repeats, of lines with these times. A time is given by its last digits. */
function kept(...times: number[]): number[] {
  const repeats = new LogRepeats();
  return times.filter((n) => !repeats.isRepeat(`2026-01-02T03:04:05.${String(n).padStart(9, '0')}Z`));
}

t.test('lines repeated after a rotation are dropped', async (t) => {
  t.same(kept(1, 2, 3, 4), [1, 2, 3, 4]);
  t.same(kept(1, 2, 3, 2, 3, 4), [1, 2, 3, 4], 'the repeat ends with the newest line');
  t.same(kept(1, 2, 3, 1, 2, 4, 2, 3, 4, 5), [1, 2, 3, 4, 5], 'twice, and once ended early');
  t.same(kept(1, 2, 2, 2, 3, 1, 2, 2, 2, 3, 4), [1, 2, 2, 2, 3, 4], 'parts of a long line');
  t.same(kept(1, 2, 2, 1, 2, 2, 2, 3), [1, 2, 2, 2, 3], 'a part that came after the repeat of the others');
  t.same(kept(1, 2, 2, 2), [1, 2, 2, 2], 'equal parts are not repeats');
});

t.test('after a clock was set back, new lines are not repeats', async (t) => {
  t.same(kept(7, 8, 9, 3, 4, 5), [7, 8, 9, 3, 4, 5]);
  t.same(kept(7, 9, 8, 10), [7, 9, 8, 10]);
});

t.test('the last line is not sent again after a log is opened again', async (t) => {
  const repeats = new LogRepeats();
  const time = (n: number) => `2026-01-02T03:04:05.00000000${n}Z`;
  const sent = (...times: number[]) => times.filter((n) => !repeats.isRepeat(time(n)));
  t.same(sent(1, 2, 2), [1, 2, 2]);
  t.equal(repeats.last, time(2));
  repeats.expectLast();
  t.same(sent(2, 2, 2, 3), [2, 3], 'a third part had been missed');
});

t.test('the memory for times is bounded', async (t) => {
  const many = Array.from({ length: 70_000 }, (_, i) => i);
  t.equal(kept(...many, 69_000, 69_999, 70_000).length, 70_001);
  t.equal(kept(...many, 10).length, 70_001, 'a forgotten line is sent again: no line is lost');
});

t.test('the time before a line', async (t) => {
  const line = splitTime(Buffer.from('2026-01-02T03:04:05.000000001Z a b\n'))!;
  t.equal(line.time, '2026-01-02T03:04:05.000000001Z');
  t.equal(String(line.text), 'a b\n');
  t.equal(secondsOf(line.time), '1767323045.000000001');
  t.equal(splitTime(Buffer.from('2026-01-02 a')), undefined);
  t.equal(splitTime(Buffer.from('')), undefined);
});
