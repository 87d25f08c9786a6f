import t from 'tap';
import { GroupCommit } from './group-commit';

/** Records groups and answers; syncs end when the test says so. */
function setUp() {
  const log: string[] = [];
  let endSync: (error?: Error) => void = () => {};
  let started: () => void = () => {};
  let failNext = false;
  const nextSync = () =>
    new Promise<void>((resolve) => {
      started = resolve;
    });
  const commits = new GroupCommit<string>({
    commit: (operations) => {
      if (failNext) {
        failNext = false;
        throw new Error('disk full');
      }
      log.push(`commit ${operations.join(',')}`);
      return operations.map((operation) => () => log.push(`answer ${operation}`));
    },
    sync: () =>
      new Promise<void>((resolve, reject) => {
        endSync = (error) => (error ? reject(error) : resolve());
        started();
      }),
    onDurable: () => log.push('durable'),
    onFailure: (operations, error, committed) =>
      log.push(`failed ${operations} ${(error as Error).message} ${committed}`),
  });
  return { log, commits, nextSync, endSync: (error?: Error) => endSync(error), failNext: () => (failNext = true) };
}

t.test('operations of one turn, and those that arrive during a sync, form groups', async (t) => {
  const { log, commits, nextSync, endSync } = setUp();
  let sync = nextSync();
  commits.add('a');
  commits.add('b');
  await sync;
  t.same(log, ['commit a,b'], 'no operation is answered before the sync');
  sync = nextSync();
  commits.add('c');
  commits.add('d');
  endSync();
  await sync;
  t.same(log, ['commit a,b', 'durable', 'answer a', 'answer b', 'commit c,d']);
  endSync();
  await commits.idle();
  t.same(log.slice(5), ['durable', 'answer c', 'answer d']);
});

t.test('a failed commit or sync fails its group; the next group continues', async (t) => {
  const { log, commits, nextSync, endSync, failNext } = setUp();
  failNext();
  commits.add('a');
  await commits.idle();
  t.same(log, ['failed a disk full false']);
  const sync = nextSync();
  commits.add('b');
  await sync;
  endSync(new Error('input/output error'));
  await commits.idle();
  t.same(log.slice(1), ['commit b', 'failed b input/output error true']);
});
