// What the parts of the node use that are no pods: the kubelet, the container runtime, and for comparison all pods together. A part that
// systemd runs has a cgroup of its own; otherwise its process is measured.
import type { CgroupPaths } from './cgroup-places';
import type { Cgroups, Detail } from './cgroup-reader';
import { groupName } from './container-places';
import type { PodSample, SystemContainer } from './node-sample';
import { findListener, nameOf, readProcess } from './process-sample';
import { sumOf } from './sum';

export interface SystemContainersDeps {
  readonly cgroups: Cgroups;
  readonly kubeletPid: number;
  /** The path of the runtime's socket and the name of its process; absent when it runs on another machine. */
  readonly runtime?: { readonly socket: string; readonly process: string };
}

export class SystemContainers {
  private runtimePid: number | undefined;

  constructor(private readonly deps: SystemContainersDeps) {}

  async sample(detail: Detail, bootAtMs: number, pods: readonly PodSample[]): Promise<readonly SystemContainer[]> {
    const runtimePid = await this.findRuntime();
    const found = await Promise.all([
      this.part('kubelet', this.deps.kubeletPid, detail, bootAtMs),
      runtimePid === undefined ? undefined : this.part('runtime', runtimePid, detail, bootAtMs),
    ]);
    const together = sumOf(pods.flatMap(samplesOf));
    const startedAtMs = Math.min(...pods.map((pod) => pod.startedAtMs));
    const all = together ? [{ name: 'pods', startedAtMs, sample: together }] : [];
    return [...found.filter((part) => part !== undefined), ...all];
  }

  private async part(
    name: string,
    pid: number,
    detail: Detail,
    bootAtMs: number,
  ): Promise<SystemContainer | undefined> {
    const [process, paths] = await Promise.all([readProcess(pid, bootAtMs), this.deps.cgroups.pathsOf(pid)]);
    if (!process) return undefined;
    const group = paths && ownGroup(paths);
    const sample = group === undefined ? undefined : await this.deps.cgroups.sample(paths!, detail);
    if (!sample) return { name, ...process };
    return { name, group: group!, startedAtMs: process.startedAtMs, sample };
  }

  /** A look at all processes; again only after the runtime was started again. */
  private async findRuntime(): Promise<number | undefined> {
    const { runtime } = this.deps;
    if (!runtime) return undefined;
    if (this.runtimePid !== undefined && (await nameOf(this.runtimePid)) === runtime.process) return this.runtimePid;
    this.runtimePid = await findListener(runtime.socket, runtime.process);
    return this.runtimePid;
  }
}

/** systemd gives each service a group, which no other process shares. */
export function ownGroup(paths: CgroupPaths): string | undefined {
  const path = groupName(paths);
  return path?.endsWith('.service') ? path : undefined;
}

/** The groups that together are the pod. */
export const samplesOf = (pod: PodSample) =>
  pod.group ? [pod.group.sample] : [pod.sandbox.sample, ...pod.containers.map(({ sample }) => sample)];
