import t from 'tap';
import { addCounts, countsOf, failuresOf, judgeRun, noCounts, renderCounts } from './counts';

t.test('reads the outermost summary of a run', async (t) => {
  const tap = [
    'TAP version 14',
    '# Subtest: a.test.ts',
    '    # { total: 2, pass: 2 }',
    'ok 1 - a.test.ts',
    '# { total: 9, pass: 5, fail: 1, skip: 2, todo: 1 }',
    '# time=12ms',
    '',
  ].join('\n');
  t.strictSame(countsOf(tap), { passed: 5, failed: 1, skipped: 3 });
  t.strictSame(countsOf('TAP version 14\n'), noCounts);
  t.equal(renderCounts(addCounts(countsOf(tap), countsOf(tap))), '10 passed, 2 failed, 6 skipped');
});

t.test('a run fails by a failed assertion, by its exit code, or because no test ran', async (t) => {
  const summary = (text: string) => `TAP version 14\n# { ${text} }\n`;
  t.strictSame(judgeRun(summary('total: 2, pass: 2'), 0), { counts: { passed: 2, failed: 0, skipped: 0 } });
  t.strictSame(judgeRun(summary('total: 2, pass: 1, fail: 1'), 1), { counts: { passed: 1, failed: 1, skipped: 0 } });
  t.strictSame(judgeRun(summary('total: 2, pass: 2'), 7), {
    counts: { passed: 2, failed: 1, skipped: 0 },
    problem: 'tap ended with code 7',
  });
  const ranNone = judgeRun('', 0);
  t.strictSame(ranNone.counts, { passed: 0, failed: 1, skipped: 0 });
  t.equal(ranNone.problem, 'no test ran: tap left no results');
  t.match(judgeRun(summary('total: 3, skip: 3'), 0), { counts: { failed: 1, skipped: 3 }, problem: /--grep/ });
});

t.test('shows each failed assertion once, with the tests around it', async (t) => {
  const tap = `TAP version 14
# Subtest: a/b.test.ts
    # Subtest: adds
        not ok 1 - one
        not ok 2 - two
          ---
          compare: ===
          diff: |
            -3
            +2
          ...
        1..2
    not ok 1 - adds # time=2ms
      ---
      at:
        lineNumber: 3
      ...
    not ok 2 - later # todo
    1..2
not ok 1 - a/b.test.ts # time=12ms
  ---
  exitCode: 1
  ...
# Subtest: crash.test.ts
    1..0 # no tests found
not ok 2 - crash.test.ts # time=1ms
  ---
  signal: SIGKILL
  ...
`;
  const failures = failuresOf(tap);
  t.equal(failures[0], 'FAIL a/b.test.ts > adds > one');
  t.match(failures[1], /^FAIL a\/b\.test\.ts > adds > two\n {4} {2}compare: ===\n/);
  t.notOk(failures.some((text) => text.startsWith('FAIL a/b.test.ts > adds #')));
  t.notOk(failures.some((text) => text.includes('later')));
  t.ok(failures.some((text) => text.startsWith('FAIL crash.test.ts')));
});
