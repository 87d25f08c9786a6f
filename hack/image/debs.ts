// Files of Debian packages without installing them: apt fetches packages with all their dependencies, and they are unpacked
// into one directory, from which programs can be copied.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../../dataplane/exec/exec';

/** A root directory holding `packages` and their dependencies. Created once; `dir` is complete when it exists. */
export async function unpackPackages(exec: Exec, dir: string, packages: readonly string[]): Promise<string> {
  if (existsSync(dir)) return dir;
  const work = `${dir}.tmp`;
  rmSync(work, { recursive: true, force: true });
  const root = join(work, 'root');
  const archives = join(work, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  const status = join(work, 'status');
  writeFileSync(status, '');
  // An empty status file makes apt believe that nothing is installed, so that it fetches libraries as well.
  const fetch = [
    'apt-get',
    '-q',
    '-y',
    '--no-install-recommends',
    '--download-only',
    '-o',
    `Dir::State::status=${status}`,
    '-o',
    `Dir::Cache::archives=${archives}`,
    '-o',
    'Debug::NoLocking=true',
    '-o',
    'APT::Sandbox::User=root',
    'install',
    ...packages,
  ];
  try {
    await exec.run(fetch, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  } catch (err) {
    if (!(err instanceof CommandFailed)) throw err;
    await exec.run(['apt-get', '-q', 'update']);
    await exec.run(fetch, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  }
  mkdirSync(root);
  // Debian before 13 still ships files under /bin and /lib; these links put them under /usr.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const archive of readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .sort()) {
    const tar = join(work, 'data.tar');
    await exec.run(['sh', '-c', 'dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', join(archives, archive), tar]);
    await exec.run(['tar', '-xf', tar, '--keep-directory-symlink', '-C', root]);
    rmSync(tar);
  }
  rmSync(archives, { recursive: true });
  renameSync(root, dir);
  rmSync(work, { recursive: true });
  return dir;
}

/** Absolute paths inside `root` of the shared libraries that `program` loads, the loader among them. */
export async function librariesOf(exec: Exec, root: string, program: string): Promise<readonly string[]> {
  const loader = readdirSync(join(root, 'usr/lib64'))
    .concat(readdirSync(join(root, 'usr/lib')))
    .find((file) => /^ld-linux.*\.so\.\d+$/.test(file));
  if (!loader) throw new AppError('Internal', `no dynamic loader in ${root}`);
  const loaderPath = existsSync(join(root, 'lib64', loader)) ? `/lib64/${loader}` : `/lib/${loader}`;
  const { stdout } = await exec.run(['chroot', root, loaderPath, '--list', program]);
  const libraries = stdout
    .split('\n')
    .map((line) => /(?:=>\s*)?(\/\S+) \(0x/.exec(line)?.[1])
    .filter((path) => path !== undefined);
  return [...new Set([loaderPath, ...libraries])].sort();
}
