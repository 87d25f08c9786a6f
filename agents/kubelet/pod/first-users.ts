// The user and groups of each container's first process, as the kernel has them (KEP-3619): only there the groups that the image gives to
// the user are known. They are read once, when the status first shows that the container runs, and stay after its end.
import { readFileSync } from 'node:fs';
import type { PodGroups } from '../cgroups/pod-cgroups';
import type { ContainerRecord, ContainerRuntime } from '../runtime/runtime';
import type { ContainerStatus } from './status-input';

export type ContainerUser = NonNullable<ContainerStatus['user']>;

export interface FirstUsersDeps {
  readonly runtime: Pick<ContainerRuntime, 'inspect'>;
  readonly cgroups: Pick<PodGroups, 'processesOf'>;
  /** Where the kernel shows processes; for tests. */
  readonly proc?: string;
}

/** A container that has just started has few processes; more of them are not compared. */
const mostCompared = 16;

export class FirstUsers {
  /** Undefined: it is being read, or cannot be known. */
  private readonly known = new Map<string, ContainerUser | undefined>();

  /** `changed` is called when a user becomes known after of() had no answer. */
  constructor(
    private readonly deps: FirstUsersDeps,
    private readonly changed: () => void,
  ) {}

  /**
   * Reads two small files of the kernel at the first call for a running container, so that the status that reports the start has the
   * answer: a second write, or another call of the runtime before the first, would cost time at each start of a pod.
   */
  of(podUid: string, record: ContainerRecord | undefined): ContainerUser | undefined {
    if (!record) return undefined;
    const { id, state, pid } = record;
    if (state !== 'running' || this.known.has(id)) return this.known.get(id);
    const pids = pid === undefined ? this.deps.cgroups.processesOf(podUid, id) : [pid];
    const user = pids && this.first(pids);
    this.known.set(id, user);
    // A container whose group the kubelet does not know: the runtime tells the process.
    if (!pids) void this.ask(id);
    return user;
  }

  /** Forgets the containers that are not among these. */
  keepOnly(records: readonly ContainerRecord[]): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const id of this.known.keys()) if (!ids.has(id)) this.known.delete(id);
  }

  private async ask(id: string): Promise<void> {
    const pid = await this.deps.runtime.inspect(id).then(
      (record) => record.pid,
      () => undefined,
    );
    const user = pid === undefined ? undefined : this.first([pid]);
    if (!user || !this.known.has(id)) return;
    this.known.set(id, user);
    this.changed();
  }

  /** The process whose parent is outside of the container is the first one; of several the oldest. */
  private first(pids: readonly number[]): ContainerUser | undefined {
    const inside = new Set(pids);
    const found = [...pids]
      .sort((a, b) => a - b)
      .slice(0, mostCompared)
      .flatMap((pid) => this.read(pid) ?? []);
    return (found.find(({ parent }) => !inside.has(parent)) ?? found[0])?.user;
  }

  private read(pid: number): ReturnType<typeof parseProcessUser> {
    try {
      return parseProcessUser(readFileSync(`${this.deps.proc ?? '/proc'}/${pid}/status`, 'utf8'));
    } catch {
      // The process has ended.
      return undefined;
    }
  }
}

/** The text of /proc/PID/status. Undefined when it is not such a text. Source: proc_pid_status(5). */
export function parseProcessUser(text: string): { readonly parent: number; readonly user: ContainerUser } | undefined {
  const numbers = (name: string) => {
    const line = new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim();
    return line === undefined ? undefined : line.split(/\s+/).filter(Boolean).map(Number);
  };
  // Of the four numbers the second is the effective one, which decides what the process may do.
  const [[parent] = [], uids = [], gids = [], groups = []] = ['PPid', 'Uid', 'Gid', 'Groups'].map(numbers);
  const [uid, gid] = [uids[1], gids[1]];
  if (parent === undefined || uid === undefined || gid === undefined) return undefined;
  return { parent, user: { linux: { uid, gid, ...(groups.length > 0 ? { supplementalGroups: groups } : {}) } } };
}
