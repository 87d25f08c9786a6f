// Where the cgroups of a process are below /sys/fs/cgroup. Pure. Source: cgroups(7), proc_pid_mountinfo(5), proc_pid_cgroup(5).
import { join, relative } from 'node:path';

/** A mounted hierarchy. */
export interface Hierarchy {
  /** The folder where it is mounted. */
  readonly dir: string;
  /** The group that this folder shows. Paths of /proc/PID/cgroup begin with it. */
  readonly root: string;
}
/** By controller; `unified` is cgroup v2. */
export type Hierarchies = ReadonlyMap<string, Hierarchy>;

/** The path of a process's group in each hierarchy, by controller; `unified` is cgroup v2. */
export type CgroupPaths = ReadonlyMap<string, string>;

export const unified = 'unified';

/** The mounted hierarchies, by /proc/self/mountinfo. Of several mounts of one hierarchy the first counts. */
export function parseHierarchies(mountinfo: string): Hierarchies {
  const found = new Map<string, Hierarchy>();
  const add = (controller: string, hierarchy: Hierarchy) => {
    if (!found.has(controller)) found.set(controller, hierarchy);
  };
  for (const line of mountinfo.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ');
    const [, , , root = '/', dir = ''] = mount.split(' ');
    const [type, , options = ''] = source.split(' ');
    if (type === 'cgroup2') add(unified, { dir: unescaped(dir), root: unescaped(root) });
    if (type !== 'cgroup') continue;
    // The options name the controllers, among words such as rw and xattr.
    for (const controller of options.split(',')) add(controller, { dir: unescaped(dir), root: unescaped(root) });
  }
  return found;
}

/** The kernel writes a space in a path as \040. */
const unescaped = (path: string): string =>
  path.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The text of /proc/PID/cgroup: lines such as `4:memory:/docker/ID`, or `0::/docker/ID` of cgroup v2. */
export function parseCgroupPaths(text: string): CgroupPaths {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (!match) continue;
    const [, controllers = '', path = ''] = match;
    for (const controller of controllers === '' ? [unified] : controllers.split(',')) found.set(controller, path);
  }
  return found;
}

/** The folder of a group; undefined when this mount does not show it. */
export function folderOf({ dir, root }: Hierarchy, path: string): string | undefined {
  const below = relative(root, path);
  return below.startsWith('..') ? undefined : join(dir, below);
}

/** The group of a container: that of its process up to the part with the container's ID, since processes may make groups below it. */
export function containerGroup(path: string, id: string): string {
  const parts = path.split('/');
  const at = parts.findIndex((part) => part.includes(id));
  return at < 0 ? path : parts.slice(0, at + 1).join('/');
}

/** The group of the container's pod, which has the pod's uid in its name, with - or _; undefined when pods have no group. */
export function podGroup(path: string, podUid: string): string | undefined {
  const parts = path.split('/');
  const names = [`pod${podUid}`, `pod${podUid.replaceAll('-', '_')}`];
  const at = parts.findIndex((part) => names.some((name) => part.includes(name)));
  return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
}
