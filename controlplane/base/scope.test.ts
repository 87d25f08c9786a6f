import t from 'tap';
import { Scope } from './scope';

void t.test('steps run in reverse order, each awaited, and a failure stops none', async (t) => {
  const scope = new Scope();
  const order: string[] = [];
  scope.defer(() => order.push('first'));
  scope.defer(async () => {
    await Promise.resolve();
    order.push('second');
    throw new Error('second failed');
  });
  scope.defer(() => order.push('third'));
  await t.rejects(scope.close(), AggregateError);
  t.same(order, ['third', 'second', 'first']);
  await t.rejects(scope.close(), AggregateError, 'a second close gives the same result and runs nothing twice');
  t.equal(order.length, 3);
});

void t.test('a released scope undoes nothing; a closed scope undoes new steps at once', async (t) => {
  const released = new Scope();
  released.defer(() => t.fail('released steps must not run'));
  released.release();
  await released.close();

  const closed = new Scope();
  await closed.close();
  const ran = new Promise<string>((resolve) => closed.defer(() => resolve('ran')));
  t.equal(await ran, 'ran');
});
