import t from 'tap';
import { failureLog } from './failure-log';

void t.test('ten lines a second, and the number of further failures', async (t) => {
  let now = 5_000;
  const lines: string[] = [];
  const report = failureLog(
    { warn: (message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`) },
    () => now,
  );
  const failure = { status: 502, reason: 'public', detail: 'inside', requestId: 'r' };
  for (let i = 0; i < 25; i++) report(failure);
  t.equal(lines.length, 10);
  t.equal(lines[0], 'request failed {"status":502,"detail":"inside","requestId":"r"}');
  now = 6_000;
  report(failure);
  t.same(
    lines.slice(10).map((line) => line.split(' {')[0]),
    ['more requests failed', 'request failed'],
  );
  t.match(lines[10], '"count":15');
});
