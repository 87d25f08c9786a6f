// The resources that this node has promised to each pod: those of its spec, until a resize asks for more than there is (KEP-1287). Kept
// in a file, so that a kubelet that starts again promises the same.
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../../controlplane/api';
import { initAndAppContainers } from '../../../controlplane/api/pods/facts';
import type { Logger } from '../../../controlplane/base/logger';
import type { Container } from '../spec/container';
import { readState, StateFile } from '../state-file';

type Resources = NonNullable<Container['resources']>;

/** Of one pod. Ephemeral containers have no resources. */
interface Allocation {
  readonly containers: Readonly<Record<string, Resources>>;
  /** Of the pod itself. */
  readonly pod?: Resources;
}

export class PodAllocations {
  private readonly file: StateFile;

  private constructor(
    path: string,
    log: Logger,
    private readonly byPod: Map<string, Allocation>,
  ) {
    const text = () => JSON.stringify(Object.fromEntries(this.byPod));
    this.file = new StateFile({ path, log, what: 'allocated resources', text });
  }

  /** A file that is missing or damaged counts as empty: then pods get what their specs ask for. */
  static async open(path: string, log: Logger): Promise<PodAllocations> {
    const stored = await readState({ path, log, effect: 'pods get the resources that they ask for' }, (text) =>
      Object.entries(JSON.parse(text) as Record<string, Allocation>),
    );
    return new PodAllocations(path, log, new Map(stored?.filter(([, one]) => isAllocation(one))));
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
    this.file.save();
  }

  remove(uid: string): void {
    if (this.byPod.delete(uid)) this.file.save();
  }

  /** Removes the promises to pods that are gone. */
  retain(isKept: (uid: string) => boolean): void {
    for (const uid of [...this.byPod.keys()]) if (!isKept(uid)) this.remove(uid);
  }

  /** As StateFile.saved(). */
  saved(): Promise<void> {
    return this.file.saved();
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
