// A deleted namespace is removed in any state of its objects. Only objects with a foreign finalizer may stay.
import t, { type Test } from 'tap';
import {
  configMaps,
  type Deployment,
  daemonSets,
  deployments,
  events,
  type Job,
  jobs,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  replicaSets,
  serviceAccounts,
} from '../../controlplane/api/index';
import { isJobFinished } from '../../controlplane/api/job';
import type { Client } from '../../controlplane/client/client';
import { trackingFinalizer } from '../../controlplane/controllers/job/pod-state';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { missingKinds, samplesOf } from '../lib/samples';

t.setTimeout(180_000);

const runs = (app: string | undefined) => app === 'job-runs';
async function startCluster(test: Test): Promise<Client> {
  const ends = (pod: Pod) =>
    pod.metadata?.labels?.['batch.kubernetes.io/job-name'] && !runs(pod.metadata.labels['app'])
      ? ('Succeeded' as const)
      : undefined;
  return (await openControlPlane(test, { nodes: ['n1', 'n2'], kubelets: { ends } })).client;
}

const template = (app: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'registry.local/app:1' }], ...spec },
});
const job = (namespace: string, app: string, spec: object = {}): Job =>
  ({
    metadata: { name: app, namespace },
    spec: { template: template(app, { restartPolicy: 'Never' }), ...spec },
  }) as Job;
const deployment = (namespace: string, name: string, spec: object = {}): Deployment =>
  ({
    metadata: { name, namespace },
    spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: template(name), ...spec },
  }) as Deployment;

async function createSamples(client: Client, namespace: string): Promise<void> {
  for (const { kind, object } of samplesOf(namespace)) await client.create(kind, structuredClone(object));
}

async function goes(client: Client, namespace: string): Promise<void> {
  await client.delete(namespaces, namespace);
  await eventually(client, namespaces, (all) => !all.some(({ metadata }) => metadata?.name === namespace));
}

const podsOf = (client: Client, namespace: string, count: number) =>
  eventually(client, pods, (all) => all.filter(({ spec }) => spec?.nodeName).length >= count, { namespace });

/** Prepares the namespace before its deletion. */
const states: Readonly<Record<string, (client: Client, namespace: string) => Promise<unknown>>> = {
  'one of each kind, just created': createSamples,
  'one of each kind, with a finished Job and available pods': async (client, namespace) => {
    await createSamples(client, namespace);
    await eventually(client, jobs, (all) => all.some(isJobFinished), { namespace });
    await eventually(client, deployments, (all) => all.some(({ status }) => status?.availableReplicas === 2), {
      namespace,
    });
  },
  'one of each kind, being deleted in the foreground': async (client, namespace) => {
    await createSamples(client, namespace);
    await podsOf(client, namespace, 3);
    for (const { kind, object } of samplesOf(namespace)) {
      await client.delete(kind, `${namespace}/${object.metadata?.name}`, { propagationPolicy: 'Foreground' });
    }
  },
  'one of each kind, being orphaned': async (client, namespace) => {
    await createSamples(client, namespace);
    await podsOf(client, namespace, 3);
    for (const { kind, object } of samplesOf(namespace)) {
      await client.delete(kind, `${namespace}/${object.metadata?.name}`, { propagationPolicy: 'Orphan' });
    }
  },
  'pods without a node, a paused rollout, an empty set': async (client, namespace) => {
    const nowhere = template('nowhere', { nodeSelector: { no: 'such' } });
    await client.create(deployments, deployment(namespace, 'nowhere', { template: nowhere }));
    await client.create(deployments, deployment(namespace, 'paused', { paused: true }));
    await client.create(deployments, deployment(namespace, 'empty', { replicas: 0 }));
    await eventually(client, replicaSets, (all) => all.length >= 2, { namespace });
  },
  'a Job whose pod was released, adopted and released': async (client, namespace) => {
    await client.create(jobs, job(namespace, 'job-runs'));
    const [pod] = await podsOf(client, namespace, 1);
    const key = `${namespace}/${pod?.metadata?.name}`;
    const isOwned = (owned: boolean) => (all: readonly KubeObject[]) =>
      all.some(
        ({ metadata }) => metadata?.name === pod?.metadata?.name && Boolean(metadata?.ownerReferences) === owned,
      );
    await client.patch(pods, key, 'merge', { metadata: { ownerReferences: null } });
    await eventually(client, pods, isOwned(true), { namespace });
    const adopted = await client.get(pods, key);
    t.same(adopted.metadata?.finalizers, [trackingFinalizer], 'held once');
    await client.patch(pods, key, 'merge', {
      metadata: { labels: { 'batch.kubernetes.io/controller-uid': null, 'controller-uid': null } },
    });
    await eventually(client, pods, isOwned(false), { namespace });
  },
  'a Job whose pods have its finalizer twice': async (client, namespace) => {
    await client.create(jobs, job(namespace, 'job-runs'));
    const [pod] = await podsOf(client, namespace, 1);
    const finalizers = [trackingFinalizer, trackingFinalizer];
    await client.patch(pods, `${namespace}/${pod?.metadata?.name}`, 'merge', { metadata: { finalizers } });
  },
  'a finished Job whose pods get its finalizer again and are deleted by a client': async (client, namespace) => {
    await client.create(jobs, job(namespace, 'ends', { completions: 2, parallelism: 2 }));
    await eventually(client, jobs, (all) => all.some(isJobFinished), { namespace });
    const { items } = await client.list(pods, { namespace });
    for (const { metadata } of items) {
      const key = `${namespace}/${metadata?.name}`;
      await client.patch(pods, key, 'merge', { metadata: { finalizers: [trackingFinalizer] } });
      await client.delete(pods, key, { gracePeriodSeconds: 0 }).catch(() => {});
    }
  },
  'a suspended Job whose pods are deleted by a client': async (client, namespace) => {
    await client.create(jobs, job(namespace, 'job-runs', { completions: 2, parallelism: 2 }));
    const all = await podsOf(client, namespace, 2);
    await client.patch(jobs, `${namespace}/job-runs`, 'merge', { spec: { suspend: true } });
    for (const { metadata } of all) await client.delete(pods, `${namespace}/${metadata?.name}`).catch(() => {});
  },
  'an indexed Job whose failed pod waits for its replacement': async (client, namespace) => {
    const limits = { completionMode: 'Indexed', completions: 1, backoffLimitPerIndex: 5 };
    await client.create(jobs, job(namespace, 'job-runs', limits));
    const [pod] = await podsOf(client, namespace, 1);
    // The namespace takes no replacement any more when the pod has failed: the pod ends by the deletion itself.
    t.same(pod?.metadata?.finalizers, [trackingFinalizer]);
  },
  'pods with the finalizer of a Job that never existed': async (client, namespace) => {
    const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'none', uid: 'none', controller: true }];
    const finalizers = [trackingFinalizer];
    const spec = template('stray').spec;
    await client.create(pods, { metadata: { name: 'stray', namespace, ownerReferences, finalizers }, spec } as Pod);
    await client.create(pods, { metadata: { name: 'free', namespace, finalizers }, spec } as Pod);
  },
  'a Job that is being deleted and no longer selects its pods': async (client, namespace) => {
    await client.create(jobs, job(namespace, 'job-runs'));
    const [pod] = await podsOf(client, namespace, 1);
    const key = `${namespace}/${pod?.metadata?.name}`;
    await client.delete(jobs, `${namespace}/job-runs`, { propagationPolicy: 'Foreground' });
    await client
      .patch(pods, key, 'merge', { metadata: { labels: { 'batch.kubernetes.io/controller-uid': null } } })
      .catch(() => {});
  },
  'owners in a circle': async (client, namespace) => {
    const reference = (name: string, uid = '') => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name,
      uid,
      blockOwnerDeletion: true,
    });
    const a = await client.create(configMaps, { metadata: { name: 'a', namespace } });
    const ownerReferences = [reference('a', a.metadata?.uid)];
    const b = await client.create(configMaps, { metadata: { name: 'b', namespace, ownerReferences } });
    const back = [reference('b', b.metadata?.uid)];
    await client.patch(configMaps, `${namespace}/a`, 'merge', { metadata: { ownerReferences: back } });
    await client.delete(configMaps, `${namespace}/a`, { propagationPolicy: 'Foreground' });
  },
  'a DaemonSet in the middle of an update': async (client, namespace) => {
    const spec = { selector: { matchLabels: { app: 'd' } }, template: template('d') };
    await client.create(daemonSets, { metadata: { name: 'd', namespace }, spec } as never);
    await podsOf(client, namespace, 2);
    const image = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'registry.local/app:2' }];
    await client.patch(daemonSets, `${namespace}/d`, 'json', image);
  },
};

t.test('a namespace is removed within seconds', async (t) => {
  const client = await startCluster(t);
  t.same(missingKinds(samplesOf('n'), { namespaced: true }), [], 'every namespaced kind has a sample');
  for (const [i, [name, prepare]] of Object.entries(states).entries()) {
    const namespace = `state-${i}`;
    await client.create(namespaces, { metadata: { name: namespace } });
    await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace });
    await prepare(client, namespace);
    const involvedObject = { kind: 'Pod', namespace, name: 'gone' };
    await client.create(events, { metadata: { name: 'told', namespace }, involvedObject });
    await goes(client, namespace);
    t.same((await client.list(events, { namespace })).items, [], `${name}: its Events are removed too`);
  }
});
