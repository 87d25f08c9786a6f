// The CPU counters of a measurement, by keys that the next measurement has too. Pure.
import type { NodeSample, PodSample } from './node-sample';
import type { CpuCounter, CpuSnapshot } from './rates';
import type { CgroupSample } from './samples';
import { sumOf } from './sum';
import { samplesOf } from './system-containers';

export const nodeKey = 'node';
export const systemKey = (name: string): string => `system/${name}`;
export const podKey = (uid: string): string => `pod/${uid}`;
/** `runtimeName` is another one after each restart of a container. */
export const containerKey = (runtimeName: string): string => `container/${runtimeName}`;

export const counterOf = ({ atMs, cpu }: CgroupSample, startedAtMs: number): CpuCounter => ({
  atMs,
  usageNanoseconds: cpu.usageNanoseconds,
  startedAtMs,
});

export function snapshotOf({ root, bootAtMs, system, pods }: NodeSample): CpuSnapshot {
  const counters = new Map<string, CpuCounter>([[nodeKey, counterOf(root, bootAtMs)]]);
  for (const { name, sample, startedAtMs } of system) counters.set(systemKey(name), counterOf(sample, startedAtMs));
  for (const pod of pods) {
    counters.set(podKey(pod.ref.uid), counterOf(wholePod(pod), pod.startedAtMs));
    for (const { runtimeName, sample, startedAtMs } of pod.containers) {
      counters.set(containerKey(runtimeName), counterOf(sample, startedAtMs));
    }
  }
  return { atMs: root.atMs, counters };
}

export const wholePod = (pod: PodSample): CgroupSample => sumOf(samplesOf(pod))!;
