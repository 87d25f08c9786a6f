// When a policy is compiled, and who waits for it.
import t from 'tap';
import { runInTurns } from './in-turns';
import { PolicyCompiler } from './policy-compiler';

/** Each step takes longer than a turn. */
let time = 0;
const now = () => time;

function* stepsOf(name: string, count: number, log: string[]): Generator<undefined, string, void> {
  for (let i = 0; i < count; i++) {
    time += 11;
    log.push(`${name}${i}`);
    yield undefined;
  }
  return name;
}

t.test('short work has its result at once, long work gives other work its turn', async (t) => {
  t.equal(runInTurns(stepsOf('a', 0, []), undefined, now), 'a');
  const log: string[] = [];
  const result = runInTurns(stepsOf('b', 3, log), undefined, now);
  t.ok(result instanceof Promise);
  setImmediate(() => log.push('other'));
  t.equal(await result, 'b');
  t.ok(log.indexOf('b0') < log.indexOf('other') && log.indexOf('other') < log.indexOf('b2'), log.join());
});

t.test('each policy is compiled once; requests wait for the same work', async (t) => {
  const log: string[] = [];
  const compiler = new PolicyCompiler(
    (policy: { name: string; steps: number }) => stepsOf(policy.name, policy.steps, log),
    now,
  );
  const quick = { name: 'quick', steps: 0 };
  t.equal(compiler.prepare([quick]), undefined, 'no wait');
  t.equal(compiler.get(quick), 'quick');
  const slow = { name: 'slow', steps: 2 };
  const waiting = [compiler.prepare([quick, slow]), compiler.prepare([slow])];
  t.ok(waiting.every((one) => one instanceof Promise));
  await Promise.all(waiting);
  t.strictSame(log, ['slow0', 'slow1']);
  t.equal(compiler.prepare([slow]), undefined);
  t.equal(compiler.get(slow), 'slow');
});

t.test('a failure reaches those who wait, and the next request tries again', async (t) => {
  let fails = true;
  const compiler = new PolicyCompiler(function* (policy: { name: string }) {
    yield* stepsOf('x', 1, []);
    if (fails) throw new Error('wrong');
    return policy.name;
  }, now);
  const policy = { name: 'p' };
  await t.rejects(compiler.prepare([policy])!, { message: 'wrong' });
  fails = false;
  await compiler.prepare([policy]);
  t.equal(compiler.get(policy), 'p');
});
