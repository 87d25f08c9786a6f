// The content of a machine's package, as a list of copies: Node.js, the bundle with its schemas and the console's page, the native parts that are not
// in the bundle, and the registry. Everything else is in the bundle.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NotFound } from '../../controlplane/base/errors';

export interface Copy {
  readonly from: string;
  /** Path in the package. */
  readonly to: string;
  readonly executable?: boolean;
}
export interface Sources {
  readonly root: string;
  /** process.arch: x64, arm64 */
  readonly arch: string;
  readonly node: string;
  readonly dockerRegistry: string;
  /** Path on this machine. */
  readonly libatomic: string;
}

/** The files a package needs at run time, as path patterns; C sources and type declarations are left out. */
const nativePackages = (arch: string): Readonly<Record<string, RegExp>> => ({
  netlink: new RegExp(`^(package\\.json|LICENSE|dist/.*\\.js|prebuilds/linux-${arch}/.*)$`),
  // netlink finds its prebuilt part with this package.
  'node-gyp-build': /^(package\.json|LICENSE|[^/]+\.js)$/,
  koffi: /^(package\.json|LICENSE\.txt|in[^/]+\.c?js|src\/koffi\/[^/]+\.c?js|src\/koffi\/src\/[^/]+\.c?js)$/,
  [`@koromix/koffi-linux-${arch}`]: new RegExp(`^(package\\.json|index\\.js|linux_${arch}/.*)$`),
});

/** @throws NotFound naming what has not been built or fetched */
export function packageContents({ root, arch, node, dockerRegistry, libatomic }: Sources): readonly Copy[] {
  const modules = Object.entries(nativePackages(arch)).flatMap(([name, wanted]) => {
    const dir = join(root, 'node_modules', name);
    const files = filesOf(dir).filter((path) => wanted.test(path));
    if (!files.some((path) => path === 'package.json')) throw new NotFound(`npm package ${name} is not installed`);
    return files.map((path) => ({ from: join(dir, path), to: `node_modules/${name}/${path}` }));
  });
  const bundle = ['k8ts.js', 'yaml-worker.js', 'grpc.js', 'demo.js', 'schemas.json', 'schema-docs.json'].map(
    (name) => ({
      from: join(root, 'dist', name),
      to: name,
    }),
  );
  const page = filesOf(join(root, 'dist/console')).map((path) => ({
    from: join(root, 'dist/console', path),
    to: `console/${path}`,
  }));
  if (page.length === 0)
    throw new NotFound(`${join(root, 'dist/console')} is missing; the package needs it as console`);
  const copies = [
    { from: node, to: 'bin/node', executable: true },
    { from: dockerRegistry, to: 'bin/docker-registry', executable: true },
    // Of the libraries that Node.js needs, a small Debian lacks only this one.
    { from: libatomic, to: 'lib/libatomic.so.1' },
    ...bundle,
    ...page,
    ...modules,
  ];
  const missing = copies.find(({ from }) => !existsSync(from));
  if (missing) throw new NotFound(`${missing.from} is missing; the package needs it as ${missing.to}`);
  return copies;
}

function filesOf(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? filesOf(join(dir, entry.name)).map((path) => `${entry.name}/${path}`)
      : entry.isFile()
        ? [entry.name]
        : [],
  );
}
