// A StatefulSet with claims of the default class, from the API server by the controllers and the scheduler to a kubelet with real Docker
// and its own rights: data stays with its name, and the folder goes with the claim.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  type KindRef,
  type KubeObject,
  nodes,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StatefulSet,
  statefulSets,
} from '../../controlplane/api';
import { silentLogger as log } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { runScheduler } from '../../controlplane/scheduler/main';
import { openControlPlane } from '../lib/control-plane';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { eventually } from '../lib/eventually';
import { isReady, startKubelet } from '../lib/kubelet';

t.setTimeout(400_000);

t.test('a StatefulSet with claims', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const { server, client, run } = await openControlPlane(t);
  run((signal) => runScheduler({ client: server.client('system:kube-scheduler'), log }, signal));
  const asNode = server.client('system:node:n1', 'system:nodes');
  let running = await startKubelet(asNode, dockerd);
  scope.defer(() => running.stop());
  const folder = join(dockerd.dir, 'kubelet/persistent-volumes');
  const folders = async () => (await readdir(folder).catch(() => [])).sort();
  /** No event says that the kubelet has removed a folder. */
  const onDisk = async (count: number) => {
    while ((await folders()).length !== count) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const until = <T extends KubeObject>(kind: KindRef<T>, holds: (objects: readonly T[]) => boolean) =>
    eventually(client, kind, holds, {}, 180_000);
  await until(nodes, (all) => all.some(({ spec }) => spec?.podCIDR !== undefined));
  const claimTemplate: PersistentVolumeClaim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
  };
  const container = {
    name: 'app',
    image: dockerd.image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', 'echo $HOSTNAME >>/data/starts; exec sleep 1000'],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  };
  const set: StatefulSet = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      serviceName: 'db',
      replicas: 2,
      selector: { matchLabels: { app: 'db' } },
      template: {
        metadata: { labels: { app: 'db' } },
        spec: { terminationGracePeriodSeconds: 1, containers: [container] },
      },
      volumeClaimTemplates: [claimTemplate],
    },
  };
  await client.create(statefulSets, set);
  const named = (all: readonly Pod[], name: string) => all.find(({ metadata }) => metadata?.name === name);
  const ready = async (name: string, oldUid?: string): Promise<Pod> => {
    const all = await until(pods, (found) => {
      const pod = named(found, name);
      return isReady(pod) && pod?.metadata?.uid !== oldUid;
    });
    return named(all, name)!;
  };
  const shell = async (name: string, script: string) => {
    const id = (await client.get<Pod>(pods, `default/${name}`)).status!.containerStatuses![0]!.containerID!.replace(
      'docker://',
      '',
    );
    return dockerd.docker('exec', id, '/bin/sh', '-c', script);
  };
  const first = await ready('db-0');
  await ready('db-1');
  t.equal((await folders()).length, 2);
  t.equal(await shell('db-0', 'cat /data/starts'), 'db-0\n');

  // A pod that is deleted comes back with its data, also when the kubelet was started again meanwhile.
  await client.delete(pods, 'default/db-0');
  await running.stop();
  running = await startKubelet(asNode, dockerd);
  await ready('db-0', first.metadata?.uid);
  t.equal(await shell('db-0', 'cat /data/starts'), 'db-0\ndb-0\n');

  // Down and up.
  const scale = (replicas: number) => client.patch(statefulSets, 'default/db', 'merge', { spec: { replicas } });
  await scale(0);
  await until(pods, (all) => all.length === 0);
  t.equal((await folders()).length, 2, 'the claims stay');
  await scale(1);
  await ready('db-0');
  t.equal(await shell('db-0', 'cat /data/starts'), 'db-0\ndb-0\ndb-0\n');

  // Expansion.
  const claim = () => client.get<PersistentVolumeClaim>(persistentVolumeClaims, 'default/data-db-0');
  await client.patch(persistentVolumeClaims, 'default/data-db-0', 'merge', {
    spec: { resources: { requests: { storage: '20Mi' } } },
  });
  await until(persistentVolumeClaims, (all) => all.some(({ status }) => status?.capacity?.['storage'] === '20Mi'));
  const bound = await client.get(persistentVolumes, (await claim()).spec?.volumeName ?? '');
  t.equal(bound.spec?.capacity?.['storage'], '20Mi');

  // The claim of a pod that is gone, then that of a pod that still runs: its folder stays until the pod has ended.
  await client.delete(persistentVolumeClaims, 'default/data-db-1');
  await onDisk(1);
  await client.delete(persistentVolumeClaims, 'default/data-db-0');
  t.equal(await shell('db-0', 'cat /data/starts'), 'db-0\ndb-0\ndb-0\n');
  await client.delete(statefulSets, 'default/db');
  await onDisk(0);
  await until(persistentVolumes, (all) => all.length === 0);
});
