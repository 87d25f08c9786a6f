import t from 'tap';
import { CommandFailed, hasCode, isNotFound } from '../../controlplane/base/errors';
import { maxOutputBytes, SystemExec, startProgram } from './system-exec';

const exec = new SystemExec();

t.test('returns both outputs and passes input, environment and directory', async (t) => {
  const result = await exec.run(['sh', '-c', 'cat; echo "$WORD" >&2; pwd'], {
    input: 'in\n',
    env: { WORD: 'w o r d' },
    cwd: '/',
  });
  t.equal(result.stdout, 'in\n/\n');
  t.equal(result.stderr, 'w o r d\n');
});

t.test('arguments are never read by a shell', async (t) => {
  t.equal((await exec.run(['printf', '%s', '$(id); `id` && x'])).stdout, '$(id); `id` && x');
});

t.test('a non-zero exit keeps argv, status and stderr', async (t) => {
  const err = await exec.run(['sh', '-c', 'echo no >&2; exit 3']).catch((e: unknown) => e);
  t.ok(err instanceof CommandFailed);
  t.match(err, { exitCode: 3, stderr: 'no\n' });
});

t.test('a missing program is NotFound', async (t) => {
  t.ok(isNotFound(await exec.run(['/no/such/program']).catch((e: unknown) => e)));
  t.ok(isNotFound(await startProgram(['/no/such/program']).catch((e: unknown) => e)));
});

t.test('a missing directory is not reported as a missing program', async (t) => {
  await t.rejects(exec.run(['true'], { cwd: '/no/such/dir' }), { message: 'directory not found: /no/such/dir' });
});

t.test('timeout and abort kill the program', async (t) => {
  const late = await exec.run(['sleep', '60'], { timeoutMs: 10 }).catch((e: unknown) => e);
  t.ok(hasCode(late, 'Timeout'));
  const started = performance.now();
  await t.rejects(exec.run(['sh', '-c', 'sleep 20 & wait'], { timeoutMs: 10 }), { code: 'Timeout' });
  t.ok(performance.now() - started < 20_000, 'a child that keeps the outputs open is not waited for');
  const abort = new AbortController();
  const running = exec.run(['sleep', '60'], { signal: abort.signal }).catch((e: unknown) => e);
  const reason = new Error('enough');
  abort.abort(reason);
  t.equal(await running, reason);
  t.equal(
    await exec.run(['true'], { signal: abort.signal }).catch((e: unknown) => e),
    reason,
    'aborted before the start',
  );
});

t.test('a program that does not read its input is not an error', async (t) => {
  t.same(await exec.run(['true'], { input: Buffer.alloc(1 << 20) }), { stdout: '', stderr: '' });
});

t.test('output is bounded', async (t) => {
  const err = await exec.run(['head', '-c', String(maxOutputBytes + 1), '/dev/zero']).catch((e: unknown) => e);
  t.match(err, { message: /wrote more than/ });
});

t.test('a started program reports its exit', async (t) => {
  const daemon = await startProgram(['sleep', '60']);
  t.ok(daemon.pid > 1);
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited, null);
  t.equal(await (await startProgram(['sh', '-c', 'exit 4'])).exited, 4);
  let output = '';
  const talking = await startProgram(['sh', '-c', 'echo out; echo err >&2'], {
    onOutput: (chunk) => {
      output += chunk;
    },
  });
  await talking.exited;
  t.match(output, /out\n/);
  t.match(output, /err\n/);
});
