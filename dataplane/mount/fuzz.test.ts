// Random trees of folders, files and links: what openBeneath opens is what the kernel resolves the path to, and is below the root.
import { mkdir, mkdtemp, readdir, readlink, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { fc, fuzz } from '../../test/lib/fuzz';
import { openBeneath, pathOfHeld } from './beneath';

const name = fc.constantFrom('a', 'b', 'c');
/** Without a slash or dot at the end: the kernel refuses a file with one, openBeneath ignores it, as upstream does. */
const joined = (parts: readonly string[]): string => parts.join('/').replace(/(\/\.?)+$/, '');
const below = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const target = fc.oneof(
  fc.array(fc.constantFrom('a', 'b', 'c', '..', '.', ''), { minLength: 1, maxLength: 5 }).map(joined),
  fc.constantFrom(
    '../host',
    '../../host',
    'ROOT/a',
    'ROOT/b/../a',
    'ROOT',
    'ROOT-other',
    'HOST',
    'HOST/a',
    '/',
    '/proc/self/root',
  ),
);
const entry = fc.oneof(
  fc.record({ kind: fc.constant('folder' as const), path: below }),
  fc.record({ kind: fc.constant('file' as const), path: below }),
  fc.record({ kind: fc.constant('link' as const), path: below, target }),
);
const cases = fc.record({
  entries: fc.array(entry, { maxLength: 8 }),
  path: fc.array(fc.constantFrom('a', 'b', 'c', '..', '.', ''), { maxLength: 5 }).map(joined),
  createMode: fc.constantFrom(undefined, 0o700, 0o777),
});

type Case = typeof cases extends fc.Arbitrary<infer C> ? C : never;

t.test('random trees', async (t) => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'k8ts-beneath-')));
  t.teardown(() => rm(dir, { recursive: true }));
  const [root, host] = [join(dir, 'volume'), join(dir, 'host')];
  const counts = { opened: 0, created: 0, refused: 0 };
  const outside = async () => {
    const names = (await readdir(host, { recursive: true })).sort();
    return Promise.all(['.', ...names].map(async (each) => [each, (await stat(join(host, each))).mode]));
  };
  // At the end of the time limit the last case may still be running.
  let last = Promise.resolve();
  await fuzz(t, 'openBeneath', cases, (input) => {
    last = check(input);
    return last;
  });
  await last.catch(() => {});
  t.ok(counts.opened > 0 && counts.created > 0 && counts.refused > 0, JSON.stringify(counts));

  async function check({ entries, path, createMode }: Case): Promise<void> {
    await mkdir(join(host, 'a'), { recursive: true });
    await mkdir(root);
    try {
      for (const each of entries) await create(each);
      const before = JSON.stringify(await outside());
      const isThere = await realpath(`${root}/${path}`).then(
        () => true,
        () => false,
      );
      const found = await openBeneath(root, path, createMode === undefined ? {} : { createMode }).catch(
        () => undefined,
      );
      if (JSON.stringify(await outside()) !== before) throw new Error('something outside has changed');
      if (!found) {
        counts.refused++;
        return;
      }
      const opened = await readlink(pathOfHeld(found)).finally(() => found.close());
      counts[isThere ? 'opened' : 'created']++;
      if (opened !== root && !opened.startsWith(`${root}/`)) throw new Error(`${opened} is outside`);
      const expected = await realpath(`${root}/${path}`);
      if (opened !== expected) throw new Error(`opened ${opened}, not ${expected}`);
    } finally {
      await rm(root, { recursive: true });
    }
  }

  async function create(each: Case['entries'][number]) {
    const full = join(root, each.path);
    // When the parent is a file or leads out, the entry is not created.
    const parent = dirname(full);
    await mkdir(parent, { recursive: true }).catch(() => {});
    const real = await realpath(parent).catch(() => '');
    if (real !== root && !real.startsWith(`${root}/`)) return;
    const failed = () => {};
    if (each.kind === 'folder') await mkdir(full).catch(failed);
    else if (each.kind === 'file') await writeFile(full, '', { flag: 'wx' }).catch(failed);
    else await symlink(each.target.replace('ROOT', root).replace('HOST', host) || '.', full).catch(failed);
  }
});
