// Builds the page of the console into dist/console: its assets with hashed names, minified and split, so that the terminal and the editor
// are fetched when they are opened; each file also in gzip and brotli, because the server compresses nothing itself.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

const source = 'controlplane/console/web';
/** Smaller files gain nothing from compression. */
const minBytes = 512;

export async function buildConsole(root: string, target: string): Promise<void> {
  // Built next to the old page, so that a server never sees a part of it.
  const fresh = `${target}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: `${source}/main.tsx` },
    outdir: join(fresh, 'assets'),
    tsconfig: join(root, source, 'tsconfig.json'),
    bundle: true,
    platform: 'browser',
    target: ['chrome120', 'firefox120', 'safari17'],
    format: 'esm',
    splitting: true,
    minify: true,
    charset: 'utf8',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(fresh, 'index.html'), startPage(readFileSync(join(root, source, 'index.html'), 'utf8'), metafile));
  for (const dir of [fresh, join(fresh, 'assets')]) for (const name of readdirSync(dir)) compress(join(dir, name));
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
}

/** The start page with the names of its script and its style sheet. @throws Error when the build made none */
function startPage(template: string, { outputs }: Metafile): string {
  const entry = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint?.endsWith('/main.tsx'));
  if (!entry?.[1].cssBundle) throw new Error('the build of the console has no script or no style sheet');
  return template
    .replace('{{script}}', `assets/${basename(entry[0])}`)
    .replace('{{style}}', `assets/${basename(entry[1].cssBundle)}`);
}

function compress(path: string): void {
  if (!statSync(path).isFile() || statSync(path).size < minBytes) return;
  const bytes = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  );
}
