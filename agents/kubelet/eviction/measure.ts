// What pods use, from a measurement of the node. Pure.
import type { Pod } from '../../../controlplane/api';
import type { PodSample } from '../stats/node-sample';
import { wholePod } from '../stats/snapshot';
import type { PodUse } from './pod-usage';

/** By uid. A pod that was not measured, because nothing of it runs, has none. */
export function usesOf(samples: readonly PodSample[], pods: readonly Pod[]): ReadonlyMap<string, PodUse> {
  const wanted = new Set(pods.map(({ metadata }) => metadata?.uid ?? ''));
  const measured = samples.filter(({ ref }) => wanted.has(ref.uid));
  return new Map(measured.map((sample) => [sample.ref.uid, useOf(sample)]));
}

function useOf(sample: PodSample): PodUse {
  const { memory, processes } = wholePod(sample);
  return {
    memoryBytes: memory.workingSetBytes,
    ...(processes === undefined ? {} : { processes }),
    containers: sample.containers.map(({ name, sample: { memory }, layer, log }) => ({
      name,
      memoryBytes: memory.workingSetBytes,
      ...(layer ? { rootfs: layer } : {}),
      ...(log ? { logs: log } : {}),
    })),
    volumes: new Map(sample.volumes.filter(({ ephemeral }) => ephemeral).map(({ name, used }) => [name, used])),
  };
}
