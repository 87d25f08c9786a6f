// The groups of this node's pods, opened when the first one is needed: only then the runtime must answer.
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Exec } from '../../../dataplane/exec/exec';
import type { ContainerRuntime } from '../runtime/runtime';
import { kubeletActivity } from '../stats/activity';
import { cgroupfsNames, type GroupNames, systemdNames } from './names';
import { noPodGroups, PodCgroups, type PodGroups, type PodsLimit } from './pod-cgroups';
import { Slices } from './slices';
import { CgroupTree } from './tree';

export interface OpenPodGroupsDeps {
  readonly runtime: Pick<ContainerRuntime, 'info'>;
  /** Undefined: pods get no groups. */
  readonly cgroupRoot: string | undefined;
  readonly podPidsLimit: number;
  readonly limit: PodsLimit;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the cgroup file system is; for tests. */
  readonly mount?: string;
}

export class NodePodGroups implements PodGroups {
  private opening: Promise<PodGroups> | undefined;
  private opened: { readonly names: GroupNames; readonly tree: CgroupTree; readonly groups: PodCgroups } | undefined;

  constructor(private readonly deps: OpenPodGroupsDeps) {}

  async parentOf(...args: Parameters<PodGroups['parentOf']>) {
    return (await this.open()).parentOf(...args);
  }

  async ensure(...args: Parameters<PodGroups['ensure']>) {
    return kubeletActivity.group('create', async () => (await this.open()).ensure(...args));
  }

  async started(...args: Parameters<PodGroups['started']>) {
    return (await this.open()).started(...args);
  }

  async raise(...args: Parameters<PodGroups['raise']>) {
    return (await this.open()).raise(...args);
  }

  has(...args: Parameters<PodGroups['has']>) {
    return this.opened?.groups.has(...args) ?? true;
  }

  settingsOf(...args: Parameters<PodGroups['settingsOf']>) {
    return this.opened?.groups.settingsOf(...args);
  }

  async usedBeyond(...args: Parameters<PodGroups['usedBeyond']>) {
    return (await this.open()).usedBeyond(...args);
  }

  async remove(...args: Parameters<PodGroups['remove']>) {
    return kubeletActivity.group('destroy', async () => (await this.open()).remove(...args));
  }

  async removeOrphans(...args: Parameters<PodGroups['removeOrphans']>) {
    return (await this.open()).removeOrphans(...args);
  }

  processesOf(...args: Parameters<PodGroups['processesOf']>) {
    return this.opened?.groups.processesOf(...args);
  }

  /** Called every ten seconds. What all pods together hold, and may hold, in bytes. Undefined before the first pod, and without groups. */
  async memory(): Promise<{ readonly usedBytes: number; readonly limitBytes: number } | undefined> {
    const { opened } = this;
    await opened?.groups.repair().catch((error: unknown) => {
      this.deps.log.warn('cgroups of pods do not have their limits; the next look tries again', { error });
    });
    const usedBytes = opened && (await opened.tree.workingSetBytes(opened.names.pods));
    return usedBytes === undefined ? undefined : { usedBytes, limitBytes: this.deps.limit.memoryBytes };
  }

  /** A runtime that does not answer is asked again by the next caller; what the machine lacks stays so. */
  private open(): Promise<PodGroups> {
    this.opening ??= this.create().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async create(): Promise<PodGroups> {
    const { cgroupRoot, runtime, log, mount } = this.deps;
    if (cgroupRoot === undefined) return noPodGroups;
    const { cgroupDriver } = await runtime.info();
    const names = namesFor(cgroupDriver, cgroupRoot);
    const tree = names && (await CgroupTree.open(mount));
    if (!names || !tree) {
      log.info('pods have no cgroups of their own: the runtime or the machine has none for them', { cgroupDriver });
      return noPodGroups;
    }
    try {
      const slices = cgroupDriver === systemd ? new Slices(this.deps) : undefined;
      const resets = slices !== undefined;
      const released = slices && ((parent: string) => slices.stop(parent));
      const groups = await PodCgroups.open({ ...this.deps, names, tree, resets, ...(released ? { released } : {}) });
      this.opened = { names, tree, groups };
      return groups;
    } catch (error) {
      log.warn('pods have no cgroups of their own: the kernel refuses them', { error });
      return noPodGroups;
    }
  }
}

const systemd = 'systemd';

/** systemd has slices below its root alone. */
function namesFor(driver: string, cgroupRoot: string): GroupNames | undefined {
  if (driver === 'cgroupfs') return cgroupfsNames(cgroupRoot);
  return driver === systemd && cgroupRoot === '/' ? systemdNames() : undefined;
}
