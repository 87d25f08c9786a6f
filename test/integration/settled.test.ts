// Without changes, no controller works: no reconcile and no write, on a state with one object of each kind. The test runs
// all that createControllers returns, so it includes new controllers.
import t, { type Test } from 'tap';
import { bootstrapTokenSecret } from '../../controlplane/api/bootstrap-token';
import {
  certificateSigningRequests,
  configMaps,
  daemonSets,
  deployments,
  endpointSlices,
  endpoints,
  jobs,
  namespaces,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  secrets,
  services,
  storageClasses,
} from '../../controlplane/api/index';
import { isJobFinished } from '../../controlplane/api/job';
import type { Kind } from '../../controlplane/api/kind';
import { silentLogger as log } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import { createControllers } from '../../controlplane/controllers/main';
import { patienceMs } from '../../controlplane/controllers/programming/plan';
import type { Deps } from '../../controlplane/controllers/shared/deps';
import { InformerSet } from '../../controlplane/controllers/shared/informers';
import { readAuthority, readTokenKey } from '../../controlplane/pki/pki';
import { runScheduler } from '../../controlplane/scheduler/main';
import { countingClient } from '../lib/counting-client';
import { eventually } from '../lib/eventually';
import { FakeClock } from '../lib/fake-clock';
import { createNodes, runFakeKubelets } from '../lib/fake-kubelet';
import { clusterSamples, missingKinds, type Sample, samplesOf } from '../lib/samples';
import { openTestServer } from '../lib/test-server';

t.setTimeout(120_000);

const namespace = 'samples';
const finalizers = ['example.com/hold'];

interface Counters {
  /** The work since the test last emptied the list: `garbage: reconcile pods a/b`. */
  readonly events: string[];
  readonly clock: FakeClock;
  readonly names: readonly string[];
}

/** Starts all controllers, each with a client that counts writes, on one clock that only the test moves. */
async function startControllers(test: Test): Promise<{ client: Client; counters: Counters }> {
  const server = await openTestServer();
  const abort = new AbortController();
  const running: Promise<unknown>[] = [];
  test.teardown(async () => {
    abort.abort(new Error('test over'));
    await Promise.allSettled(running);
    await server.close();
  });
  const clock = new FakeClock(Date.now());
  const events: string[] = [];
  const manager = server.client('system:kube-controller-manager');
  const informers = new InformerSet({ client: manager, log, clock });
  const deps = (name: string): Deps => {
    const client = countingClient(manager, (what) => events.push(`${name}: ${what}`));
    return {
      client,
      informers,
      clock,
      log,
      recorder: (component) => createEventRecorder({ client, component, log, clock }),
      onReconcile: (key) => events.push(`${name}: reconcile ${key}`),
    };
  };
  const authority = (await readAuthority(server.pkiDir))!;
  const options = {
    catalog: server.catalog,
    client: manager,
    log,
    clusterCidr: '10.244.0.0/16',
    loadBalancerPool: '192.0.2.64/28',
    caPem: authority.cert,
    signing: { authority, maxLifetimeMs: 3_600_000 },
    tokenKey: (await readTokenKey(server.pkiDir))!,
  };
  const controllers = createControllers(options, deps);
  running.push(informers.run(abort.signal));
  for (const controller of Object.values(controllers)) running.push(controller.run(abort.signal));
  const client = server.client();
  running.push(runScheduler({ client: server.client('system:kube-scheduler'), log }, abort.signal));
  const ends = (pod: Pod) => (pod.metadata?.labels?.['app'] === 'job' ? ('Succeeded' as const) : undefined);
  running.push(runFakeKubelets(client, abort.signal, { ends }));
  return { client, counters: { events, clock, names: Object.keys(controllers) } };
}

/** Resolves when the controllers have done no work for a while. The error names a controller that never stops. */
async function settle({ events, clock }: Counters): Promise<void> {
  let quiet = 0;
  for (let round = 0; quiet < 150; round++) {
    if (round > 10_000) throw new Error(`does not settle: ${summary(events)}`);
    const before = events.length;
    await new Promise((resolve) => setTimeout(resolve, 2));
    quiet = events.length === before ? quiet + 1 : 0;
    // Time moves only so far that back-offs and the rate limit of keys end; timers with longer delays are not due.
    if (events.length === before) clock.advance(1);
  }
}

function summary(events: readonly string[]): string {
  const counts = [...Map.groupBy(events, (event) => event)].map(([event, all]) => ({ event, times: all.length }));
  counts.sort((a, b) => b.times - a.times);
  return JSON.stringify(counts.slice(0, 20), null, 1);
}

async function createAll(client: Client, samples: readonly Sample[]): Promise<void> {
  for (const { kind, object } of samples) await client.create(kind, structuredClone(object));
}

const extras: readonly Sample[] = (
  [
    // A Service without a selector, and Endpoints for the mirroring controller.
    [services, { metadata: { name: 'sample-endpoints' }, spec: { ports: [{ port: 80 }] } }],
    [
      services,
      {
        metadata: { name: 'balanced' },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }], selector: { app: 'deployment' } },
      },
    ],
    [
      services,
      { metadata: { name: 'empty' }, spec: { clusterIP: 'None', ports: [{ port: 80 }], selector: { app: 'nobody' } } },
    ],
    [
      deployments,
      {
        metadata: { name: 'unready' },
        spec: {
          selector: { matchLabels: { app: 'unready' } },
          template: {
            metadata: { labels: { app: 'unready' } },
            spec: { nodeSelector: { no: 'such' }, containers: [{ name: 'c', image: 'registry.local/app:1' }] },
          },
        },
      },
    ],
    [
      jobs,
      {
        metadata: { name: 'suspended' },
        spec: {
          suspend: true,
          template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.local/app:1' }] } },
        },
      },
    ],
  ] as unknown as readonly (readonly [Kind, { metadata: object }])[]
).map(([kind, object]) => ({ kind, object: { ...object, metadata: { ...object.metadata, namespace } } }));

/** Objects that own each other, and a foreground deletion that a foreign finalizer blocks. */
async function createOwners(client: Client): Promise<void> {
  const reference = (name: string, uid = '') => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name,
    uid,
    blockOwnerDeletion: true,
  });
  const make = (name: string, over: object = {}) =>
    client.create(configMaps, { metadata: { name, namespace, ...over } });
  const a = await make('circle-a');
  const b = await make('circle-b', { ownerReferences: [reference('circle-a', a.metadata?.uid)] });
  const ownerReferences = [reference('circle-b', b.metadata?.uid)];
  await client.patch(configMaps, `${namespace}/circle-a`, 'merge', { metadata: { ownerReferences } });
  const owner = await make('held-owner');
  await make('held-child', { finalizers, ownerReferences: [reference('held-owner', owner.metadata?.uid)] });
  await client.delete(configMaps, `${namespace}/held-owner`, { propagationPolicy: 'Foreground' });
}

/** A namespace that a foreign finalizer keeps Terminating. */
async function createStuckNamespace(client: Client): Promise<void> {
  await client.create(namespaces, { metadata: { name: 'stuck' } });
  await client.create(configMaps, { metadata: { name: 'held', namespace: 'stuck', finalizers } });
  await client.delete(namespaces, 'stuck');
}

const isComplete =
  (name: string) => (all: readonly { metadata?: { name?: string }; status?: { availableReplicas?: number } }[]) =>
    all.some(({ metadata, status }) => metadata?.name === name && status?.availableReplicas === 2);

/** Claims that are bound, that have grown, and that wait; a volume that is released; a pod with an ephemeral volume. */
async function createVolumes(client: Client): Promise<void> {
  await client.patch(nodes, 'n1', 'merge', { metadata: { annotations: { 'k8ts.io/volumes-directory': '/data' } } });
  const now = { provisioner: 'k8ts.io/directory', allowVolumeExpansion: true };
  await client.create(storageClasses, { metadata: { name: 'now' }, ...now });
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const claim = (name: string, parts: object) =>
    client.create(persistentVolumeClaims, { metadata: { name, namespace }, spec: { ...spec, ...parts } });
  await claim('grown', { storageClassName: 'now' });
  await claim('waiting', { storageClassName: '' });
  await claim('classless', { storageClassName: 'missing' });
  const volumeClaimTemplate = { spec: { ...spec, storageClassName: 'now' } };
  await client.create(pods, {
    metadata: { name: 'scratch', namespace },
    spec: {
      containers: [{ name: 'c', image: 'registry.local/app:1' }],
      volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate } }],
    },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'kept' },
    spec: {
      ...spec,
      capacity: { storage: '1Gi' },
      hostPath: { path: '/kept' },
      // Another claim would take it.
      claimRef: { namespace, name: 'leaving' },
      resources: undefined,
    },
  } as PersistentVolume);
  await claim('leaving', { storageClassName: '', volumeName: 'kept' });
  const isBound = (name: string) => (all: readonly PersistentVolumeClaim[]) =>
    all.some(({ metadata, status }) => metadata?.name === name && status?.phase === 'Bound');
  for (const name of ['grown', 'leaving', 'scratch-v'])
    await eventually(client, persistentVolumeClaims, isBound(name), { namespace });
  await client.delete(persistentVolumeClaims, `${namespace}/leaving`);
  await client.patch(persistentVolumeClaims, `${namespace}/grown`, 'merge', {
    spec: { resources: { requests: { storage: '2Gi' } } },
  });
  await eventually(client, persistentVolumes, (all) => all.some(({ status }) => status?.phase === 'Released'));
}

t.test('a settled state causes no work', async (t) => {
  const { client, counters } = await startControllers(t);
  await createNodes(client, 'n1', 'n2');
  await client.create(namespaces, { metadata: { name: namespace } });
  const samples = [...(await clusterSamples('sample')), ...samplesOf(namespace)];
  t.same(missingKinds(samples), [], 'every kind has a sample');
  await createAll(client, [...samples, ...extras]);
  const expiresAtMs = Date.now() + 86_400_000;
  const token = {
    id: 'abcdef',
    secret: '0123456789abcdef',
    description: '',
    expiresAtMs,
    usages: ['signing'],
    groups: [],
  };
  await client.create(secrets, bootstrapTokenSecret(token));
  const annotations = { 'kubernetes.io/service-account.name': 'sample' };
  const type = 'kubernetes.io/service-account-token';
  await client.create(secrets, { metadata: { name: 'token', namespace, annotations }, type });
  await createOwners(client);
  await createVolumes(client);
  await createStuckNamespace(client);

  await eventually(client, deployments, isComplete('sample'), { namespace });
  await eventually(client, daemonSets, (all) => all.some(({ status }) => status?.numberAvailable === 2), { namespace });
  await eventually(client, jobs, (all) => all.some(isJobFinished), { namespace });
  await eventually(client, certificateSigningRequests, (all) => all.length === 1);
  await eventually(client, endpoints, (all) => all.some(({ subsets }) => (subsets ?? []).length > 0), { namespace });
  await eventually(client, endpointSlices, (all) => all.length >= 4, { namespace });
  await eventually(client, nodes, (all) => all.every(({ spec }) => spec?.podCIDR !== undefined));
  await eventually(client, pods, (all) => all.length > 5, { namespace });

  await settle(counters);
  // At that time the controllers give up waiting for nodes without a kube-proxy, once.
  counters.clock.advance(patienceMs);
  await settle(counters);
  const { events, clock, names } = counters;
  const worked = new Set(events.map((event) => event.slice(0, event.indexOf(':'))));
  t.comment(`idle all the time: ${names.filter((name) => !worked.has(name)).join(', ') || 'none'}`);
  t.ok(worked.size >= names.length - 4, 'nearly all controllers had work');
  t.same(
    clock.pending().filter((ms) => ms < 1_000),
    [],
    'no key waits for a back-off or its rate limit',
  );

  events.length = 0;
  // Twenty seconds are well below the 40 after which a silent node becomes not ready.
  for (let second = 0; second < 20; second++) {
    clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const name of names) {
    t.same(
      events.filter((event) => event.startsWith(`${name}: `)),
      [],
      `${name} does nothing`,
    );
  }
});
