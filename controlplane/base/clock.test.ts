import t from 'tap';
import { systemClock } from './clock';

t.test('a moment that is over comes at once, without a warning of Node.js', async (t) => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => warnings.push(name);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  await systemClock.sleep(-5_000);
  await new Promise<void>((resolve) => {
    systemClock.after(-1, resolve);
  });
  // Warnings come in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  t.same(warnings, []);
});
