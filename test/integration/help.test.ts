// --help of every script changes nothing, neither in a new checkout without any set-up nor in this checkout.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';

const root = join(__dirname, '..', '..');
const scripts = readdirSync(join(root, 'hack'))
  .filter((file) => statSync(join(root, 'hack', file)).isFile() && !file.includes('.'))
  .sort();

const treeOf = (dir: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[])
    .map((path) => `${path} ${statSync(join(dir, path)).mtimeMs}`)
    .sort();

t.test('--help', { timeout: 300_000 }, async (t) => {
  t.ok(scripts.length >= 8, scripts.join(' '));
  const dir = mkdtempSync(join(tmpdir(), 'k8ts-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const bare = join(dir, 'checkout');
  mkdirSync(join(bare, 'hack/lib'), { recursive: true });
  cpSync(join(root, 'hack/lib/setup.sh'), join(bare, 'hack/lib/setup.sh'));
  for (const script of scripts) cpSync(join(root, 'hack', script), join(bare, 'hack', script));
  // Programs that would fetch or install something report that they were called.
  const programs = join(dir, 'bin');
  mkdirSync(programs);
  for (const name of ['apt-get', 'npm', 'node', 'dpkg']) {
    writeFileSync(join(programs, name), `#!/bin/sh\necho called > ${dir}/${name}-was-called\n`);
    chmodSync(join(programs, name), 0o755);
  }
  const exec = new SystemExec();
  const before = treeOf(dir);
  const env = { PATH: `${programs}:/usr/bin:/bin` };
  for (const script of scripts) {
    for (const word of ['--help', '-h']) {
      const { stdout } = await exec.run([join(bare, 'hack', script), word], { env, timeoutMs: 60_000 });
      t.match(stdout, new RegExp(`usage: hack/${script}`), `${script} ${word}`);
      t.strictSame(treeOf(dir), before, `${script} ${word} in a bare checkout`);
    }
    const { stdout } = await exec.run([join(root, 'hack', script), '--help'], { env, timeoutMs: 60_000 });
    t.match(stdout, new RegExp(`usage: hack/${script}`), script);
    t.strictSame(treeOf(dir), before, `${script} in this checkout`);
  }
});
