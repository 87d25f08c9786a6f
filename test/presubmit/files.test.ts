// Names, sizes and contents of files.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { filesBelow, isTest, readSources, readText, root } from './sources';

const sources = readSources();

t.test('file names are kebab-case and name their content', async (t) => {
  const odd = sources
    .map(({ path }) => path)
    .filter((path) => !/^[a-z0-9-]+(\.test|\.fixture)?\.tsx?$/.test(path.split('/').at(-1)!));
  t.strictSame(odd, []);
  const vague = sources
    .map(({ path }) => path)
    .filter((path) => /(util|utils|helper|helpers|(?<!field-)manager|common|misc)\.tsx?$/.test(path));
  t.strictSame(vague, []);
});

t.test('sizes: large files are printed for review', async (t) => {
  for (const { path, text } of sources) {
    const lines = text.split('\n').length;
    if (lines > (isTest(path) ? 600 : 400)) t.comment(`${lines} lines: ${path}`);
  }
  t.strictSame(
    sources.filter(({ text }) => text.split('\n').length > 1200).map(({ path }) => path),
    [],
    'no file is longer than 1200 lines',
  );
});

t.test('every source file begins with its responsibility', async (t) => {
  const silent = sources
    .filter(({ path, text }) => !isTest(path) && !/^(#!.*\n)?(\/\/|\/\*)/.test(text))
    .map(({ path }) => path);
  t.strictSame(silent, []);
});

t.test('second-level folders have a README', async (t) => {
  const folders = ['controlplane', 'dataplane', 'agents'].flatMap((top) =>
    readdirSync(join(root, top), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${top}/${entry.name}`),
  );
  t.strictSame(
    folders.filter((folder) => !existsSync(join(root, folder, 'README.md'))),
    [],
  );
});

t.test('no path of a particular machine, and no unowned TODO', async (t) => {
  const machine = /\/(?:home|Users)\/[a-z]|\/work\/(?:main|shared)|\/tmp\/k8ts\b/;
  const texts = ['.ts', '.sh', '.md', '.yaml', '.json', '.mjs', '.pl'].flatMap((extension) =>
    ['agents', 'controlplane', 'dataplane', 'hack', 'test'].flatMap((folder) => filesBelow(folder, extension)),
  );
  const all = [...texts, 'README.md'].filter(
    (path) => !path.endsWith('package-lock.json') && !path.startsWith('test/presubmit/'),
  );
  t.strictSame(
    all.filter((path) => existsSync(join(root, path)) && machine.test(readText(path))),
    [],
  );
  t.strictSame(
    sources
      .filter(
        ({ path, text }) => !path.startsWith('test/presubmit/') && /\/\/.*\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(text),
      )
      .map(({ path }) => path),
    [],
  );
});

t.test('no console output, no focused test, no any', async (t) => {
  const console = sources.filter(
    ({ path, text }) => !path.startsWith('test/presubmit/') && /\bconsole\.(log|error|warn)\(/.test(text),
  );
  t.strictSame(
    console.map(({ path }) => path),
    [],
  );
  const focused = sources.filter(
    ({ path, text }) => path.endsWith('.test.ts') && !path.startsWith('test/presubmit/') && /\bt\.only\(/.test(text),
  );
  t.strictSame(
    focused.map(({ path }) => path),
    [],
  );
});

t.test('only options and process read the environment and the command line', async (t) => {
  const readers = sources
    .filter(({ path }) => !isTest(path) && !path.startsWith('hack/'))
    .filter(({ text }) => /\bprocess\.(env|argv)\b/.test(text.replace(/\/\/.*$/gm, '')))
    .map(({ path }) => path);
  const may = ['controlplane/process/process.ts', 'agents/k8ts/main.ts', 'dataplane/exec/system-exec.ts'];
  t.strictSame(
    readers.filter((path) => !may.includes(path)),
    [],
  );
});

t.test('scripts are executable and name bash', async (t) => {
  for (const script of ['up', 'down', 'status', 'logs', 'test', 'bench', 'images']) {
    const path = join(root, 'hack', script);
    t.ok(statSync(path).mode & 0o111, `hack/${script}`);
    t.match(readText(`hack/${script}`), /^#!\/usr\/bin\/env bash\n# /);
  }
});
