import t from 'tap';
import { FakeClock } from '../../../../test/lib/fake-clock';
import { ExpiringAnswers } from './expiring-answers';

t.test('an answer is kept for its time, a failure is not', async (t) => {
  const clock = new FakeClock();
  const answers = new ExpiringAnswers<string>(clock, (answer) => answer.length * 1000);
  const count = { asks: 0 };
  const ask = async () => `${++count.asks}`;
  t.same(await Promise.all([answers.get('a', ask), answers.get('a', ask)]), ['1', '1'], 'one question for both');
  clock.advance(999);
  t.equal(await answers.get('a', ask), '1');
  clock.advance(2);
  t.equal(await answers.get('a', ask), '2');
  await t.rejects(
    answers.get('b', () => Promise.reject(new Error('away'))),
    /away/,
  );
  t.equal(await answers.get('b', ask), '3');
});

t.test('the number of answers and of open questions is bounded', async (t) => {
  const answers = new ExpiringAnswers<string>(new FakeClock(), () => 1_000_000);
  for (let i = 0; i < 4097; i++) await answers.get(`${i}`, async () => 'first');
  t.equal(await answers.get('1', async () => 'again'), 'first');
  t.equal(await answers.get('0', async () => 'again'), 'again', 'the oldest answer was dropped');
  const open = Promise.withResolvers<string>();
  const waiting = Array.from({ length: 64 }, (_, i) => answers.get(`open ${i}`, () => open.promise));
  await t.rejects(
    answers.get('one more', async () => 'no'),
    { code: 'Unavailable' },
  );
  open.resolve('yes');
  t.same(new Set(await Promise.all(waiting)), new Set(['yes']));
  t.equal(await answers.get('one more', async () => 'now'), 'now');
});
