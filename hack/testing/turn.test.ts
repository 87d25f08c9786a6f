import t from 'tap';
import { startProgram } from '../../dataplane/exec/system-exec';
import { takeTurn } from './turn';

t.test('the second run in a folder waits for the first, and learns its process id', async (t) => {
  const folder = t.testdir();
  const order: string[] = [];
  const endFirst = await takeTurn(folder, () => t.fail('the first run has nothing to wait for'));
  let second: Promise<void> | undefined;
  const pid = await new Promise<number>((resolve) => {
    second = takeTurn(folder, resolve).then(async (end) => {
      order.push('second has the turn');
      await end();
    });
  });
  t.equal(pid, process.pid);
  order.push('first ends');
  await endFirst();
  await second;
  t.strictSame(order, ['first ends', 'second has the turn']);
});

t.test('runs in two folders do not wait for each other', async (t) => {
  const folders = t.testdir({ a: {}, b: {} });
  const refuse = () => t.fail('another folder has its own turn');
  const ends = [await takeTurn(`${folders}/a`, refuse), await takeTurn(`${folders}/b`, refuse)];
  for (const end of ends) await end();
});

t.test('the turn of a process that is killed ends', async (t) => {
  const folder = t.testdir();
  const program = `require(${JSON.stringify(`${__dirname}/turn.ts`)}).takeTurn(${JSON.stringify(folder)}, () => {}).then(() => {
    process.stdout.write('mine');
    setInterval(() => {}, 1000);
  });`;
  let hasTurn = () => {};
  const started = new Promise<void>((resolve) => (hasTurn = resolve));
  const argv = [process.execPath, '-r', 'ts-node/register', '-e', program];
  const other = await startProgram(argv, { onOutput: () => hasTurn() });
  t.teardown(() => other.kill('SIGKILL'));
  await started;
  const end = await takeTurn(folder, (pid) => {
    t.equal(pid, other.pid);
    other.kill('SIGKILL');
  });
  await end();
});
