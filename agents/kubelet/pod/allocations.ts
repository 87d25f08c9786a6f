// The resources that this node has promised to each pod: those of its spec, until a resize asks for more than there is (KEP-1287). Kept
// in a file, so that a kubelet that starts again promises the same.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../../controlplane/api';
import { initAndAppContainers } from '../../../controlplane/api/pods/facts';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Container } from '../spec/container';

type Resources = NonNullable<Container['resources']>;

/** Of one pod. Ephemeral containers have no resources. */
interface Allocation {
  readonly containers: Readonly<Record<string, Resources>>;
  /** Of the pod itself. */
  readonly pod?: Resources;
}

export class PodAllocations {
  private writing: Promise<void> | undefined;
  private changed = false;

  private constructor(
    private readonly path: string,
    private readonly log: Logger,
    private readonly byPod: Map<string, Allocation>,
  ) {}

  /** A file that is missing or damaged counts as empty: then pods get what their specs ask for. */
  static async open(path: string, log: Logger): Promise<PodAllocations> {
    try {
      const stored = JSON.parse(await readFile(path, 'utf8')) as Record<string, Allocation>;
      return new PodAllocations(path, log, new Map(Object.entries(stored).filter(([, one]) => isAllocation(one))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        log.warn('the file of allocated resources is not readable; pods get what they ask for', { path, error });
      }
      return new PodAllocations(path, log, new Map());
    }
  }

  has(uid: string): boolean {
    return this.byPod.has(uid);
  }

  /** The pod with its allocated resources; the pod itself when they are those of its spec, or it has none yet. */
  allocated(pod: Pod): Pod {
    const allocation = this.byPod.get(pod.metadata?.uid ?? '');
    const { spec } = pod;
    if (!allocation || !spec) return pod;
    if (isSame(allocation, allocationOf(pod))) return pod;
    const withOwn = (list: readonly Container[] | undefined) =>
      list?.map((container) => ({
        ...container,
        resources: allocation.containers[container.name] ?? container.resources,
      }));
    const { resources: _, ...rest } = spec;
    const initContainers = withOwn(spec.initContainers);
    return {
      ...pod,
      spec: {
        ...rest,
        containers: withOwn(spec.containers) ?? [],
        ...(initContainers ? { initContainers } : {}),
        ...(allocation.pod ? { resources: allocation.pod } : {}),
      } as NonNullable<Pod['spec']>,
    };
  }

  /** Promises what the spec asks for. */
  set(pod: Pod): void {
    this.byPod.set(pod.metadata?.uid ?? '', allocationOf(pod));
    this.save();
  }

  remove(uid: string): void {
    if (this.byPod.delete(uid)) this.save();
  }

  /** Removes the promises to pods that are gone. */
  retain(isKept: (uid: string) => boolean): void {
    for (const uid of [...this.byPod.keys()]) if (!isKept(uid)) this.remove(uid);
  }

  /** Resolves when the file shows all changes so far, or cannot be written: that is logged. */
  async saved(): Promise<void> {
    while (this.writing) await this.writing;
  }

  /** Changes during a write lead to exactly one more. */
  private save(): void {
    this.changed = true;
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  private async write(): Promise<void> {
    // Pods that come at the same time share one write.
    await Promise.resolve();
    while (this.changed) {
      this.changed = false;
      const next = `${this.path}.next`;
      try {
        await mkdir(dirname(this.path), { recursive: true });
        await writeFile(next, JSON.stringify(Object.fromEntries(this.byPod)), { mode: 0o600 });
        await rename(next, this.path);
      } catch (error) {
        this.log.warn('allocated resources are not stored; the next change tries again', {
          path: this.path,
          error: describeError(error),
        });
      }
    }
  }
}

function allocationOf({ spec }: Pod): Allocation {
  const containers = initAndAppContainers(spec ?? {}).map(({ name, resources }) => [name, resources ?? {}] as const);
  return { containers: Object.fromEntries(containers), ...(spec?.resources ? { pod: spec.resources } : {}) };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const isSame = (a: Allocation, b: Allocation): boolean => isDeepStrictEqual(plain(a), plain(b));

const isAllocation = (value: unknown): value is Allocation =>
  typeof value === 'object' && value !== null && typeof (value as Allocation).containers === 'object';
