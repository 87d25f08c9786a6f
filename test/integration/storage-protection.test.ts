// Deleted claims and volumes stay while they are in use: the API server with all controllers.
import t from 'tap';
import {
  type KubeObject,
  objectKey,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  serviceAccounts,
} from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

const namespace = 'default';
const keys = (objects: readonly KubeObject[]) => objects.map(objectKey).sort().join(' ');

t.test('a claim stays until its pod is deleted', async (t) => {
  const { client } = await openControlPlane(t);
  await eventually(client, serviceAccounts, (found) => found.map(objectKey).includes('default/default'));
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  for (const name of ['used', 'free']) {
    await client.create(persistentVolumeClaims, { metadata: { name, namespace }, spec });
  }
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'used' } }];
  await client.create(pods, {
    metadata: { name: 'p', namespace },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], volumes },
  });
  await client.delete(persistentVolumeClaims, 'default/used');
  await client.delete(persistentVolumeClaims, 'default/free');
  // The controller has one worker, and it saw `used` first.
  await eventually(client, persistentVolumeClaims, (found) => keys(found) === 'default/used');
  await client.delete(pods, 'default/p', { gracePeriodSeconds: 0 });
  await eventually(client, persistentVolumeClaims, (found) => found.length === 0);
});

t.test('a volume stays until it is released; a lost finalizer comes back', async (t) => {
  const { client } = await openControlPlane(t);
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } };
  for (const name of ['bound', 'free']) await client.create(persistentVolumes, { metadata: { name }, spec });
  const { hostPath: _hostPath, capacity, ...modes } = spec;
  const claim = { ...modes, resources: { requests: capacity }, storageClassName: '', volumeName: 'bound' };
  await client.create(persistentVolumeClaims, { metadata: { name: 'c', namespace }, spec: claim });
  await eventually(client, persistentVolumeClaims, (found) => found.every(({ status }) => status?.phase === 'Bound'));
  await client.patch(persistentVolumes, 'bound', 'merge', { metadata: { finalizers: null } });
  await eventually(client, persistentVolumes, (found) =>
    found.every(({ metadata }) => metadata?.finalizers?.includes('kubernetes.io/pv-protection')),
  );
  await client.delete(persistentVolumes, 'bound');
  await client.delete(persistentVolumes, 'free');
  await eventually(client, persistentVolumes, (found) => keys(found) === 'bound');
  await client.delete(persistentVolumeClaims, 'default/c');
  await eventually(client, persistentVolumes, (found) => found.length === 0);
});
