// What pods use, from a measurement of the node. An emptyDir that the measurement does not name is counted here.
import type { Pod } from '../../../controlplane/api';
import type { PodSample } from '../stats/node-sample';
import { wholePod } from '../stats/snapshot';
import { type DiskUse, isDiskEmptyDir, type PodUse } from './pod-usage';

export interface PodMeasureDeps {
  readonly samples: () => Promise<readonly PodSample[]>;
  /** The folder of a volume. */
  readonly folderOf: (podUid: string, volume: string) => string;
  /** Undefined when there is no such folder, or its files were not counted in time. */
  readonly count: (folder: string) => Promise<DiskUse | undefined>;
}

/** By uid. A pod without running containers has none. */
export async function measurePods(deps: PodMeasureDeps, pods: readonly Pod[]): Promise<ReadonlyMap<string, PodUse>> {
  const samples = new Map((await deps.samples()).map((sample) => [sample.ref.uid, sample]));
  const uses = await Promise.all(
    pods.map(async (pod): Promise<readonly [string, PodUse]> => {
      const uid = pod.metadata?.uid ?? '';
      const sample = samples.get(uid);
      const volumes = new Map(
        (sample?.volumes ?? []).filter(({ ephemeral }) => ephemeral).map(({ name, used }) => [name, used]),
      );
      for (const { name } of (pod.spec?.volumes ?? []).filter(isDiskEmptyDir)) {
        const use = volumes.has(name) ? undefined : await deps.count(deps.folderOf(uid, name));
        if (use) volumes.set(name, use);
      }
      return [uid, { ...(sample ? useOf(sample) : { containers: [] }), volumes }];
    }),
  );
  return new Map(uses.filter(([uid, { volumes }]) => samples.has(uid) || volumes.size > 0));
}

function useOf(sample: PodSample): Omit<PodUse, 'volumes'> {
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
  };
}
