import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { Unavailable } from '../../base/errors';
import { silentLogger } from '../../base/logger';
import { Freshness } from './freshness';

/** A store whose answers the test gives, and a cache that has the revisions up to `has`. */
function play(t: Test) {
  const questions: PromiseWithResolvers<number>[] = [];
  const waits: PromiseWithResolvers<void>[] = [];
  const state = { has: 0 };
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = {
    ...silentLogger,
    warn: (text: string) => lines.push(`warn ${text}`),
    info: (text: string) => lines.push(text),
  };
  const freshness = new Freshness({
    newest: () => {
      const question = Promise.withResolvers<number>();
      questions.push(question);
      return question.promise;
    },
    reached: (revision) => {
      if (revision <= state.has) return undefined;
      const wait = Promise.withResolvers<void>();
      waits.push(wait);
      return wait.promise;
    },
    clock,
    log: log as unknown as typeof silentLogger,
  });
  const done: string[] = [];
  const confirm = (name: string) =>
    freshness.confirm().then(
      () => done.push(name),
      (error: Error) => done.push(`${name}: ${error.message}`),
    );
  t.equal(freshness.problem, undefined);
  return { freshness, questions, waits, state, clock, lines, done, confirm };
}

t.test('requests that arrive while a question is under way share the next one', async (t) => {
  const { questions, done, confirm } = play(t);
  // The first look at the state has asked already.
  const [a, b, c] = [confirm('a'), confirm('b'), confirm('c')];
  t.equal(questions.length, 1);
  questions[0]!.resolve(0);
  await new Promise(setImmediate);
  t.same(done, [], 'an answer to an earlier question is not enough');
  t.equal(questions.length, 2);
  const d = confirm('d');
  questions[1]!.resolve(0);
  await Promise.all([a, b, c]);
  t.same(done, ['a', 'b', 'c']);
  await new Promise(setImmediate);
  questions[2]!.resolve(0);
  await d;
  t.equal(questions.length, 3);
});

t.test('it waits until the cache has the revision', async (t) => {
  const { questions, waits, done, confirm } = play(t);
  questions[0]!.resolve(0);
  await new Promise(setImmediate);
  const a = confirm('a');
  questions[1]!.resolve(7);
  await new Promise(setImmediate);
  t.same(done, []);
  waits[0]!.resolve();
  await a;
  t.same(done, ['a']);
});

t.test('a failure is a state until the next answer, with one line in the log for each change', async (t) => {
  const { freshness, questions, clock, lines, done, confirm } = play(t);
  questions[0]!.resolve(0);
  await new Promise(setImmediate);
  const [a, b] = [confirm('a'), confirm('b')];
  questions[1]!.reject(new Unavailable('no leader'));
  await new Promise(setImmediate);
  questions[2]!.reject(new Unavailable('no leader'));
  await Promise.all([a, b]);
  const text = 'the newest state of the store is not known: no leader';
  t.same(done, [`a: ${text}`, `b: ${text}`]);
  t.equal(freshness.problem, 'no leader');
  t.equal(questions.length, 3);
  clock.advance(1_001);
  t.equal(freshness.problem, 'no leader', 'an old state is still told, and asked for again');
  questions[3]!.resolve(0);
  await new Promise(setImmediate);
  t.equal(freshness.problem, undefined);
  t.same(lines, ['warn the store does not answer; requests fail until it does', 'the store answers again']);
});
