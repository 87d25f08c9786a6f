// The images of the local cluster: the content of each and how it runs. All are built from packages of this machine's Debian or
// Ubuntu, so that no registry of the Internet is needed.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Exec } from '../../dataplane/exec/exec';
import { librariesOf } from './debs';
import type { ImageConfig } from './image';
import type { LayerEntry } from './layer';

export interface ImageDefinition {
  readonly repository: string;
  readonly tag: string;
  readonly config: ImageConfig;
  readonly entries: (source: Source) => Promise<readonly LayerEntry[]>;
}
export interface Source {
  readonly exec: Exec;
  /** Directory with unpacked packages. */
  readonly root: string;
  /** Another directory, with busybox-static, which apt does not install next to busybox. */
  readonly staticRoot: string;
  /** Directory with our own files for the images. */
  readonly files: string;
}

export const staticPackages = ['busybox-static'] as const;
export const packages = [
  'bash',
  'busybox',
  'perl-base',
  'bind9-dnsutils',
  'curl',
  'netcat-openbsd',
  'iproute2',
  'iputils-ping',
  'tcpdump',
] as const;

/**
 * Programs of the toolbox that are Debian's own; all other commands in it are busybox. bash is its shell, because the shell of
 * busybox would run its own nslookup and ip, and ignore PATH.
 */
const toolboxPrograms = ['bash', 'dig', 'nslookup', 'host', 'curl', 'nc.openbsd', 'ip', 'ss', 'ping', 'tcpdump'];

export const pauseImage = 'k8ts/pause:3.10';

export const catalog: readonly ImageDefinition[] = [
  {
    repository: 'k8ts/pause',
    tag: '3.10',
    // Process 1 of a namespace gets only signals that it handles, and SIGKILL.
    config: { entrypoint: ['/bin/sleep', 'infinity'], user: '65535:65535', stopSignal: 'SIGKILL' },
    entries: async ({ staticRoot }) => [file(staticRoot, 'bin/busybox'), link('bin/sleep', 'busybox')],
  },
  {
    repository: 'library/busybox',
    tag: '1.35',
    config: { command: ['sh'] },
    entries: async (source) => [...(await busybox(source)), ...accounts()],
  },
  {
    repository: 'k8ts/toolbox',
    tag: '1.0',
    config: {
      command: ['sh', '-c', "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait $!; done"],
      env: ['PS1=\\h:\\w# '],
    },
    entries: toolbox,
  },
  {
    repository: 'k8ts/codereviewapi',
    tag: '1.0',
    config: {
      entrypoint: ['/usr/bin/perl', '/srv/codereviewapi.pl'],
      ports: [8080],
      user: '65534:65534',
      workingDir: '/srv',
    },
    entries: codereviewapi,
  },
];

/**
 * The dynamic busybox, not the static one: its shell finds commands by PATH, so that scripts also run the real programs of
 * the image and our wget.
 */
async function busybox(source: Source): Promise<LayerEntry[]> {
  const { exec, root, files } = source;
  const { stdout } = await exec.run(['chroot', root, '/bin/busybox', '--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  return [
    ...(await withLibraries(source, ['/bin/busybox'])),
    ...applets.map((name) => link(`bin/${name}`, 'busybox')),
    script('bin/wget', join(files, 'wget.sh')),
    link('usr/bin/env', '../../bin/busybox'),
    { path: 'tmp', kind: 'directory', mode: 0o1777 },
    { path: 'root', kind: 'directory', mode: 0o700 },
  ];
}

async function toolbox(source: Source): Promise<LayerEntry[]> {
  const { root } = source;
  const programs = toolboxPrograms.map((name) => findProgram(root, name));
  return [
    ...(await busybox(source)),
    ...(await withLibraries(source, programs)),
    link('bin/sh', '/usr/bin/bash'),
    ...programs.map((path) => link(`bin/${path.slice(path.lastIndexOf('/') + 1).replace('.openbsd', '')}`, path)),
    ...accounts(),
  ];
}

async function codereviewapi(source: Source): Promise<LayerEntry[]> {
  const { root, files } = source;
  const library = findDirectory(join(root, 'usr/lib'), 'perl-base');
  return [
    ...(await withLibraries(source, ['/usr/bin/perl'])),
    ...tree(root, library.slice(root.length + 1)),
    script('srv/codereviewapi.pl', join(files, 'codereviewapi.pl')),
    { path: 'tmp', kind: 'directory', mode: 0o1777 },
    ...accounts(),
  ];
}

/** Programs and every library that they load, under the paths where the loader looks for them. */
async function withLibraries({ exec, root }: Source, programs: readonly string[]): Promise<LayerEntry[]> {
  const libraries = await Promise.all(programs.map((program) => librariesOf(exec, root, program)));
  const paths = [...new Set([...programs, ...libraries.flat()])].sort();
  return paths.map((path) => file(root, path.slice(1)));
}

/** Follows symbolic links; the target gets the requested name. */
function file(root: string, path: string): LayerEntry {
  const real = realpathSync(join(root, path));
  return { path, kind: 'file', content: readFileSync(real), mode: statSync(real).mode & 0o755 };
}

const script = (path: string, source: string): LayerEntry => ({
  path,
  kind: 'file',
  mode: 0o755,
  content: readFileSync(source),
});

const link = (path: string, target: string): LayerEntry => ({ path, kind: 'link', target });

function tree(root: string, path: string): LayerEntry[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    const child = `${path}/${entry.name}`;
    return entry.isDirectory() ? tree(root, child) : [file(root, child)];
  });
}

function findProgram(root: string, name: string): string {
  const directory = ['usr/bin', 'usr/sbin'].find((candidate) => readdirSync(join(root, candidate)).includes(name));
  if (!directory) throw new Error(`the packages hold no program ${name}`);
  return `/${directory}/${name}`;
}

function findDirectory(start: string, name: string): string {
  for (const entry of readdirSync(start, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    if (entry.name === name) return join(start, name);
    if (readdirSync(join(start, entry.name)).includes(name)) return join(start, entry.name, name);
  }
  throw new Error(`there is no directory ${name} under ${start}`);
}

const text = (path: string, content: string): LayerEntry => ({
  path,
  kind: 'file',
  mode: 0o644,
  content: Buffer.from(content),
});

/** The files that name look-ups of the C library need. */
function accounts(): LayerEntry[] {
  return [
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ];
}
