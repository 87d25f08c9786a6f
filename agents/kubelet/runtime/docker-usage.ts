// Docker's statistics of a container as the kubelet reports them, on cgroup v1 and v2. Pure.
import type Docker from 'dockerode';
import type { ContainerUsage } from './runtime';

/**
 * Docker uses the kernel's names. The kernel can reclaim page cache that was not used for a while at once, so it is not part of
 * the working set. In cgroup v2 this is inactive_file (memory.stat counts the group and all groups below). In v1 inactive_file
 * counts the group only, and total_inactive_file also the groups below. A container that just ended has no such numbers.
 * Source: Linux cgroup-v1/memory and cgroup-v2, "memory.stat".
 */
export function toUsage({ cpu_stats: cpu, memory_stats: memory }: Docker.ContainerStats): ContainerUsage {
  const accounts = (memory?.stats ?? {}) as unknown as Readonly<Record<string, number | undefined>>;
  const idleCache = accounts['total_inactive_file'] ?? accounts['inactive_file'] ?? 0;
  const used = memory?.usage ?? 0;
  return {
    cpuNanoseconds: cpu?.cpu_usage?.total_usage ?? 0,
    memoryBytes: used,
    workingSetBytes: Math.max(0, used - idleCache),
  };
}
