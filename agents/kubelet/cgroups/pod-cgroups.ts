// A cgroup for each pod, below one for its QoS class, as upstream: the limits of a pod hold for all its containers together, and classes
// share CPU by what their pods request.
//
// 1. The group of a pod exists with its limits before the first container of the pod starts.
// 2. A limit grows before those of the containers, and shrinks after them.
// 3. A group is removed when the pod has no container left. Groups of pods that no longer exist are removed at start and with each listing.
// 4. Nothing is written when nothing changes. Values that systemd has reset are written again within ten seconds.
import type { Pod } from '../../../controlplane/api';
import type { Logger } from '../../../controlplane/base/logger';
import { type GroupNames, type PodClass, podClasses, podClassOf } from './names';
import { type GroupSettings, minShares, newGroup, podSettings, sharedMilliCpu, sharesOf } from './settings';
import type { CgroupTree } from './tree';

/** What pods use of the node together may be limited to this. */
export interface PodsLimit extends GroupSettings {
  readonly memoryBytes: number;
}

export interface PodGroups {
  /** For the runtime: the group in which it puts the containers of the pod. Undefined: where it likes. */
  parentOf(pod: Pod): Promise<string | undefined>;
  /** Makes the group, or gives it the limits of the pod's spec. @throws Error that says what the kernel refused */
  ensure(pod: Pod): Promise<void>;
  /** After the first container of the pod has started. @throws as ensure() */
  started(pod: Pod): Promise<void>;
  /** Before containers get more: no limit of the pod is below its spec's. */
  raise(pod: Pod): Promise<void>;
  /** Whether the group has the limits of the pod's spec; also true when this kubelet has not set it yet. */
  has(pod: Pod): boolean;
  /** What the group was given; undefined when the pod has none, or this kubelet has not set it yet. */
  settingsOf(podUid: string): GroupSettings | undefined;
  /** Set when the spec lowers the pod's memory limit to what the pod uses now, or below. */
  usedBeyond(pod: Pod): Promise<{ readonly limitBytes: number; readonly usedBytes: number } | undefined>;
  /** After the last container is gone. */
  remove(podUid: string): Promise<void>;
  removeOrphans(isKept: (podUid: string) => boolean): Promise<void>;
  /** Processes of a container of the pod, as the kernel knows them now. Undefined when the container's group is not known. */
  processesOf(podUid: string, containerId: string): readonly number[] | undefined;
}

/** Pods have no groups of their own. */
export const noPodGroups: PodGroups = {
  parentOf: async () => undefined,
  ensure: async () => {},
  started: async () => {},
  raise: async () => {},
  has: () => true,
  settingsOf: () => undefined,
  usedBeyond: async () => undefined,
  remove: async () => {},
  removeOrphans: async () => {},
  processesOf: () => undefined,
};

interface Known {
  readonly podClass: PodClass;
  readonly settings: GroupSettings;
  readonly sharedMilliCpu: number;
}

export interface PodCgroupsDeps {
  readonly tree: CgroupTree;
  readonly names: GroupNames;
  /** Called when the group of a pod is removed, by the name that its runtime knows. */
  readonly released?: (parent: string) => void;
  /** True when systemd makes the groups: it gives a group its own values when the first container starts in it. */
  readonly resets?: boolean;
  readonly podPidsLimit: number;
  readonly limit: PodsLimit;
  readonly log: Logger;
}

export class PodCgroups implements PodGroups {
  /** The pods that have a group, with the settings that it was given. */
  private readonly known = new Map<string, Known>();
  /** What the class Burstable has now. */
  private burstable: GroupSettings | undefined;

  private constructor(private readonly deps: PodCgroupsDeps) {}

  /** Makes the groups of all pods and of the classes. @throws when the kernel refuses */
  static async open(deps: PodCgroupsDeps): Promise<PodCgroups> {
    const { tree, names } = deps;
    for (const podClass of podClasses) await tree.ensure(names.ofClass(podClass));
    const groups = new PodCgroups(deps);
    await groups.setShared();
    return groups;
  }

  async parentOf(pod: Pod): Promise<string> {
    return this.deps.names.parent(podClassOf(pod), pod.metadata?.uid ?? '');
  }

  async ensure(pod: Pod): Promise<void> {
    const settings = podSettings(pod, this.deps.podPidsLimit);
    await this.give(pod, settings);
  }

  async raise(pod: Pod): Promise<void> {
    const before = this.known.get(pod.metadata?.uid ?? '')?.settings;
    if (before) await this.give(pod, larger(before, podSettings(pod, this.deps.podPidsLimit)));
  }

  has(pod: Pod): boolean {
    const before = this.settingsOf(pod.metadata?.uid ?? '');
    return !before || sameSettings(before, podSettings(pod, this.deps.podPidsLimit));
  }

  settingsOf(podUid: string): GroupSettings | undefined {
    return this.known.get(podUid)?.settings;
  }

  async usedBeyond(pod: Pod): Promise<{ readonly limitBytes: number; readonly usedBytes: number } | undefined> {
    const { tree, names, podPidsLimit } = this.deps;
    const uid = pod.metadata?.uid ?? '';
    const known = this.known.get(uid);
    const limitBytes = podSettings(pod, podPidsLimit).memoryBytes;
    if (!known || limitBytes === undefined) return undefined;
    if (limitBytes >= (known.settings.memoryBytes ?? Number.POSITIVE_INFINITY)) return undefined;
    const usedBytes = (await tree.usageBytes(names.ofPod(known.podClass, uid))) ?? 0;
    return usedBytes >= limitBytes ? { limitBytes, usedBytes } : undefined;
  }

  async started(pod: Pod): Promise<void> {
    const { resets, tree, names } = this.deps;
    const uid = pod.metadata?.uid ?? '';
    const known = this.known.get(uid);
    if (!resets || !known) return;
    await tree.set(names.ofPod(known.podClass, uid), known.settings);
    await this.setShared();
  }

  /**
   * Gives all groups their values again if systemd has reset them: it does so with each `systemctl daemon-reload`, for the group of all
   * pods too. @throws as ensure()
   */
  async repair(): Promise<void> {
    const { resets, tree, names, limit } = this.deps;
    const found = resets ? await tree.memoryLimitBytes(names.pods) : undefined;
    // The kernel rounds down to whole pages.
    if (found === undefined || Math.abs(found - limit.memoryBytes) < largestPage) return;
    await this.setShared();
    for (const [uid, { podClass, settings }] of this.known) await tree.set(names.ofPod(podClass, uid), settings);
  }

  private async give(pod: Pod, settings: GroupSettings): Promise<void> {
    const { tree } = this.deps;
    const uid = pod.metadata?.uid ?? '';
    const known = this.known.get(uid);
    if (known && sameSettings(known.settings, settings)) return;
    const podClass = podClassOf(pod);
    const group = this.deps.names.ofPod(podClass, uid);
    const isNew = !known && (await tree.ensure(group));
    await tree.set(group, settings, isNew ? newGroup : known?.settings);
    this.known.set(uid, { podClass, settings, sharedMilliCpu: sharedMilliCpu(pod) });
    await this.shareClasses();
  }

  async remove(podUid: string): Promise<void> {
    const { tree, names, released, log } = this.deps;
    const known = this.known.get(podUid);
    this.known.delete(podUid);
    for (const podClass of known ? [known.podClass] : podClasses) {
      const gone = await tree.remove(names.ofPod(podClass, podUid)).catch((error: unknown) => {
        log.warn('the cgroup of a pod was not removed', { pod: podUid, error });
        return true;
      });
      // A group with processes is still in use.
      if (gone) released?.(names.parent(podClass, podUid));
      else log.info('the cgroup of a pod still has processes; the next listing removes it', { pod: podUid });
    }
    await this.shareClasses();
  }

  async removeOrphans(isKept: (podUid: string) => boolean): Promise<void> {
    const { tree, names } = this.deps;
    for (const podClass of podClasses) {
      for (const folder of await tree.below(names.ofClass(podClass))) {
        const uid = names.uidOf(folder);
        // Asked for each one: a pod may have come since the folders were listed.
        if (uid !== undefined && !isKept(uid) && !this.known.has(uid)) await this.remove(uid);
      }
    }
  }

  processesOf(podUid: string, containerId: string): readonly number[] | undefined {
    const { tree, names } = this.deps;
    const known = this.known.get(podUid);
    return known && tree.processesOf(names.ofContainer(known.podClass, podUid, containerId));
  }

  /** The values of the groups that pods share. */
  private async setShared(): Promise<void> {
    const { tree, names, limit, log } = this.deps;
    await tree.set(names.ofClass('besteffort'), { cpuShares: minShares });
    // Pods that run already may use more than a new limit: their eviction comes first.
    await tree.set(names.pods, limit).catch((error: unknown) => {
      log.warn('the pods together have no limit; the next start of the kubelet tries again', { error });
    });
    this.burstable = undefined;
    await this.shareClasses();
  }

  private async shareClasses(): Promise<void> {
    const { tree, names, log } = this.deps;
    const milli = [...this.known.values()].reduce((sum, pod) => sum + pod.sharedMilliCpu, 0);
    const [wanted, before] = [{ cpuShares: sharesOf(milli) }, this.burstable];
    if (wanted.cpuShares === before?.cpuShares) return;
    this.burstable = wanted;
    await tree.set(names.ofClass('burstable'), wanted, before).catch((error: unknown) => {
      log.warn('CPU shares of burstable pods were not set', { error });
    });
  }
}

const largestPage = 2 ** 16;

const sameSettings = (a: GroupSettings, b: GroupSettings): boolean =>
  a.cpuShares === b.cpuShares &&
  a.cpuQuotaMicros === b.cpuQuotaMicros &&
  a.memoryBytes === b.memoryBytes &&
  a.pids === b.pids;

/** Of each amount the larger one; no limit is the largest. */
function larger(a: GroupSettings, b: GroupSettings): GroupSettings {
  const most = (name: 'cpuQuotaMicros' | 'memoryBytes') => {
    const [one, other] = [a[name], b[name]];
    return one === undefined || other === undefined ? {} : { [name]: Math.max(one, other) };
  };
  return {
    ...b,
    cpuQuotaMicros: undefined,
    memoryBytes: undefined,
    cpuShares: Math.max(a.cpuShares, b.cpuShares),
    ...most('cpuQuotaMicros'),
    ...most('memoryBytes'),
  };
}
