// What one write uses of one quota: by kind, by scope, and the messages of a refusal.
import t from 'tap';
import { configMaps } from '../config-map';
import { deployments } from '../deployment';
import { events } from '../event';
import { eventsV1 } from '../event-v1';
import type { Kind } from '../kind';
import { namespaces } from '../namespace';
import { persistentVolumeClaims } from '../persistent-volume-claim';
import { pods } from '../pod';
import { resourceClaims } from '../resource-claim';
import type { ResourceQuota } from '../resource-quota';
import { services } from '../service';
import type { KubeObject } from '../types';
import { formatAmounts } from './amounts';
import { charge } from './charge';
import { evaluatorOf } from './evaluators';

const now = Date.parse('2026-01-01T00:00:00Z');
type Texts = Record<string, string>;
const quotaOf = (hard: Texts, used: Texts = {}, spec: object = {}): ResourceQuota => ({
  metadata: { name: 'q' },
  spec: { hard, ...spec },
  status: { hard, used: { ...Object.fromEntries(Object.keys(hard).map((name) => [name, '0'])), ...used } },
});
const pod = (resources: object = {}, spec: object = {}, rest: object = {}): KubeObject =>
  ({ spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec }, ...rest }) as KubeObject;
const large = { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } };

/** status.used after the write, `unchanged`, or the text of the refusal. */
function outcome(kind: Kind, quota: ResourceQuota, object: KubeObject, old?: KubeObject): unknown {
  const evaluator = evaluatorOf(kind);
  if (!evaluator) return 'not counted';
  const result = charge(quota, { evaluator, object, old, now });
  if (result.action === 'refuse') return result.why;
  return result.action === 'none' ? 'unchanged' : formatAmounts(result.used);
}

interface Case {
  readonly name: string;
  readonly kind: Kind;
  readonly quota: ResourceQuota;
  readonly object: KubeObject;
  readonly old?: KubeObject;
  readonly expected: unknown;
}
const computed = { pods: '5', cpu: '2', 'requests.memory': '2Gi', 'limits.cpu': '2' };
const scoped = (scope: string) => quotaOf({ pods: '1' }, {}, { scopes: [scope] });
const byClass = (operator: string, ...values: string[]) =>
  quotaOf(
    { pods: '1' },
    {},
    { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] } },
  );
const devices = (deviceClass: string, amount: string): Texts => ({
  [`${deviceClass}.deviceclass.resource.k8s.io/devices`]: amount,
});
const one = { pods: '1' };
const reaching = {
  affinity: {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z', namespaces: ['n'] }] },
  },
};

const claimOf = (storage: string) => ({ spec: { resources: { requests: { storage } } } }) as KubeObject;

const cases: readonly Case[] = [
  {
    name: 'a pod',
    kind: pods,
    quota: quotaOf(computed, { cpu: '250m' }),
    object: pod(large),
    expected: { pods: '1', cpu: '750m', 'requests.memory': '1Gi', 'limits.cpu': '1' },
  },
  {
    name: 'a pod with overhead and devices',
    kind: pods,
    quota: quotaOf({ 'requests.cpu': '2', 'requests.example.com/gpu': '4', 'hugepages-2Mi': '1Gi' }),
    object: pod(
      { requests: { cpu: '1', 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi' } },
      { overhead: { cpu: '100m' } },
    ),
    expected: { 'requests.cpu': '1100m', 'requests.example.com/gpu': '2', 'hugepages-2Mi': '4Mi' },
  },
  {
    name: 'a pod above several limits',
    kind: pods,
    quota: quotaOf(computed, { pods: '5', cpu: '1600m' }),
    object: pod(large),
    expected: 'exceeded quota: q, requested: cpu=500m,pods=1, used: cpu=1600m,pods=5, limited: cpu=2,pods=5',
  },
  { name: 'exactly up to the limit', kind: pods, quota: quotaOf(one), object: pod(), expected: { pods: '1' } },
  {
    name: 'a pod that does not say what it needs',
    kind: pods,
    quota: quotaOf(computed),
    object: pod({ limits: { cpu: '1' } }, { initContainers: [{ name: 'b', resources: large }] }),
    expected: 'failed quota: q: must specify cpu for: c; requests.memory for: c',
  },
  {
    name: 'a pod that has ended is only an object',
    kind: pods,
    quota: quotaOf({ pods: '1', 'count/pods': '2' }),
    object: pod({}, {}, { status: { phase: 'Failed' } }),
    expected: { pods: '0', 'count/pods': '1' },
  },
  {
    name: 'a pod that is there after its grace period',
    kind: pods,
    quota: quotaOf(one),
    object: pod({}, {}, { metadata: { deletionTimestamp: '2025-12-31T23:59:00Z', deletionGracePeriodSeconds: 30 } }),
    expected: 'unchanged',
  },
  {
    name: 'a resize uses the difference',
    kind: pods,
    quota: quotaOf({ cpu: '2' }, { cpu: '1' }),
    object: pod({ requests: { cpu: '1500m' } }),
    old: pod({ requests: { cpu: '1' } }),
    expected: { cpu: '1500m' },
  },
  {
    name: 'an update that uses less is left to the controller',
    kind: pods,
    quota: quotaOf({ cpu: '2' }, { cpu: '1' }),
    object: pod({ requests: { cpu: '1' } }),
    old: pod({ requests: { cpu: '2' } }),
    expected: 'unchanged',
  },
  {
    name: 'a quota that was not counted yet',
    kind: pods,
    quota: { metadata: { name: 'q' }, spec: { hard: one } },
    object: pod(),
    expected: 'unchanged',
  },
  {
    name: 'a quota whose usage is unknown',
    kind: pods,
    quota: { metadata: { name: 'q' }, spec: { hard: one }, status: { hard: { ...one, cpu: '1' }, used: { cpu: '0' } } },
    object: pod({ requests: { cpu: '1' } }),
    expected: 'status unknown for quota: q, resources: cpu,pods',
  },
  { name: 'BestEffort', kind: pods, quota: scoped('BestEffort'), object: pod(), expected: one },
  {
    name: 'BestEffort, a burstable pod',
    kind: pods,
    quota: scoped('BestEffort'),
    object: pod(large),
    expected: 'unchanged',
  },
  { name: 'NotBestEffort', kind: pods, quota: scoped('NotBestEffort'), object: pod(large), expected: one },
  {
    name: 'Terminating',
    kind: pods,
    quota: scoped('Terminating'),
    object: pod({}, { activeDeadlineSeconds: 5 }),
    expected: one,
  },
  { name: 'Terminating, no deadline', kind: pods, quota: scoped('Terminating'), object: pod(), expected: 'unchanged' },
  { name: 'NotTerminating', kind: pods, quota: scoped('NotTerminating'), object: pod(), expected: one },
  {
    name: 'CrossNamespacePodAffinity',
    kind: pods,
    quota: scoped('CrossNamespacePodAffinity'),
    object: pod({}, reaching),
    expected: one,
  },
  {
    name: 'CrossNamespacePodAffinity, a pod without',
    kind: pods,
    quota: scoped('CrossNamespacePodAffinity'),
    object: pod(),
    expected: 'unchanged',
  },
  {
    name: 'In',
    kind: pods,
    quota: byClass('In', 'high'),
    object: pod({}, { priorityClassName: 'high' }),
    expected: one,
  },
  {
    name: 'In, another class',
    kind: pods,
    quota: byClass('In', 'high'),
    object: pod({}, { priorityClassName: 'low' }),
    expected: 'unchanged',
  },
  { name: 'NotIn, no class', kind: pods, quota: byClass('NotIn', 'high'), object: pod(), expected: one },
  { name: 'Exists, no class', kind: pods, quota: byClass('Exists'), object: pod(), expected: 'unchanged' },
  { name: 'DoesNotExist', kind: pods, quota: byClass('DoesNotExist'), object: pod(), expected: one },
  {
    name: 'a Service becomes a load balancer',
    kind: services,
    quota: quotaOf({ services: '3', 'services.nodeports': '5', 'services.loadbalancers': '1' }, { services: '1' }),
    object: { spec: { type: 'LoadBalancer', ports: [{ port: 1 }, { port: 2 }] } } as KubeObject,
    old: { spec: { ports: [{ port: 1 }, { port: 2 }] } } as KubeObject,
    expected: { services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1' },
  },
  {
    name: 'a load balancer without node ports',
    kind: services,
    quota: quotaOf({ 'services.nodeports': '5', 'services.loadbalancers': '1' }),
    object: {
      spec: {
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 1 }, { port: 2, nodePort: 30000 }],
      },
    } as KubeObject,
    expected: { 'services.nodeports': '1', 'services.loadbalancers': '1' },
  },
  {
    name: 'a Service is in no scope',
    kind: services,
    quota: quotaOf({ services: '0' }, {}, { scopes: ['NotTerminating'] }),
    object: { spec: {} } as KubeObject,
    expected: 'unchanged',
  },
  {
    name: 'a claim of a class',
    kind: persistentVolumeClaims,
    quota: quotaOf({
      persistentvolumeclaims: '1',
      'requests.storage': '5Gi',
      'fast.storageclass.storage.k8s.io/requests.storage': '1Gi',
    }),
    object: { spec: { storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } } } as KubeObject,
    expected:
      'exceeded quota: q, requested: fast.storageclass.storage.k8s.io/requests.storage=2Gi, used: ' +
      'fast.storageclass.storage.k8s.io/requests.storage=0, limited: fast.storageclass.storage.k8s.io/requests.storage=1Gi',
  },
  {
    name: 'a claim grows, in whole bytes',
    kind: persistentVolumeClaims,
    quota: quotaOf({ 'requests.storage': '5Gi' }, { 'requests.storage': '1Gi' }),
    object: claimOf('1073741824500m'),
    old: claimOf('1Gi'),
    expected: { 'requests.storage': '1073741825' },
  },
  ...(
    [
      ['Exists, no class', 'Exists', [], {}, 'unchanged'],
      ['Exists', 'Exists', [], { spec: { volumeAttributesClassName: 'gold' } }, { persistentvolumeclaims: '1' }],
      ['NotIn, no class', 'NotIn', ['gold'], {}, { persistentvolumeclaims: '1' }],
      ['DoesNotExist', 'DoesNotExist', [], { spec: { volumeAttributesClassName: 'gold' } }, 'unchanged'],
      [
        'In, the class that the volume still has',
        'In',
        ['gold'],
        { spec: { volumeAttributesClassName: 'iron' }, status: { currentVolumeAttributesClassName: 'gold' } },
        { persistentvolumeclaims: '1' },
      ],
      [
        'In, the class that the volume will have',
        'In',
        ['gold'],
        { spec: {}, status: { modifyVolumeStatus: { status: 'Pending', targetVolumeAttributesClassName: 'gold' } } },
        { persistentvolumeclaims: '1' },
      ],
    ] as const
  ).map(([name, operator, values, object, expected]) => ({
    name: `VolumeAttributesClass ${name}`,
    kind: persistentVolumeClaims,
    quota: quotaOf(
      { persistentvolumeclaims: '1' },
      {},
      { scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator, values }] } },
    ),
    object: object as KubeObject,
    expected,
  })),
  {
    name: 'a claim for devices, by class: one alternative of several will be chosen, and all devices are 32',
    kind: resourceClaims,
    quota: quotaOf({ ...devices('gold', '9'), ...devices('iron', '40'), 'count/resourceclaims.resource.k8s.io': '1' }),
    object: {
      spec: {
        devices: {
          requests: [
            { name: 'a', exactly: { deviceClassName: 'gold', allocationMode: 'ExactCount', count: 2 } },
            { name: 'b', exactly: { deviceClassName: 'iron', allocationMode: 'All' } },
            {
              name: 'c',
              firstAvailable: [
                { name: 'x', deviceClassName: 'gold', allocationMode: 'ExactCount', count: 1 },
                { name: 'y', deviceClassName: 'gold', allocationMode: 'ExactCount', count: 4 },
                { name: 'z', deviceClassName: 'iron', allocationMode: 'ExactCount', count: 3 },
              ],
            },
          ],
        },
      },
    } as KubeObject,
    expected: { ...devices('gold', '6'), ...devices('iron', '35'), 'count/resourceclaims.resource.k8s.io': '1' },
  },
  {
    name: 'a claim for devices above its quota',
    kind: resourceClaims,
    quota: quotaOf(devices('gold', '1')),
    object: {
      spec: {
        devices: {
          requests: [{ name: 'a', exactly: { deviceClassName: 'gold', allocationMode: 'ExactCount', count: 2 } }],
        },
      },
    } as KubeObject,
    expected:
      'exceeded quota: q, requested: gold.deviceclass.resource.k8s.io/devices=2, used: ' +
      'gold.deviceclass.resource.k8s.io/devices=0, limited: gold.deviceclass.resource.k8s.io/devices=1',
  },
  {
    name: 'a ConfigMap, by both names',
    kind: configMaps,
    quota: quotaOf({ configmaps: '2', 'count/configmaps': '3', 'count/secrets': '0' }),
    object: {},
    expected: { configmaps: '1', 'count/configmaps': '1', 'count/secrets': '0' },
  },
  {
    name: 'a kind of a group',
    kind: deployments,
    quota: quotaOf({ 'count/deployments.apps': '0' }),
    object: {},
    expected:
      'exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0',
  },
  { name: 'an Event', kind: events, quota: quotaOf({ 'count/events': '0' }), object: {}, expected: 'not counted' },
  { name: 'an Event of the other group', kind: eventsV1, quota: quotaOf({}), object: {}, expected: 'not counted' },
  { name: 'an object of the cluster', kind: namespaces, quota: quotaOf({}), object: {}, expected: 'not counted' },
];

for (const { name, kind, quota, object, old, expected } of cases) {
  t.test(name, async (t) => {
    const before = JSON.stringify([quota, object, old]);
    t.same(outcome(kind, quota, object, old), expected);
    t.equal(JSON.stringify([quota, object, old]), before, 'nothing is changed in place');
  });
}
