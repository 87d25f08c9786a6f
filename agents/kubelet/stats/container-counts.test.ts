import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import { ContainerCounts } from './container-counts';

type Statuses = NonNullable<NonNullable<Pod['status']>['containerStatuses']>;
const ended = (name: string, exitCode: number, reason: string) =>
  [{ name, state: { terminated: { exitCode, reason } } }] as Statuses;
const running = (name: string) => [{ name, state: { running: {} } }] as Statuses;

t.test('each end is counted once', async (t) => {
  const counts = new ContainerCounts();
  const series = () => counts.render().filter((line) => line.startsWith('kubelet_terminated_containers_total'));
  counts.statusChanged(undefined, { containerStatuses: running('app') });
  t.same(series(), []);
  const after = {
    containerStatuses: ended('app', 137, 'OOMKilled'),
    initContainerStatuses: ended('init', 0, 'Completed'),
  };
  counts.statusChanged({ containerStatuses: running('app') }, after);
  counts.statusChanged(after, after);
  counts.statusChanged(after, { ...after, ephemeralContainerStatuses: ended('debug', 1, 'Error') });
  const again = { containerStatuses: running('app') };
  counts.statusChanged(after, again);
  counts.statusChanged(again, { containerStatuses: ended('app', 137, 'OOMKilled') });
  t.same(series(), [
    'kubelet_terminated_containers_total{container_type="init_container",exit_code="0",reason="Completed"} 1',
    'kubelet_terminated_containers_total{container_type="container",exit_code="137",reason="OOMKilled"} 2',
    'kubelet_terminated_containers_total{container_type="ephemeral_container",exit_code="1",reason="Error"} 1',
  ]);
});

t.test('image volumes', async (t) => {
  const counts = new ContainerCounts();
  counts.imageVolumeRequested();
  counts.imageVolumeRequested();
  counts.imageVolumeMounted(false);
  counts.imageVolumeMounted(true);
  for (const line of [
    'kubelet_image_volume_requested_total 2',
    'kubelet_image_volume_mounted_succeed_total 1',
    'kubelet_image_volume_mounted_errors_total 1',
  ]) {
    t.ok(counts.render().includes(line), line);
  }
});
