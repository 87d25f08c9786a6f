// What has become of containers and of the images that they mount, counted since the kubelet's start, by upstream's names. One object for the
// process: the counts come from places that share nothing else.
import type { Pod } from '../../../controlplane/api';
import { Counter } from '../../../controlplane/base/metric';

type PodStatus = NonNullable<Pod['status']>;

const lists = [
  ['initContainerStatuses', 'init_container'],
  ['containerStatuses', 'container'],
  ['ephemeralContainerStatuses', 'ephemeral_container'],
] as const;

export class ContainerCounts {
  private readonly ends = new Counter({
    name: 'kubelet_terminated_containers_total',
    help: 'Containers that have ended, by exit code and reason',
  });
  private readonly imagesRequested = new Counter({
    name: 'kubelet_image_volume_requested_total',
    help: 'Image volumes that containers asked for',
  });
  private readonly imagesShown = new Counter({
    name: 'kubelet_image_volume_mounted_succeed_total',
    help: 'Image volumes that containers got',
  });
  private readonly imagesFailed = new Counter({
    name: 'kubelet_image_volume_mounted_errors_total',
    help: 'Image volumes that could not be mounted',
  });

  constructor() {
    for (const counter of [this.imagesRequested, this.imagesShown, this.imagesFailed]) counter.add('', 0);
  }

  /** A new status of one pod: the containers whose state is an end, and was none before. */
  statusChanged(before: PodStatus | undefined, after: PodStatus): void {
    for (const [list, type] of lists) {
      for (const { name, state } of after[list] ?? []) {
        const { exitCode, reason = '' } = state?.terminated ?? {};
        const ended = before?.[list]?.find((each) => each.name === name)?.state?.terminated;
        if (exitCode === undefined || ended) continue;
        this.ends.add(`container_type="${type}",exit_code="${exitCode}",reason="${reason}"`);
      }
    }
  }

  imageVolumeRequested(): void {
    this.imagesRequested.add('');
  }

  imageVolumeMounted(mounted: boolean): void {
    (mounted ? this.imagesShown : this.imagesFailed).add('');
  }

  render(): readonly string[] {
    return [this.ends, this.imagesRequested, this.imagesShown, this.imagesFailed].flatMap((each) => [...each.render()]);
  }
}

export const containerCounts = new ContainerCounts();
