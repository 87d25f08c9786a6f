// A StatefulSet on a real API server in this process: in order, with claims, updated, rolled back, taken over by another set.
import { join } from 'node:path';
import t from 'tap';
import {
  controllerRevisions,
  events,
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StatefulSet,
  serviceAccounts,
  statefulSets,
} from '../../controlplane/api/index';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { skippedWithoutKubectl } from '../lib/kubectl';
import { playVolumes } from '../lib/played-volumes';

t.setTimeout(180_000);
const exec = new SystemExec();
const namespace = 'default';
const inDefault = { namespace };

const setOf = (name: string, spec: object = {}): StatefulSet => ({
  metadata: { name, namespace },
  spec: {
    replicas: 3,
    serviceName: 'nginx',
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'registry.local/app:1' }] },
    },
    ...spec,
  },
});
/** All pods run from the template, and the status says so. */
const complete = (name: string, count: number) => (all: readonly StatefulSet[]) => {
  const { metadata, status } = all.find((set) => set.metadata?.name === name) ?? {};
  const counts = [status?.replicas, status?.readyReplicas, status?.updatedReplicas, status?.availableReplicas];
  return (
    status?.observedGeneration === metadata?.generation &&
    status?.currentRevision === status?.updateRevision &&
    counts.every((value) => value === count)
  );
};
const image = (value: string) => [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value }];
const imageOf = ({ spec }: Pod): string => spec?.containers[0]?.image ?? '';
const byName = (list: readonly Pod[]) =>
  [...list].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));

t.test('pods in order, updates from the highest ordinal down, a partition, and the history', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1'] });
  await eventually(client, serviceAccounts, (all) => all.length === 1, inDefault);
  await client.create(statefulSets, setOf('web'));
  await eventually(client, statefulSets, complete('web', 3), inDefault);
  const first = byName((await client.list(pods, inDefault)).items);
  t.same(
    first.map(({ metadata }) => metadata?.name),
    ['web-0', 'web-1', 'web-2'],
  );
  t.match(first[1], {
    metadata: {
      labels: { 'statefulset.kubernetes.io/pod-name': 'web-1', 'apps.kubernetes.io/pod-index': '1' },
      ownerReferences: [{ kind: 'StatefulSet', controller: true }],
    },
    spec: { hostname: 'web-1', subdomain: 'nginx' },
  });
  const revision = (await client.get(statefulSets, `${namespace}/web`)).status?.updateRevision;
  t.equal(first[0]?.metadata?.labels?.['controller-revision-hash'], revision);
  await eventually(
    client,
    events,
    (all) => all.some(({ message }) => message === 'Create Pod web-2 in StatefulSet web successful'),
    inDefault,
  );

  t.comment('a partition keeps the lower ordinals, and gives them the old template again');
  const partition = (value: number) => [{ op: 'replace', path: '/spec/updateStrategy/rollingUpdate/partition', value }];
  await client.patch(statefulSets, `${namespace}/web`, 'json', [...image('registry.local/app:2'), ...partition(2)]);
  const updated = ([set]: readonly StatefulSet[]) =>
    set?.status?.updatedReplicas === 1 && set.status.readyReplicas === 3;
  await eventually(client, statefulSets, updated, inDefault);
  const uid = first[0]?.metadata?.uid;
  await client.delete(pods, `${namespace}/web-0`);
  const isBack = (all: readonly Pod[]) =>
    all.some(
      ({ metadata, status }) => metadata?.name === 'web-0' && metadata.uid !== uid && status?.phase === 'Running',
    );
  await eventually(client, pods, isBack, inDefault);
  const parted = byName((await client.list(pods, inDefault)).items).map(imageOf);
  t.same(parted, ['registry.local/app:1', 'registry.local/app:1', 'registry.local/app:2']);
  await client.patch(statefulSets, `${namespace}/web`, 'json', partition(0));
  await eventually(client, statefulSets, complete('web', 3), inDefault);

  t.comment('the first template again is its first revision with a new number');
  await client.patch(statefulSets, `${namespace}/web`, 'json', image('registry.local/app:1'));
  await eventually(client, statefulSets, complete('web', 3), inDefault);
  const history = (await client.list(controllerRevisions, inDefault)).items;
  t.same(history.map(({ metadata, revision: number }) => [metadata?.name === revision, number]).sort(), [
    [false, 2],
    [true, 3],
  ]);

  t.comment('scaled down from the highest ordinal');
  await client.patch(statefulSets, `${namespace}/web`, 'merge', { spec: { replicas: 1 } });
  await eventually(client, statefulSets, complete('web', 1), inDefault);
  await eventually(client, pods, (all) => all.length === 1 && all[0]?.metadata?.name === 'web-0', inDefault);

  t.comment('another set takes over the pods of one that was deleted alone, with their revision');
  const [kept] = (await client.list(pods, inDefault)).items;
  await client.delete(statefulSets, `${namespace}/web`, { propagationPolicy: 'Orphan' });
  const isOrphan = ([pod]: readonly Pod[]) => pod !== undefined && pod.metadata?.ownerReferences === undefined;
  await eventually(client, pods, isOrphan, inDefault);
  await eventually(client, statefulSets, (all) => all.length === 0, inDefault);
  await client.create(statefulSets, setOf('web', { replicas: 1 }));
  await eventually(client, statefulSets, complete('web', 1), inDefault);
  const [taken] = (await client.list(pods, inDefault)).items;
  t.equal(taken?.metadata?.uid, kept?.metadata?.uid, 'the same pod');
  t.equal((await client.list(controllerRevisions, inDefault)).items.length, 2);
});

t.test('claims belong to their pods, and go with them by the policy', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1'] });
  await eventually(client, serviceAccounts, (all) => all.length === 1, inDefault);
  const volumeClaimTemplates = [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ];
  const directory = { metadata: { annotations: { 'k8ts.io/volumes-directory': '/data' } } };
  await client.patch(nodes, 'n1', 'merge', directory);
  t.teardown(playVolumes(client));
  const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete', whenScaled: 'Delete' };
  await client.create(statefulSets, setOf('db', { volumeClaimTemplates, persistentVolumeClaimRetentionPolicy }));
  const owned = await eventually(
    client,
    persistentVolumeClaims,
    (all) => all.length === 3 && all.every(({ metadata }) => metadata?.ownerReferences?.length === 1),
    inDefault,
  );
  t.same(owned.map(({ metadata }) => metadata?.name).sort(), ['data-db-0', 'data-db-1', 'data-db-2']);
  t.match(owned[0]?.metadata?.ownerReferences, [{ kind: 'StatefulSet', name: 'db' }]);
  const [pod] = await eventually(client, pods, (all) => all.length === 3, inDefault);
  t.match(pod?.spec?.volumes?.[0], {
    name: 'data',
    persistentVolumeClaim: { claimName: `data-${pod?.metadata?.name}` },
  });

  await eventually(client, statefulSets, complete('db', 3), inDefault);
  const volumes = await eventually(client, persistentVolumes, (all) => all.length === 3);
  t.ok(volumes.every(({ status }) => status?.phase === 'Bound'));
  const first = (await client.get(persistentVolumeClaims, `${namespace}/data-db-0`)).spec?.volumeName;

  await client.patch(statefulSets, `${namespace}/db`, 'merge', { spec: { replicas: 1 } });
  await eventually(client, persistentVolumeClaims, (all) => all.length === 1, inDefault);
  // The directories go with the claims, by the kubelet.
  const left = await eventually(client, persistentVolumes, (all) => all.length === 1);
  t.equal(left[0]?.metadata?.name, first);
  await client.delete(pods, `${namespace}/db-0`);
  await eventually(client, statefulSets, complete('db', 1), inDefault);
  t.equal(
    (await client.get(persistentVolumeClaims, `${namespace}/data-db-0`)).spec?.volumeName,
    first,
    'the same data',
  );
  await client.delete(statefulSets, `${namespace}/db`);
  await eventually(client, persistentVolumeClaims, (all) => all.length === 0, inDefault);
  await eventually(client, pods, (all) => all.length === 0, inDefault);
  await eventually(client, persistentVolumes, (all) => all.length === 0);
});

t.test('kubectl rollout: status, restart, history and undo; scale', async (t) => {
  if (await skippedWithoutKubectl(t, 28)) return;
  const { client, url, authority } = await openControlPlane(t, { nodes: ['n1'] });
  await eventually(client, serviceAccounts, (all) => all.length === 1, inDefault);
  const dir = t.testdir();
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const kubectl = async (...argv: string[]) =>
    (await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...argv])).stdout;
  await client.create(statefulSets, setOf('web', { replicas: 2 }));
  t.match(await kubectl('rollout', 'status', 'sts/web'), /partitioned roll out complete: 2 new pods have been updated/);
  await kubectl('set', 'image', 'sts/web', 'c=registry.local/app:2');
  t.match(await kubectl('rollout', 'status', 'sts/web'), /partitioned roll out complete: 2 new pods have been updated/);
  await kubectl('rollout', 'restart', 'sts/web');
  await kubectl('rollout', 'status', 'sts/web');
  const numbers = (await kubectl('rollout', 'history', 'sts/web')).match(/^\d+/gm);
  t.same(numbers, ['1', '2', '3']);
  t.match(await kubectl('rollout', 'history', 'sts/web', '--revision=1'), /registry\.local\/app:1/);
  await kubectl('rollout', 'undo', 'sts/web', '--to-revision=1');
  await kubectl('rollout', 'status', 'sts/web');
  t.same((await client.list(pods, inDefault)).items.map(imageOf), ['registry.local/app:1', 'registry.local/app:1']);
  await kubectl('scale', 'sts/web', '--replicas=3');
  await kubectl('rollout', 'status', 'sts/web');
  t.match(await kubectl('get', 'sts'), /web\s+3\/3/);
});
