// Which nodes the volumes of a pod allow, by all plug-ins that look at volumes, in their order in the default profile.
import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { StaticInformer } from '../../../test/lib/static-informer';
import type { CSIDriver } from '../../api/csi-driver';
import type { CSINode } from '../../api/csi-node';
import type { CSIStorageCapacity } from '../../api/csi-storage-capacity';
import type { Node } from '../../api/node';
import type { PersistentVolume } from '../../api/persistent-volume';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { Pod } from '../../api/pod';
import type { StorageClass } from '../../api/storage-class';
import type { VolumeAttachment } from '../../api/volume-attachment';
import { finish } from '../../base/steps';
import { choose } from '../choose';
import { planProfiles } from '../config/profiles';
import { filterNode, gatherChecks } from '../filter';
import { renderUnschedulable } from '../message';
import { NodeInfo } from '../node-info';
import { podInfo } from '../pod-info';
import { planPreemption } from '../preemption';
import { attachmentIndexes, ClusterVolumes, volumeIndexes } from '../volumes/cluster-volumes';

const zone = 'topology.kubernetes.io/zone';
const host = 'kubernetes.io/hostname';

interface Storage {
  claims?: PersistentVolumeClaim[];
  volumes?: PersistentVolume[];
  classes?: StorageClass[];
  csiNodes?: CSINode[];
  csiDrivers?: CSIDriver[];
  capacities?: CSIStorageCapacity[];
  attachments?: VolumeAttachment[];
}
function open(storage: Storage) {
  const volumes = new ClusterVolumes({
    claims: new StaticInformer(storage.claims),
    volumes: new StaticInformer(storage.volumes, volumeIndexes),
    classes: new StaticInformer(storage.classes ?? [waiting, immediate, manual]),
    csiNodes: new StaticInformer(storage.csiNodes),
    csiDrivers: new StaticInformer(storage.csiDrivers),
    capacities: new StaticInformer(storage.capacities),
    attachments: new StaticInformer(storage.attachments, attachmentIndexes),
  });
  const clock = new FakeClock();
  const handle = { client: new MemoryClient(), clock, volumes, serviceSelectors: () => [], ignoredResources: [] };
  const { plugins } = planProfiles({}, handle)[0]!;
  return { volumes, plugins };
}

const storageClass = (name: string, over: object = {}): StorageClass =>
  ({ metadata: { name }, provisioner: 'maker', volumeBindingMode: 'WaitForFirstConsumer', ...over }) as StorageClass;
const waiting = storageClass('waiting');
const immediate = storageClass('immediate', { volumeBindingMode: 'Immediate' });
const manual = storageClass('manual', { provisioner: 'kubernetes.io/no-provisioner' });

interface ClaimShape {
  className?: string;
  /** The volume to which it is bound. */
  bound?: string;
  size?: string;
  modes?: string[];
  annotations?: Record<string, string>;
  over?: object;
  phase?: string;
  selector?: object;
}
const claim = (name: string, shape: ClaimShape = {}): PersistentVolumeClaim =>
  ({
    metadata: {
      name,
      namespace: 'a',
      uid: `uid-${name}`,
      resourceVersion: '1',
      annotations: { ...(shape.bound ? { 'pv.kubernetes.io/bind-completed': 'yes' } : {}), ...shape.annotations },
      ...shape.over,
    },
    spec: {
      storageClassName: shape.className ?? 'waiting',
      volumeName: shape.bound,
      accessModes: shape.modes ?? ['ReadWriteOnce'],
      selector: shape.selector,
      resources: { requests: { storage: shape.size ?? '1Gi' } },
    },
    status: { phase: shape.phase },
  }) as PersistentVolumeClaim;

interface VolumeShape {
  className?: string;
  size?: string;
  node?: string;
  claim?: string;
  labels?: Record<string, string>;
  phase?: string;
  driver?: string;
  modes?: string[];
}
const volume = (name: string, shape: VolumeShape = {}): PersistentVolume =>
  ({
    metadata: { name, resourceVersion: '1', labels: shape.labels },
    spec: {
      storageClassName: shape.className ?? 'manual',
      capacity: { storage: shape.size ?? '1Gi' },
      accessModes: shape.modes ?? ['ReadWriteOnce'],
      ...(shape.claim ? { claimRef: { namespace: 'a', name: shape.claim, uid: `uid-${shape.claim}` } } : {}),
      ...(shape.driver ? { csi: { driver: shape.driver, volumeHandle: `handle-${name}` } } : {}),
      ...(shape.node
        ? {
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: host, operator: 'In', values: [shape.node] }] }],
              },
            },
          }
        : {}),
    },
    status: { phase: shape.phase ?? 'Available' },
  }) as PersistentVolume;

let sequence = 0;
function pod(
  claims: readonly string[],
  over: { name?: string; ephemeral?: string; volumes?: object[]; priority?: number } = {},
) {
  const name = over.name ?? `p${sequence++}`;
  const volumes = [
    ...claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    ...(over.ephemeral ? [{ name: over.ephemeral, ephemeral: { volumeClaimTemplate: {} } }] : []),
    ...(over.volumes ?? []),
  ];
  return podInfo({
    metadata: { name, namespace: 'a', uid: name },
    spec: { containers: [{ name: 'c' }], volumes, priority: over.priority ?? 0 },
  } as Pod);
}
function node(name: string, over: { labels?: Record<string, string>; pods?: ReturnType<typeof pod>[] } = {}): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode({
    metadata: { name, labels: { [host]: name, ...over.labels } },
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
  } as Node);
  for (const each of over.pods ?? []) info.add(each);
  return info;
}

/** The names of the nodes that fit, or why none does. */
function decide(storage: Storage, incoming: ReturnType<typeof pod>, ...nodes: NodeInfo[]): string {
  const { plugins } = open(storage);
  const checks = finish(gatherChecks(plugins, cycle(plugins, incoming, nodes)));
  const fitting = nodes.filter((each) => filterNode(checks, each) === undefined);
  if (fitting.length > 0) return fitting.map(({ name }) => name).join();
  const choice = finish(choose({ ...cycle(plugins, incoming, nodes), random: () => 0 }));
  if (choice.node) return choice.node.name;
  return renderUnschedulable({
    nodeCount: nodes.length,
    refusals: choice.refusals.values(),
    podRefusal: choice.podRefusal,
  });
}
const cycle = (plugins: ReturnType<typeof open>['plugins'], incoming: ReturnType<typeof pod>, nodes: NodeInfo[]) => ({
  plugins,
  pod: incoming,
  nodes,
  namespaceLabels: () => undefined,
  offset: 0,
});
const all = (reason: string, count = 1) => `0/${count} nodes are available: ${reason}.`;

t.test('claims that keep a pod from every node', async (t) => {
  const owned = { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'other', uid: 'other', controller: true }] };
  const cases: { name: string; storage: Storage; pod: ReturnType<typeof pod>; want: string }[] = [
    { name: 'missing', storage: {}, pod: pod(['x']), want: 'persistentvolumeclaim "x" not found' },
    {
      name: 'of a generic ephemeral volume, not made yet',
      storage: {},
      pod: pod([], { name: 'p', ephemeral: 'scratch' }),
      want: 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-scratch"',
    },
    {
      name: 'of a generic ephemeral volume, made for another pod',
      storage: { claims: [claim('p-scratch', { over: owned })] },
      pod: pod([], { name: 'p', ephemeral: 'scratch' }),
      want: 'PVC a/p-scratch was not created for pod a/p (pod is not owner)',
    },
    {
      name: 'lost',
      storage: { claims: [claim('x', { bound: 'v', phase: 'Lost' })] },
      pod: pod(['x']),
      want: 'persistentvolumeclaim "x" bound to non-existent persistentvolume "v"',
    },
    {
      name: 'being deleted',
      storage: { claims: [claim('x', { over: { deletionTimestamp: '2026-01-01T00:00:00Z' } })] },
      pod: pod(['x']),
      want: 'persistentvolumeclaim "x" is being deleted',
    },
    {
      name: 'of a class that binds at once, not bound yet',
      storage: { claims: [claim('x', { className: 'immediate' })] },
      pod: pod(['x']),
      want: 'pod has unbound immediate PersistentVolumeClaims',
    },
    {
      name: 'of a class that does not exist',
      storage: { claims: [claim('x', { className: 'none' })] },
      pod: pod(['x']),
      want: 'pod has unbound immediate PersistentVolumeClaims',
    },
  ];
  for (const { name, storage, pod: incoming, want } of cases) {
    t.equal(decide(storage, incoming, node('n1')), all(want), name);
  }
});

t.test('bound volumes', async (t) => {
  const bound = claim('x', { bound: 'v' });
  const nodes = [node('n1'), node('n2')];
  t.equal(decide({ claims: [bound], volumes: [volume('v', { node: 'n2' })] }, pod(['x']), ...nodes), 'n2');
  t.equal(
    decide({ claims: [bound], volumes: [volume('v', { node: 'n3' })] }, pod(['x']), ...nodes),
    all("2 node(s) didn't match PersistentVolume's node affinity", 2),
  );
  t.equal(decide({ claims: [bound] }, pod(['x']), ...nodes), all('persistentvolume "v" not found', 2));
});

t.test('claims that wait for the pod take volumes made by hand', async (t) => {
  const nodes = [node('n1'), node('n2')];
  const take = (volumes: PersistentVolume[], ...claims: PersistentVolumeClaim[]) =>
    decide({ claims, volumes }, pod(claims.map(({ metadata }) => metadata!.name!)), ...nodes);
  const wanted = claim('x', { className: 'manual', size: '2Gi' });
  const none = all("2 node(s) didn't find available persistent volumes to bind", 2);
  t.equal(take([volume('v', { size: '2Gi', node: 'n1' })], wanted), 'n1');
  t.equal(take([volume('v', { size: '1Gi', node: 'n1' })], wanted), none, 'too small');
  t.equal(take([volume('v', { size: '2Gi', claim: 'other' })], wanted), none, 'of another claim');
  t.equal(take([volume('v', { size: '2Gi', phase: 'Released' })], wanted), none, 'released');
  t.equal(take([volume('v', { size: '2Gi', modes: ['ReadOnlyMany'] })], wanted), none, 'other access modes');
  t.equal(take([volume('v', { size: '2Gi', claim: 'x', phase: 'Pending' })], wanted), 'n1,n2', 'made for this claim');
  t.equal(
    take(
      [volume('v', { labels: { disk: 'ssd' } })],
      claim('x', { className: 'manual', selector: { matchLabels: { disk: 'hdd' } } }),
    ),
    none,
    'the selector of the claim',
  );
  t.equal(
    take(
      [volume('v1', { node: 'n1' }), volume('v2', { node: 'n2' })],
      claim('x', { className: 'manual' }),
      claim('y', { className: 'manual' }),
    ),
    none,
    'two claims need two volumes on one node',
  );
});

t.test('claims that wait for the pod get new volumes', async (t) => {
  const nodes = [node('n1', { labels: { [zone]: 'a' } }), node('n2', { labels: { [zone]: 'b' } })];
  const wanted = claim('x');
  const limited = storageClass('waiting', {
    allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: ['b', 'c'] }] }],
  });
  t.equal(decide({ claims: [wanted] }, pod(['x']), ...nodes), 'n1,n2');
  t.equal(decide({ claims: [wanted], classes: [limited] }, pod(['x']), ...nodes), 'n2', 'allowedTopologies');
  const selected = claim('x', { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } });
  t.equal(decide({ claims: [selected] }, pod(['x']), ...nodes), 'n1', 'a volume is being made for this node');
  const csiDrivers = [{ metadata: { name: 'maker' }, spec: { storageCapacity: true } }] as CSIDriver[];
  const capacity = (over: object) =>
    ({
      metadata: { name: 'c', namespace: 'a' },
      storageClassName: 'waiting',
      nodeTopology: { matchLabels: { [zone]: 'a' } },
      ...over,
    }) as CSIStorageCapacity;
  const claims = [claim('x', { size: '5Gi' })];
  const noSpace = all('2 node(s) did not have enough free storage', 2);
  const fitting = (over: object) => decide({ claims, csiDrivers, capacities: [capacity(over)] }, pod(['x']), ...nodes);
  t.equal(fitting({ capacity: '5Gi' }), 'n1', 'enough capacity in the zone');
  t.equal(fitting({ capacity: '4Gi' }), noSpace);
  t.equal(fitting({ capacity: '9Gi', maximumVolumeSize: '4Gi' }), noSpace, 'no volume may be as large');
  t.equal(fitting({ capacity: '9Gi', nodeTopology: undefined }), noSpace, 'no node has access');
  t.equal(fitting({ capacity: '9Gi', storageClassName: 'other' }), noSpace);
});

t.test('zones of volumes', async (t) => {
  const nodes = [node('n1', { labels: { [zone]: 'a' } }), node('n2', { labels: { [zone]: 'b' } }), node('n3')];
  const claims = [claim('x', { bound: 'v' })];
  const from = (labels: Record<string, string>) =>
    decide({ claims, volumes: [volume('v', { labels })] }, pod(['x']), ...nodes);
  t.equal(from({ [zone]: 'b' }), 'n2,n3', 'a node without zone labels is in no other zone');
  t.equal(from({ [zone]: 'a__b' }), 'n1,n2,n3');
  t.equal(from({ 'failure-domain.beta.kubernetes.io/zone': 'a' }), 'n1,n3', 'the old label');
  t.equal(
    decide({ claims, volumes: [volume('v', { labels: { [zone]: 'c' } })] }, pod(['x']), ...nodes.slice(0, 2)),
    all('2 node(s) had no available volume zone', 2),
  );
});

t.test('limits of a driver', async (t) => {
  const csiNodes = [
    { metadata: { name: 'n1' }, spec: { drivers: [{ name: 'maker', nodeID: 'n1', allocatable: { count: 2 } }] } },
  ] as CSINode[];
  const claims = ['x', 'y', 'z'].map((name) => claim(name, { bound: `v${name}` }));
  const volumes = ['x', 'y', 'z'].map((name) => volume(`v${name}`, { driver: 'maker' }));
  const fits = (incoming: string[], used: string[][], over: Storage = {}) =>
    decide(
      { claims, volumes, csiNodes, ...over },
      pod(incoming),
      node('n1', { pods: used.map((names) => pod(names)) }),
    );
  const full = all('1 node(s) exceed max volume count');
  t.equal(fits(['z'], [['x']]), 'n1');
  t.equal(fits(['z'], [['x'], ['y']]), full);
  t.equal(fits(['x'], [['x'], ['y']]), 'n1', 'a volume that the node has counts once');
  t.equal(fits(['x', 'y', 'z'], []), full);
  const attachments = [
    { metadata: { name: 'a' }, spec: { attacher: 'maker', nodeName: 'n1', source: { persistentVolumeName: 'vy' } } },
  ] as VolumeAttachment[];
  t.equal(fits(['z'], [['x']], { attachments }), full, 'attached without a pod');
  t.equal(fits(['new', 'z'], [['x']], { claims: [...claims, claim('new')] }), full, 'a volume still to be made counts');
});

t.test('ReadWriteOncePod', async (t) => {
  const claims = [claim('x', { bound: 'v', modes: ['ReadWriteOncePod'] })];
  const volumes = [volume('v', { modes: ['ReadWriteOncePod'] })];
  const refused =
    'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';
  const nodes = [
    node('n1', { pods: [pod(['x'], { name: 'user' })] }),
    node('n2', { pods: [pod([], { name: 'bystander' })] }),
  ];
  t.equal(decide({ claims, volumes }, pod(['x']), ...nodes), all(`2 ${refused}`, 2), 'on every node');
  const { plugins } = open({ claims, volumes });
  const base = cycle(plugins, pod(['x'], { priority: 10 }), nodes);
  const choice = finish(choose({ ...base, random: () => 0 }));
  if (choice.node) throw new Error('the claim is in use');
  const input = { refusals: choice.refusals, nominated: () => [], isVictim: () => false, budgets: [], now: 0 };
  const plan = finish(planPreemption({ ...base, ...input }));
  t.match(plan, { node: 'n1', victims: [{ key: 'a/user' }] }, 'only the pod that uses the claim is evicted');
});

t.test('disks of which a node has one user', async (t) => {
  const disk = (readOnly: boolean) => ({ name: 'd', iscsi: { targetPortal: 'p', iqn: 'iqn', lun: 0, readOnly } });
  const using = (readOnly: boolean) => node('n1', { pods: [pod([], { volumes: [disk(readOnly)] })] });
  t.equal(decide({}, pod([], { volumes: [disk(true)] }), using(true)), 'n1');
  t.equal(decide({}, pod([], { volumes: [disk(false)] }), using(true)), all('1 node(s) had no available disk'));
});

t.test('a volume that is given to one pod is not given to the next before the API shows it', async (t) => {
  const claims = [claim('x', { className: 'manual' }), claim('y', { className: 'manual', size: '1Gi' })];
  const volumes = [volume('large', { size: '9Gi' }), volume('small', { size: '2Gi' })];
  const { plugins, volumes: known } = open({ claims, volumes });
  const binding = plugins.find(({ name }) => name === 'VolumeBinding')!;
  const first = pod(['x']);
  const release = binding.reserve!(first, node('n1'));
  t.equal(known.volume('small')?.spec?.claimRef?.name, 'x', 'the smallest volume that is large enough');
  t.equal(known.volume('small')?.metadata?.annotations?.['pv.kubernetes.io/bound-by-controller'], 'yes');
  binding.reserve!(pod(['y']), node('n1'));
  t.equal(known.volume('large')?.spec?.claimRef?.name, 'y');
  release();
  t.equal(known.volume('small')?.spec?.claimRef, undefined);
  t.equal(binding.needsPreBind!(first), false);
});
