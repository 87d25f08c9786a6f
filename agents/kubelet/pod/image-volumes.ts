// The image volumes that one container mounts: each image is pulled by its policy, and its files are shown at the volume's path.
// Docker does not know this use of an image: when a user removes the image from Docker, its files vanish from running pods too.
import type { Pod } from '../../../controlplane/api';
import { describeError } from '../../../controlplane/base/errors';
import type { ImageRecord } from '../runtime/runtime';
import { ConfigError, type Container } from '../spec/container';
import { containerCounts } from '../stats/container-counts';
import type { PodDeps } from './deps';

/** The volumes are pulled one after another, as upstream. @throws what `pull` throws, ConfigError when the files cannot be shown */
export async function showImageVolumes(
  deps: Pick<PodDeps, 'volumes'>,
  { pod, container }: { readonly pod: Pod; readonly container: Container },
  pull: (image: string, policy: string | undefined) => Promise<ImageRecord>,
): Promise<void> {
  const mounted = new Set(container.volumeMounts?.map(({ name }) => name));
  for (const volume of pod.spec?.volumes ?? []) {
    if (!volume.image || !mounted.has(volume.name)) continue;
    const { reference = '', pullPolicy } = volume.image;
    containerCounts.imageVolumeRequested();
    const { layers } = await pull(reference, pullPolicy);
    try {
      if (!layers) throw new Error('the storage driver of Docker is not overlay2');
      await deps.volumes.showImage(pod.metadata?.uid ?? '', volume, layers);
      containerCounts.imageVolumeMounted(true);
    } catch (cause) {
      containerCounts.imageVolumeMounted(false);
      throw refused(volume.name, describeError(cause));
    }
  }
}

const refused = (volume: string, why: string): ConfigError =>
  new ConfigError(`ImageVolumeMountFailed: volume "${volume}": ${why}`, 'CreateContainerError');
