import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { silentLogger } from '../../base/logger';
import { SlowCalls } from './slow-calls';

t.test('one line when etcd becomes slow, one when it is fast again', async (t) => {
  const lines: string[] = [];
  const write = (text: string, fields?: Readonly<Record<string, unknown>>) =>
    void lines.push(`${text} ${JSON.stringify(fields)}`);
  const clock = new FakeClock();
  const calls = new SlowCalls(clock, { ...silentLogger, warn: write, info: write });
  calls.note('Range', 3);
  calls.note('Txn', 1_200.4);
  calls.note('Txn', 2_500);
  calls.note('Range', 3);
  clock.advance(30_001);
  calls.note('Range', 999);
  calls.note('Range', 3);
  calls.note('Txn', 1_000);
  t.same(lines, [
    'etcd answers slowly {"call":"Txn","ms":1200}',
    'etcd answers in time again {"slowCalls":2,"longestMs":2500}',
    'etcd answers slowly {"call":"Txn","ms":1000}',
  ]);
});
