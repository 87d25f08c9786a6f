import t from 'tap';
import { renderMetrics } from './exposition';
import { volumeMetrics } from './volume-metrics';

t.test('metrics of claims: one series for each claim', async (t) => {
  const use = (name: string, bytes: number) => ({
    name,
    atMs: 0,
    used: { bytes, inodes: 2 },
    size: { capacityBytes: 100, availableBytes: 40, inodes: 10, inodesFree: 8 },
    claim: { namespace: 'shop', name: 'claim' },
    ephemeral: false,
  });
  const text = renderMetrics(volumeMetrics([use('a', 60), use('b', 60)]));
  for (const line of [
    'kubelet_volume_stats_available_bytes{namespace="shop",persistentvolumeclaim="claim"} 40',
    'kubelet_volume_stats_capacity_bytes{namespace="shop",persistentvolumeclaim="claim"} 100',
    'kubelet_volume_stats_used_bytes{namespace="shop",persistentvolumeclaim="claim"} 60',
    'kubelet_volume_stats_inodes_used{namespace="shop",persistentvolumeclaim="claim"} 2',
  ]) {
    t.equal(text.split('\n').filter((each) => each === line).length, 1, line);
  }
  t.equal(renderMetrics(volumeMetrics([])), '');
});
