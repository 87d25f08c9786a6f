// Runs TypeScript in test processes: `node --import=./hack/lib/ts-node.mjs FILE`. tap loads it into every test process (.taprc).
// ts-node compiles each file once. The loader keeps the result under .k8ts/compiled with the hash of its inputs, and V8's code cache
// next to it. So a test process starts in 0.2 s; compiling all its files again would take up to 4 s.
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import Module, { createRequire, enableCompileCache, registerHooks } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..', '..');
const require = createRequire(import.meta.url);
const folder = join(root, '.k8ts', 'compiled');
/** In a read-only checkout of another user, every process compiles all its files. */
const isWritable = canWrite();
if (isWritable) enableCompileCache(join(folder, 'v8'));

/** The inputs of the compiler other than the source. */
const versions = [
  readFileSync(join(root, 'tsconfig.json'), 'utf8'),
  readFileSync(require.resolve('typescript/package.json'), 'utf8'),
].join();

let service;

function compiled(path) {
  const source = readFileSync(path, 'utf8');
  const head = `// ${createHash('sha256').update(versions).update(source).digest('hex')}\n`;
  const file = join(folder, `${relative(root, path)}.js`);
  const kept = readIfThere(file);
  if (kept?.startsWith(head)) return kept.slice(head.length);
  // Loaded late: TypeScript alone takes 0.2 s.
  service ??= require('ts-node').create();
  const text = service.compile(source, path);
  if (isWritable) {
    mkdirSync(dirname(file), { recursive: true });
    // A rename is atomic: other test processes may read the file at the same time.
    writeFileSync(`${file}.${process.pid}`, head + text);
    renameSync(`${file}.${process.pid}`, file);
  }
  return text;
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    if (err.code === 'ENOENT') return undefined;
    throw err;
  }
}

function canWrite() {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch (err) {
    if (err.code === 'EACCES' || err.code === 'EROFS') return false;
    throw err;
  }
}

// For files loaded by require(): Node's own type stripping would refuse parameter properties, so it never gets the source.
Module._extensions['.ts'] = (module, path) => module._compile(compiled(path), path);
registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith('.ts') || !url.startsWith('file:')) return nextLoad(url, context);
    const isRequired = context.conditions?.includes('require');
    const source = isRequired ? '' : compiled(fileURLToPath(url));
    return { format: 'commonjs', source, shortCircuit: true };
  },
});
// Stack traces name lines of the TypeScript source.
process.setSourceMapsEnabled(true);
// Writes outdated schemas first, since tests read them.
await require('../update/fresh-schemas.ts').refreshSchemas();
