// Only one folder imports each of these outside packages, and package.json names every imported package.
import { builtinModules } from 'node:module';
import t from 'tap';
import { isTest, readSources, readText } from './sources';

/** Package → the only folders that may import it. */
const owners: Readonly<Record<string, readonly string[]>> = {
  // A benchmark's load generator is a process of its own with a channel to it, which the Exec port does not have.
  'node:child_process': ['dataplane/exec', 'hack/benchmarks'],
  netlink: ['dataplane/link'],
  koffi: ['dataplane/libc'],
  dockerode: ['agents/kubelet/runtime'],
  '@grpc/grpc-js': ['controlplane/grpc'],
  protobufjs: ['controlplane/grpc'],
  dns2: ['dataplane/dns'],
  'http-proxy': ['dataplane/ingress'],
  undici: ['dataplane/ingress'],
  '@marcbachmann/cel-js': ['controlplane/cel'],
  re2js: ['controlplane/cel'],
  'node:sqlite': ['controlplane/store/sqlite'],
  '@peculiar/x509': ['controlplane/pki'],
  'reflect-metadata': ['controlplane/pki'],
  preact: ['controlplane/console/web'],
  '@dagrejs/dagre': ['controlplane/console/web/topology'],
  '@xterm/xterm': ['controlplane/console/web'],
  '@xterm/addon-fit': ['controlplane/console/web/lazy'],
  '@codemirror/commands': ['controlplane/console/web/lazy'],
  '@codemirror/lang-yaml': ['controlplane/console/web/lazy'],
  '@codemirror/language': ['controlplane/console/web/lazy'],
  '@codemirror/search': ['controlplane/console/web/lazy'],
  '@codemirror/state': ['controlplane/console/web/lazy'],
  '@codemirror/view': ['controlplane/console/web/lazy'],
  '@lezer/highlight': ['controlplane/console/web/lazy'],
  'playwright-core': ['test'],
  'axe-core': ['test'],
  esbuild: ['hack'],
  tap: ['test', 'hack/testing'],
};

const sources = readSources();

t.test('only the owner of a package imports it', async (t) => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ pkg }) => pkg !== undefined && owners[pkg] && !(pkg === 'tap' && isTest(path)))
      .filter(({ pkg }) => !owners[pkg!]!.some((folder) => path.startsWith(`${folder}/`)))
      // Tests may use a library directly to simulate the other side.
      .filter(({ pkg }) => !(isTest(path) && pkg !== 'node:child_process'))
      .map(({ pkg }) => `${path} imports ${pkg}`),
  );
  t.strictSame(wrong, []);
});

t.test('each outside package is declared with an exact version, and each declared one is used', async (t) => {
  const { dependencies, devDependencies } = JSON.parse(readText('package.json'));
  const declared: Record<string, string> = { ...dependencies, ...devDependencies };
  const builtins = new Set(builtinModules);
  const used = new Set(
    sources.flatMap(({ imports }) => imports.map(({ pkg }) => pkg)).filter((pkg) => pkg !== undefined),
  );
  const undeclared = [...used].filter((pkg) => !pkg.startsWith('node:') && !declared[pkg]);
  t.strictSame(undeclared, []);
  t.strictSame(
    [...used].filter((pkg) => builtins.has(pkg) && !pkg.startsWith('node:')),
    [],
    'built-in modules are imported with node:',
  );
  // A flag, a configuration file or a generator loads these packages, not an import.
  const byTools = ['typescript', 'ts-node', '@biomejs/biome', '@kubernetes/client-node'];
  const unused = Object.keys(declared).filter(
    (pkg) => !pkg.startsWith('@types/') && !used.has(pkg) && !byTools.includes(pkg),
  );
  t.strictSame(unused, []);
  const loose = Object.entries(declared).filter(([, version]) => !/^(npm:[\w@/-]+@)?\d+\.\d+\.\d+$/.test(version));
  t.strictSame(loose, []);
});

t.test('lockfiles hold checksums and no addresses', async (t) => {
  for (const path of ['package-lock.json', 'hack/runtime/package-lock.json']) {
    const { packages } = JSON.parse(readText(path)) as {
      packages: Record<string, { integrity?: string; resolved?: string; link?: boolean; inBundle?: boolean }>;
    };
    const entries = Object.entries(packages).filter(([name]) => name !== '');
    t.strictSame(
      entries.filter(([, { resolved }]) => resolved !== undefined),
      [],
      path,
    );
    t.strictSame(
      entries.filter(([, { integrity, inBundle }]) => !integrity && !inBundle).map(([name]) => name),
      [],
      path,
    );
  }
});
