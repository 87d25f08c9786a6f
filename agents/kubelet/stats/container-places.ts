// Where the kernel and the runtime keep a container: its cgroups, its writable layer, its log. Looked up once for each container.
import { stat } from 'node:fs/promises';
import type { ContainerRecord } from '../runtime/runtime';
import { type CgroupPaths, containerGroup, podGroup, unified } from './cgroup-places';
import type { Cgroups } from './cgroup-reader';
import type { DiskUse } from './samples';

export interface ContainerPlace {
  readonly pid: number;
  readonly groups: CgroupPaths;
  /** The pod's own groups, if the container's are below such. */
  readonly podGroups?: CgroupPaths;
  readonly layerPath?: string;
  readonly logPath?: string;
}

type Inspect = (id: string) => Promise<Pick<ContainerRecord, 'pid' | 'layerPath' | 'logPath'>>;

export class ContainerPlaces {
  private readonly known = new Map<
    string,
    { readonly startedAtMs: number | undefined; readonly place: ContainerPlace }
  >();

  constructor(
    private readonly cgroups: Pick<Cgroups, 'pathsOf'>,
    private readonly inspect: Inspect,
  ) {}

  /** Undefined when the container has ended. */
  async of(record: ContainerRecord, podUid: string): Promise<ContainerPlace | undefined> {
    const known = this.known.get(record.id);
    if (known && known.startedAtMs === record.startedAtMs) return known.place;
    const { pid, layerPath, logPath } = await this.inspect(record.id).catch(() => ({}) as ContainerRecord);
    const paths = pid === undefined ? undefined : await this.cgroups.pathsOf(pid);
    if (pid === undefined || !paths) return undefined;
    const groups = new Map([...paths].map(([controller, path]) => [controller, containerGroup(path, record.id)]));
    const place = {
      pid,
      groups,
      ...podGroupsOf(groups, podUid),
      ...(layerPath ? { layerPath } : {}),
      ...(logPath ? { logPath } : {}),
    };
    this.known.set(record.id, { startedAtMs: record.startedAtMs, place });
    return place;
  }

  /** The writable layers of the known containers. */
  layers(): ReadonlySet<string> {
    return new Set([...this.known.values()].flatMap(({ place: { layerPath } }) => (layerPath ? [layerPath] : [])));
  }

  /** Forgets the containers that are not among these. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.known.keys()) if (!ids.has(id)) this.known.delete(id);
  }
}

function podGroupsOf(groups: CgroupPaths, podUid: string): { readonly podGroups?: CgroupPaths } {
  const found = new Map<string, string>();
  for (const [controller, path] of groups) {
    const group = podGroup(path, podUid);
    if (group !== undefined) found.set(controller, group);
  }
  return groupName(found) === undefined ? {} : { podGroups: found };
}

/** The one path that names a group to users: that of memory, or of cgroup v2. */
export const groupName = (paths: CgroupPaths): string | undefined => paths.get('memory') ?? paths.get(unified);

const mostRotated = 100;

/** A log and its rotated files, FILE.1 and so on. Undefined when there is none. */
export async function logUse(logPath: string): Promise<DiskUse | undefined> {
  let [bytes, inodes] = [0, 0];
  for (; inodes < mostRotated; inodes++) {
    const path = inodes === 0 ? logPath : `${logPath}.${inodes}`;
    const found = await stat(path).catch(() => stat(`${path}.gz`).catch(() => undefined));
    if (!found) break;
    bytes += found.blocks * 512;
  }
  return inodes === 0 ? undefined : { bytes, inodes };
}
