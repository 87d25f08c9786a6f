// The kernel's table of mounts, /proc/self/mountinfo. Pure. Source: proc_pid_mountinfo(5).

/** One mount of this process's mount namespace. */
export interface MountEntry {
  /** major:minor of the file system. */
  readonly device: string;
  /** The folder of the file system that is shown, such as / or /data of a bind mount. */
  readonly root: string;
  readonly point: string;
  /** Options of this mount point, such as ro and noexec. */
  readonly options: readonly string[];
  readonly type: string;
  /** Device or server, as it was given to mount(2). */
  readonly source: string;
  /** Mounts below it appear in other mount namespaces too, and theirs here. */
  readonly isShared?: boolean;
}

/** In the order of mounting, so that the last of several mounts at one path is the visible one. */
export function parseMountTable(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const [mount = '', system = ''] = line.split(' - ', 2);
    const [, , device, root, point, options, ...flags] = mount.split(' ');
    const [type = '', source = ''] = system.split(' ');
    if (device === undefined || root === undefined || point === undefined) return [];
    return {
      device,
      root: plain(root),
      point: plain(point),
      options: (options ?? '').split(','),
      type,
      source: plain(source),
      isShared: flags.some((flag) => flag.startsWith('shared:')),
    };
  });
}

/** The visible mount at exactly this path, which must contain no links. */
export const mountAt = (table: readonly MountEntry[], path: string): MountEntry | undefined =>
  table.findLast(({ point }) => point === path);

/** The visible mount on which a path lies; the path must contain no links. */
export function mountOf(table: readonly MountEntry[], path: string): MountEntry | undefined {
  const holds = ({ point }: MountEntry) => point === '/' || path === point || path.startsWith(`${point}/`);
  return table
    .filter(holds)
    .reduce<MountEntry | undefined>(
      (best, entry) => (best && best.point.length > entry.point.length ? best : entry),
      undefined,
    );
}

/** The kernel writes blanks, tabs, line ends and backslashes as octal numbers. */
const plain = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
