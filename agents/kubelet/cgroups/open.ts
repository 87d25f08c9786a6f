// The groups of this node's pods, opened when the first one is needed: only then the runtime must answer.
import type { Logger } from '../../../controlplane/base/logger';
import type { ContainerRuntime } from '../runtime/runtime';
import { podsGroup } from './names';
import { noPodGroups, PodCgroups, type PodGroups, type PodsLimit } from './pod-cgroups';
import { CgroupTree } from './tree';

export interface OpenPodGroupsDeps {
  readonly runtime: Pick<ContainerRuntime, 'info'>;
  /** Undefined: pods get no groups. */
  readonly cgroupRoot: string | undefined;
  readonly podPidsLimit: number;
  readonly limit: PodsLimit;
  readonly log: Logger;
  /** Where the cgroup file system is; for tests. */
  readonly mount?: string;
}

export class NodePodGroups implements PodGroups {
  private opening: Promise<PodGroups> | undefined;
  private tree: CgroupTree | undefined;

  constructor(private readonly deps: OpenPodGroupsDeps) {}

  async parentOf(...args: Parameters<PodGroups['parentOf']>) {
    return (await this.open()).parentOf(...args);
  }

  async ensure(...args: Parameters<PodGroups['ensure']>) {
    return (await this.open()).ensure(...args);
  }

  async raise(...args: Parameters<PodGroups['raise']>) {
    return (await this.open()).raise(...args);
  }

  async remove(...args: Parameters<PodGroups['remove']>) {
    return (await this.open()).remove(...args);
  }

  async removeOrphans(...args: Parameters<PodGroups['removeOrphans']>) {
    return (await this.open()).removeOrphans(...args);
  }

  /** What all pods together hold, and may hold, in bytes. Undefined before the first pod, and without groups. */
  async memory(): Promise<{ readonly usedBytes: number; readonly limitBytes: number } | undefined> {
    const { cgroupRoot, limit } = this.deps;
    const usedBytes = cgroupRoot === undefined ? undefined : await this.tree?.workingSetBytes(podsGroup(cgroupRoot));
    return usedBytes === undefined ? undefined : { usedBytes, limitBytes: limit.memoryBytes };
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
    const tree = cgroupDriver === 'cgroupfs' ? await CgroupTree.open(mount) : undefined;
    if (!tree) {
      log.info('pods have no cgroups of their own: they need the cgroup driver cgroupfs of Docker', { cgroupDriver });
      return noPodGroups;
    }
    try {
      const groups = await PodCgroups.open({ ...this.deps, cgroupRoot, tree });
      this.tree = tree;
      return groups;
    } catch (error) {
      log.warn('pods have no cgroups of their own: the kernel refuses them', { error });
      return noPodGroups;
    }
  }
}
