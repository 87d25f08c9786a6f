import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { StaticInformer } from '../../../test/lib/static-informer';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { finish } from '../../base/steps';
import { choose } from '../choose';
import { NodeInfo } from '../node-info';
import type { PluginHandle } from '../plugins/registry';
import { podInfo } from '../pod-info';
import { ClusterVolumes } from '../volumes/cluster-volumes';
import { isKnown, planProfiles, pluginsAt, worksAt } from './profiles';
import { extensionPoints, type PluginArgs, type PluginSets, type ProfileSettings } from './types';

const volumes = new ClusterVolumes({
  claims: new StaticInformer(),
  volumes: new StaticInformer(),
  classes: new StaticInformer(),
  csiNodes: new StaticInformer(),
  csiDrivers: new StaticInformer(),
  capacities: new StaticInformer(),
  attachments: new StaticInformer(),
});
const handle: PluginHandle = {
  client: new MemoryClient(),
  clock: new FakeClock(),
  volumes,
  serviceSelectors: () => [],
  ignoredResources: ['example.com/managed'],
};
const plan = (profile: ProfileSettings) => planProfiles({ profiles: [profile] }, handle)[0]!;
const withArgs = (args: PluginArgs): ProfileSettings => ({
  pluginConfig: Object.entries(args).map(([name, value]) => ({ name, args: value })),
});

t.test('the default profile', async (t) => {
  const { plugins, ...rest } = planProfiles({}, handle)[0]!;
  t.same(rest, {
    schedulerName: 'default-scheduler',
    percentageOfNodesToScore: 0,
    preemption: { percentage: 10, absolute: 100 },
    gates: true,
  });
  const parts = plugins.map(({ name, filter, score }) =>
    `${name}${filter ? ' filter' : ''} ${score?.weight ?? ''}`.trim(),
  );
  t.same(parts, [
    'NodeUnschedulable filter',
    'NodeName filter',
    'TaintToleration filter 3',
    'NodeAffinity filter 2',
    'NodePorts filter',
    'NodeResourcesFit filter 1',
    'VolumeRestrictions filter',
    'NodeVolumeLimits filter',
    'VolumeBinding filter',
    'VolumeZone filter',
    'PodTopologySpread filter 2',
    'InterPodAffinity filter 2',
    'NodeResourcesBalancedAllocation 1',
    'ImageLocality 1',
  ]);
});

t.test('where the plug-ins work is what they have', async (t) => {
  for (const { name, filter, score, reserve, preBind } of plan({}).plugins) {
    const parts = { filter, score, reserve, preBind };
    for (const [point, part] of Object.entries(parts)) {
      t.equal(worksAt(name, point as 'filter'), part !== undefined, `${name} at ${point}`);
    }
  }
});

t.test('which plug-ins work at a point', async (t) => {
  const cases: { name: string; sets: PluginSets; filter?: string; score?: string }[] = [
    {
      name: 'one is disabled everywhere',
      sets: { multiPoint: { disabled: [{ name: 'NodePorts' }, { name: 'ImageLocality' }] } },
      filter:
        'NodeUnschedulable NodeName TaintToleration NodeAffinity NodeResourcesFit VolumeRestrictions NodeVolumeLimits VolumeBinding VolumeZone PodTopologySpread InterPodAffinity',
      score:
        'TaintToleration NodeAffinity NodeResourcesFit PodTopologySpread InterPodAffinity NodeResourcesBalancedAllocation',
    },
    {
      name: 'one is disabled at one point',
      sets: { score: { disabled: [{ name: 'PodTopologySpread' }] } },
      score:
        'TaintToleration NodeAffinity NodeResourcesFit InterPodAffinity NodeResourcesBalancedAllocation ImageLocality',
    },
    {
      name: 'all but one',
      sets: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit', weight: 7 }] } },
      score: 'NodeResourcesFit',
    },
    {
      name: 'those of the point come first',
      sets: { filter: { enabled: [{ name: 'NodePorts' }] } },
      filter:
        'NodePorts NodeUnschedulable NodeName TaintToleration NodeAffinity NodeResourcesFit VolumeRestrictions NodeVolumeLimits VolumeBinding VolumeZone PodTopologySpread InterPodAffinity',
    },
    {
      name: 'nothing but what is named, everywhere',
      sets: { multiPoint: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeName' }, { name: 'NodeAffinity' }] } },
      filter: 'NodeName NodeAffinity',
      score: 'NodeAffinity',
    },
  ];
  for (const { name, sets, filter, score } of cases) {
    if (filter !== undefined) t.equal(pluginsAt('filter', sets).join(' '), filter, name);
    if (score !== undefined) t.equal(pluginsAt('score', sets).join(' '), score, name);
  }
  t.same(pluginsAt('queueSort'), ['PrioritySort']);
  t.same(pluginsAt('bind'), ['DefaultBinder']);
});

t.test('weights: of the point, then the general one, then 1', async (t) => {
  const weights = (sets: PluginSets) => plan({ plugins: sets }).plugins.map(({ name, score }) => [name, score?.weight]);
  const changed = weights({
    multiPoint: { enabled: [{ name: 'NodeAffinity', weight: 5 }, { name: 'TaintToleration' }] },
    score: { enabled: [{ name: 'NodeResourcesFit', weight: 9 }] },
  });
  t.match(Object.fromEntries(changed), { NodeAffinity: 5, TaintToleration: 1, NodeResourcesFit: 9, ImageLocality: 1 });
});

t.test('preemption and gates can be off', async (t) => {
  const { preemption, gates } = plan({
    plugins: { multiPoint: { disabled: [{ name: 'DefaultPreemption' }, { name: 'SchedulingGates' }] } },
  });
  t.same({ preemption, gates }, { preemption: undefined, gates: false });
  t.same(plan(withArgs({ DefaultPreemption: { minCandidateNodesAbsolute: 7 } })).preemption, {
    percentage: 10,
    absolute: 7,
  });
  t.equal(
    extensionPoints.every((point) => pluginsAt(point).every(isKnown)),
    true,
  );
});

const node = (name: string, used = '0', over: { labels?: object; extended?: string } = {}): NodeInfo => {
  const info = new NodeInfo(name);
  info.setNode({
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...over.labels } },
    status: {
      allocatable: {
        cpu: '10',
        memory: '10Gi',
        pods: '20',
        ...(over.extended ? { 'example.com/gpu': over.extended } : {}),
      },
    },
  } as Node);
  if (used !== '0') info.add(podInfo(pod({ cpu: used, memory: `${used}Gi` })));
  return info;
};
let sequence = 0;
function pod(
  requests: Record<string, string>,
  over: { labels?: Record<string, string>; owner?: string; affinity?: object } = {},
): Pod {
  const name = `p${sequence++}`;
  const ownerReferences = over.owner
    ? [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: over.owner, controller: true }]
    : undefined;
  return {
    metadata: { name, namespace: 'a', uid: name, labels: over.labels, ownerReferences },
    spec: { containers: [{ name: 'c', resources: { requests } }], affinity: over.affinity },
  } as Pod;
}
function pick(profile: ProfileSettings, incoming: Pod, ...nodes: NodeInfo[]): string {
  const { plugins } = plan(profile);
  const choice = finish(
    choose({
      plugins,
      pod: podInfo(incoming),
      nodes,
      namespaceLabels: () => undefined,
      offset: 0,
      random: () => 0,
    }),
  );
  if (choice.node) return choice.node.name;
  return [...choice.refusals.values()].map(({ reasons }) => reasons.join(' + ')).join('; ');
}

t.test('strategies of NodeResourcesFit', async (t) => {
  const nodes = () => [node('empty'), node('half', '5'), node('full', '8')];
  const asked = { cpu: '1', memory: '1Gi' };
  const by = (scoringStrategy: object) =>
    pick(withArgs({ NodeResourcesFit: { scoringStrategy } }), pod(asked), ...nodes());
  t.equal(by({ type: 'LeastAllocated' }), 'empty');
  t.equal(by({ type: 'MostAllocated' }), 'full');
  const shape = [
    { utilization: 0, score: 0 },
    { utilization: 60, score: 10 },
    { utilization: 100, score: 0 },
  ];
  t.equal(by({ type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape } }), 'half');
  const gpus = [node('a', '0', { extended: '8' }), node('b', '5', { extended: '2' })];
  const resources = [{ name: 'example.com/gpu', weight: 5 }];
  const most = withArgs({ NodeResourcesFit: { scoringStrategy: { type: 'MostAllocated', resources } } });
  t.equal(pick(most, pod({ ...asked, 'example.com/gpu': '1' }), ...gpus), 'b', 'an extended resource');
});

t.test('resources that are left to others', async (t) => {
  const asked = pod({ 'example.com/gpu': '1', 'other.io/fpga': '1', 'example.com/managed': '1' });
  t.equal(pick({}, asked, node('n')), 'Insufficient example.com/gpu + Insufficient other.io/fpga');
  const ignoring = withArgs({
    NodeResourcesFit: { ignoredResources: ['example.com/gpu'], ignoredResourceGroups: ['other.io'] },
  });
  t.equal(pick(ignoring, asked, node('n')), 'n');
});

t.test('affinity of the profile', async (t) => {
  const nodes = [node('a', '0', { labels: { pool: 'x' } }), node('b', '5', { labels: { pool: 'y', disk: 'ssd' } })];
  const term = (key: string, value: string) => ({ matchExpressions: [{ key, operator: 'In', values: [value] }] });
  const required = (value: string) =>
    withArgs({
      NodeAffinity: {
        addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term('pool', value)] } },
      },
    });
  t.equal(pick(required('y'), pod({}), ...nodes), 'b');
  const enforced = "node(s) didn't match scheduler-enforced node affinity";
  t.equal(pick(required('z'), pod({}), ...nodes), `${enforced}; ${enforced}`);
  const preferred = withArgs({
    NodeAffinity: {
      addedAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: term('disk', 'ssd') }],
      },
    },
  });
  t.equal(pick(preferred, pod({}), ...nodes), 'b');
});

t.test('constraints of the profile spread the replicas of a controller', async (t) => {
  const strict = withArgs({
    PodTopologySpread: {
      defaultingType: 'List',
      defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
    },
  });
  const zone = (name: string, value: string, count: number) => {
    const info = node(name, '0', { labels: { zone: value } });
    for (let i = 0; i < count; i++) info.add(podInfo(pod({}, { owner: 'rs' })));
    return info;
  };
  const nodes = () => [zone('a', 'z1', 1), zone('b', 'z2', 0)];
  t.equal(pick(strict, pod({}, { owner: 'rs' }), ...nodes()), 'b');
  t.equal(pick(strict, pod({}, { owner: 'other' }), nodes()[0]!), 'a');
  const none = withArgs({ PodTopologySpread: { defaultingType: 'List', defaultConstraints: [] } });
  const uneven = () => {
    const list = nodes();
    list[1]!.add(podInfo(pod({ cpu: '5', memory: '5Gi' })));
    return list;
  };
  t.equal(pick({}, pod({}, { owner: 'rs' }), ...uneven()), 'b', 'the constraints of the system');
  t.equal(pick(none, pod({}, { owner: 'rs' }), ...uneven()), 'a', 'no constraints, no spreading');
});

t.test('the weight of required affinities of other pods', async (t) => {
  const affinity = {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
      ],
    },
  };
  const nodes = () => {
    const list = [node('a'), node('b')];
    list[1]!.add(podInfo(pod({}, { affinity, labels: { app: 'web' } })));
    return list;
  };
  const incoming = () => pod({}, { labels: { app: 'web' } });
  t.equal(pick({}, incoming(), ...nodes()), 'b');
  t.equal(pick(withArgs({ InterPodAffinity: { hardPodAffinityWeight: 0 } }), incoming(), ...nodes()), 'a');
  const ignoring = withArgs({ InterPodAffinity: { ignorePreferredTermsOfExistingPods: true } });
  t.equal(pick(ignoring, incoming(), ...nodes()), 'a');
});
