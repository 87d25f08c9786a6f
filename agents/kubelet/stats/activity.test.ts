import t from 'tap';
import { KubeletActivity, renderCertificateTtl } from './activity';

t.test('calls to the runtime, by what they do and how they end', async (t) => {
  const activity = new KubeletActivity();
  t.equal(await activity.call('list_images', async () => 'answer'), 'answer');
  await t.rejects(
    activity.call('create_container', () => Promise.reject(new Error('no space'))),
    { message: 'no space' },
  );
  const lines = activity.render();
  for (const line of [
    'kubelet_runtime_operations_total{operation_type="list_images"} 1',
    'kubelet_runtime_operations_total{operation_type="create_container"} 1',
    'kubelet_runtime_operations_errors_total{operation_type="create_container"} 1',
    'kubelet_runtime_operations_duration_seconds_count{operation_type="create_container"} 1',
    'kubelet_runtime_operations_duration_seconds_bucket{operation_type="list_images",le="+Inf"} 1',
  ]) {
    t.ok(lines.includes(line), line);
  }
});

t.test('passes over pods, lists, groups, mounts, evictions, renewals', async (t) => {
  const activity = new KubeletActivity();
  t.ok(activity.render().includes('kubelet_pod_start_duration_seconds_count 0'), 'shown before the first');
  await activity.relist(async () => {});
  await activity.relist(async () => {});
  await activity.pass('create', async () => {});
  activity.reached('first-pass', 0.02);
  activity.reached('running', 7);
  await activity.group('destroy', async () => {});
  await activity.mount('configmap', async () => {});
  await t.rejects(activity.mount('csi', () => Promise.reject(new Error('refused'))));
  activity.evicted('memory.available');
  activity.renewalFailed('server');
  const lines = activity.render();
  const mount = (status: string, plugin: string) =>
    `storage_operation_duration_seconds_count{migrated="false",operation_name="volume_mount",status="${status}",volume_plugin="kubernetes.io/${plugin}"} 1`;
  for (const line of [
    'kubelet_pleg_relist_duration_seconds_count 2',
    'kubelet_pleg_relist_interval_seconds_count 1',
    'kubelet_pod_worker_duration_seconds_count{operation_type="create"} 1',
    'kubelet_pod_worker_start_duration_seconds_bucket{le="0.025"} 1',
    'kubelet_pod_start_duration_seconds_bucket{le="6"} 0',
    'kubelet_pod_start_duration_seconds_bucket{le="8"} 1',
    'kubelet_cgroup_manager_duration_seconds_count{operation_type="destroy"} 1',
    mount('success', 'configmap'),
    mount('fail-unknown', 'csi'),
    'kubelet_evictions{eviction_signal="memory.available"} 1',
    'kubelet_certificate_manager_client_expiration_renew_errors 0',
    'kubelet_server_expiration_renew_errors 1',
  ]) {
    t.ok(lines.includes(line), line);
  }
});

t.test('a certificate that is missing has no time left to show', async (t) => {
  const lines = renderCertificateTtl({ client: 90_000, server: undefined }, 30_000);
  t.same(
    lines.filter((line) => !line.startsWith('#')),
    ['kubelet_certificate_manager_client_ttl_seconds 60'],
  );
});
