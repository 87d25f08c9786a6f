import t from 'tap';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';
import { renderVolumeMetrics } from './metrics';

t.test('volumes and claims by class and plug-in', async (t) => {
  const volume = (phase: string, spec: object): PersistentVolume => ({ spec, status: { phase } });
  const claim = (phase: string, spec: object, annotations?: Record<string, string>): PersistentVolumeClaim => ({
    metadata: { namespace: 'n', ...(annotations ? { annotations } : {}) },
    spec,
    status: { phase },
  });
  const fast = { storageClassName: 'fast' };
  const lines = renderVolumeMetrics(
    [
      volume('Bound', { ...fast, hostPath: { path: '/a' } }),
      volume('Available', { ...fast, csi: { driver: 'd.example.com', volumeHandle: 'h' }, volumeMode: 'Block' }),
      volume('Released', { local: { path: '/a' } }),
      volume('Released', { local: { path: '/b' } }),
    ],
    [
      claim('Bound', fast),
      claim('Bound', fast),
      claim('Pending', { volumeAttributesClassName: 'gold' }),
      claim('Lost', {}, { 'volume.beta.kubernetes.io/storage-class': 'a"b\n' }),
    ],
  );
  t.same(
    lines.filter((line) => line.startsWith('pv_collector_')),
    [
      'pv_collector_bound_pv_count{storage_class="fast"} 1',
      'pv_collector_unbound_pv_count{storage_class="fast"} 1',
      'pv_collector_unbound_pv_count{storage_class=""} 2',
      'pv_collector_bound_pvc_count{namespace="n",storage_class="fast",volume_attributes_class=""} 2',
      'pv_collector_unbound_pvc_count{namespace="n",storage_class="",volume_attributes_class="gold"} 1',
      'pv_collector_unbound_pvc_count{namespace="n",storage_class="a_b_",volume_attributes_class=""} 1',
      'pv_collector_total_pv_count{plugin_name="kubernetes.io/host-path",volume_mode="Filesystem"} 1',
      'pv_collector_total_pv_count{plugin_name="kubernetes.io/csi:d.example.com",volume_mode="Block"} 1',
      'pv_collector_total_pv_count{plugin_name="N/A",volume_mode="Filesystem"} 2',
    ],
  );
  t.ok(lines.includes('retroactive_storageclass_total 0'));
});
