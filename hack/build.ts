// Bundles the programs: dist/k8ts.js, the one command of every process; dist/yaml-worker.js, a thread of the server; dist/grpc.js, for the
// plug-ins of a kubelet and for etcd; dist/dev.js, the program of hack/up, down, status, console, store, path, rules and logs; dist/demo.js for machines
// without kubectl; dist/console, the page of the console; and the schemas of the API.
// Bundles start in a quarter of the time and hold less memory than the sources would.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { buildConsole } from './build-console';

const root = join(__dirname, '..');
const outdir = join(root, 'dist');
const grpcLibrary = join(root, 'controlplane/grpc/library');

/** Packages with parts in C or parts chosen at run time: loaded from node_modules when needed. */
const external = ['koffi', 'netlink'];

/** dockerode needs gRPC and protobuf only for BuildKit; k8ts builds no images through it, so the bundle leaves them out. */
const withoutBuildKit: Plugin = {
  name: 'without-buildkit',
  setup(build) {
    build.onLoad({ filter: /dockerode\/lib\/(session|buildkit)\.js$/ }, () => ({
      contents: "module.exports = () => { throw new Error('k8ts is bundled without BuildKit'); };",
    }));
  },
};

/** dockerode can reach an engine through ssh; a node's engine is on its own machine, and an installed node has no such package. */
const withoutSsh: Plugin = {
  name: 'without-ssh',
  setup(build) {
    build.onResolve({ filter: /^ssh2$/ }, ({ path }) => ({ path, namespace: 'without-ssh' }));
    build.onLoad({ filter: /.*/, namespace: 'without-ssh' }, () => ({
      contents: "exports.Client = class { constructor() { throw new Error('k8ts is bundled without ssh'); } };",
    }));
  },
};

/** The gRPC library is a file of its own: a kubelet loads it with its first plug-in, a server when its store is etcd. */
const grpcApart: Plugin = {
  name: 'grpc-apart',
  setup(build) {
    build.onResolve({ filter: /\/library$/ }, ({ path, importer, kind }) =>
      kind !== 'entry-point' && resolve(dirname(importer), path) === grpcLibrary
        ? { path: './grpc.js', external: true }
        : undefined,
    );
  },
};

/**
 * esbuild escapes characters outside ASCII, except in comments. One such character makes V8 keep the complete
 * text with two bytes a character in every process.
 */
const oneByte = (text: string): string => text.replace(/\P{ASCII}/gu, '.');

/** In place of the old file at once: a kubelet of a running cluster starts programs of the bundle at any time. */
function replaceFile(path: string, content: string | Uint8Array): void {
  const fresh = `${path}.${process.pid}.new`;
  writeFileSync(fresh, content);
  renameSync(fresh, path);
}

async function main(): Promise<void> {
  mkdirSync(outdir, { recursive: true });
  const { writeSchemas } = await import('./update/schemas');
  const [{ outputFiles }] = await Promise.all([
    build({
      absWorkingDir: root,
      entryPoints: {
        k8ts: 'agents/k8ts/main.ts',
        'yaml-worker': 'controlplane/apiserver/yaml/worker.ts',
        grpc: 'controlplane/grpc/library.ts',
        dev: 'hack/dev/main.ts',
        supervisor: 'hack/dev/supervisor/main.ts',
        demo: 'hack/vm/demo.ts',
      },
      outdir,
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node26',
      format: 'cjs',
      external,
      sourcemap: 'linked',
      sourcesContent: false,
      legalComments: 'none',
      plugins: [withoutBuildKit, withoutSsh, grpcApart],
      logLevel: 'warning',
    }),
    writeSchemas(outdir),
    buildConsole(root, join(outdir, 'console')),
  ]);
  for (const { path, text, contents } of outputFiles)
    replaceFile(path, path.endsWith('.js') ? oneByte(text) : contents);
}

void main().catch((err) => {
  process.stderr.write(`${err instanceof Error ? (err.stack ?? err.message) : err}\n`);
  process.exit(1);
});
