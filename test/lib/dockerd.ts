// A Docker daemon in a network namespace of its own, with two images built from busybox-static. The test removes everything at
// its end.
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CgroupTree } from '../../agents/kubelet/cgroups/tree';
import type { Scope } from '../../controlplane/base/scope';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { inNetns } from '../../dataplane/netns/named';
import { busybox } from './busybox';
import { canUseKernel, createNetns, type TestNetns } from './netns';

const exec = new SystemExec();
const applets = [
  'awk',
  'sh',
  'sleep',
  'echo',
  'cat',
  'ls',
  'id',
  'env',
  'hostname',
  'true',
  'false',
  'kill',
  'httpd',
  'wget',
  'stat',
  'mount',
  'touch',
  'head',
  'printf',
  'seq',
  'mkdir',
  'rm',
  'mv',
  'ln',
  'usleep',
  'truncate',
];

/** The reason to skip, for tap's `skip` option, or false. With REQUIRE_KERNEL=1 a missing tool is an error. */
export function skipWithoutDocker(): string | false {
  if (!canUseKernel()) return 'needs root';
  const missing = ['/usr/sbin/dockerd', busybox].filter((path) => !existsSync(path));
  if (missing.length === 0) return false;
  if (process.env['REQUIRE_KERNEL'] === '1') throw new Error(`missing: ${missing.join(', ')}`);
  return `missing: ${missing.join(', ')}`;
}

export interface TestDockerd {
  /** For --docker-host and DockerRuntime. */
  readonly host: string;
  readonly netns: TestNetns;
  /** A folder that is removed with the daemon. */
  readonly dir: string;
  readonly logFile: string;
  /** The cgroup for the pods of a kubelet. It is removed with the daemon. */
  readonly cgroupRoot: string;
  /** Runs busybox: sh, sleep, echo ... */
  readonly image: string;
  /** Ends on SIGTERM at once. */
  readonly pauseImage: string;
  /** Runs the docker command against this daemon. */
  docker(...args: string[]): Promise<string>;
  /** Ends the daemon, and with it (no live-restore) all containers, and starts it again on the same data. */
  restart(): Promise<void>;
}

export interface DockerdOptions {
  /** As on a user's machine: docker0, Docker's own iptables rules, policy DROP in FORWARD. Default: none of these. */
  readonly ownNetwork?: boolean;
  /** Default: a new namespace. */
  readonly netns?: TestNetns;
}

/** Starts a daemon; `scope` ends it. */
export async function startDockerd(scope: Scope, options: DockerdOptions = {}): Promise<TestDockerd> {
  const netns = options.netns ?? (await scopedNetns(scope));
  const networkFlags = options.ownNetwork ? [] : ['--bridge=none', '--iptables=false', '--ip-forward=false'];
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-dockerd-'));
  scope.defer(() => removeTree(dir));
  const cgroupRoot = `/${basename(dir)}`;
  scope.defer(async () => {
    await (await CgroupTree.open())?.remove(cgroupRoot);
  });
  const socket = join(dir, 'docker.sock');
  const host = `unix://${socket}`;
  const logFile = join(dir, 'dockerd.log');
  let stop = await launch(netns, dir, logFile, networkFlags);
  scope.defer(() => stop());
  const docker = async (...args: string[]) =>
    (await exec.run(['docker', '-H', host, ...args], { timeoutMs: 60_000 })).stdout;
  const image = 'test/busybox:1';
  const pauseImage = 'test/pause:1';
  await importImages(dir, docker, { image, pauseImage });
  return {
    host,
    netns,
    dir,
    logFile,
    cgroupRoot,
    image,
    pauseImage,
    docker,
    restart: async () => {
      await stop();
      stop = await launch(netns, dir, logFile, networkFlags);
    },
  };
}

async function scopedNetns(scope: Scope): Promise<TestNetns> {
  const netns = await createNetns();
  scope.defer(() => netns.teardown());
  return netns;
}

async function launch(
  netns: TestNetns,
  dir: string,
  logFile: string,
  networkFlags: readonly string[],
): Promise<() => Promise<void>> {
  const log = openSync(logFile, 'a');
  const argv = inNetns(netns, [
    'dockerd',
    ...['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '-p', join(dir, 'pid')],
    ...['-H', `unix://${join(dir, 'docker.sock')}`, '--shutdown-timeout=1', ...networkFlags],
  ]);
  const daemon = await startProgram(argv, { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = daemon.exited.then(async (code) => {
    throw new Error(`dockerd ended with ${code}: ${(await readFile(logFile, 'utf8')).slice(-2000)}`);
  });
  await Promise.race([answering(join(dir, 'docker.sock')), ended]);
  // From here on the test ends dockerd itself, or its next request to dockerd fails.
  ended.catch(() => {});
  return async () => {
    daemon.kill('SIGTERM');
    await daemon.exited;
  };
}

/** dockerd reports no event when it is ready, so the socket is polled. */
async function answering(socketPath: string): Promise<void> {
  const ping = () =>
    new Promise<boolean>((resolve) => {
      const sent = request({ socketPath, path: '/_ping', agent: false }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode === 200));
      });
      sent.on('error', () => resolve(false));
      sent.end();
    });
  while (!(await ping())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function importImages(
  dir: string,
  docker: (...args: string[]) => Promise<string>,
  { image, pauseImage }: { readonly image: string; readonly pauseImage: string },
): Promise<void> {
  const root = join(dir, 'image');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  await copyFile(busybox, join(root, 'bin/busybox'));
  await chmod(join(root, 'bin/busybox'), 0o755);
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
  const tar = join(dir, 'image.tar');
  await exec.run(['tar', '-C', root, '-cf', tar, '.']);
  await docker('import', '-c', 'CMD ["/bin/sh"]', tar, image);
  const pause = 'trap "exit 0" TERM INT; while :; do sleep 2147483647 & wait $!; done';
  await docker('import', '-c', `ENTRYPOINT ["/bin/sh","-c",${JSON.stringify(pause)}]`, tar, pauseImage);
}

/** Overlay and shm mounts of a killed daemon would keep the folder. */
async function removeTree(dir: string): Promise<void> {
  const table = await readFile('/proc/self/mounts', 'utf8');
  const mounts = table
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
  for (const mount of mounts) await exec.run(['umount', '--lazy', mount]);
  await rm(dir, { recursive: true, force: true });
}
