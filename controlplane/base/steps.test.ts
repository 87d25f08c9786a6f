import t from 'tap';
import { run, type Steps, settled } from './steps';

function* sum(...values: readonly (number | Promise<number>)[]): Steps<number> {
  let total = 0;
  for (const value of values) total += yield* settled(value);
  return total;
}

t.test('steps end at once unless they wait', async (t) => {
  t.equal(run(sum(1, 2)), 3);
  const later = run(sum(1, Promise.resolve(2), 3, Promise.resolve(4)));
  t.ok(later instanceof Promise);
  t.equal(await later, 10);
});

t.test('an error of a promise is thrown where the steps wait for it', async (t) => {
  function* caught(): Steps<string> {
    try {
      return yield* settled(Promise.reject<string>(new Error('no')));
    } catch (err) {
      return (err as Error).message;
    }
  }
  t.equal(await run(caught()), 'no');
  await t.rejects(Promise.resolve(run(sum(Promise.reject(new Error('out'))))), { message: 'out' });
});
