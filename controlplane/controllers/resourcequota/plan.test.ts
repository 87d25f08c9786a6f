// What is counted for a quota, when it is counted again, and the status that comes of it.
import t from 'tap';
import {
  configMaps,
  type KubeObject,
  persistentVolumeClaims,
  pods,
  type ResourceQuota,
  services,
} from '../../api/index';
import type { Kind } from '../../api/kind';
import { count, formatAmounts } from '../../api/quota/amounts';
import { evaluatorOf } from '../../api/quota/evaluators';
import { changesUse, countingOf, mustCount, planStatus, usageOf, usageOfNumber } from './plan';

const now = Date.parse('2026-01-01T00:00:00Z');
type Texts = Record<string, string>;
const quotaOf = (hard: Texts, status?: ResourceQuota['status'], spec: object = {}): ResourceQuota => ({
  metadata: { name: 'q' },
  spec: { hard, ...spec },
  ...(status ? { status } : {}),
});
const bestEffort = { scopes: ['BestEffort'] };
const pod = (cpu?: string, phase = 'Running', spec: object = {}): KubeObject =>
  ({
    spec: { containers: [{ name: 'c', resources: cpu ? { requests: { cpu } } : {} }], ...spec },
    status: { phase },
  }) as KubeObject;

const countings: readonly (readonly [string, Kind, ResourceQuota, unknown])[] = [
  ['a kind that the quota does not name', configMaps, quotaOf({ pods: '1' }), { action: 'skip' }],
  ['a quota without limits', pods, { metadata: { name: 'q' } }, { action: 'skip' }],
  ['objects', configMaps, quotaOf({ configmaps: '1' }), { action: 'count', resources: ['configmaps'] }],
  ['all pods', pods, quotaOf({ 'count/pods': '1' }), { action: 'count', resources: ['count/pods'] }],
  ['pods that run', pods, quotaOf({ pods: '1' }), { action: 'measure', resources: ['pods'] }],
  ['Services', services, quotaOf({ services: '1' }), { action: 'count', resources: ['services'] }],
  [
    'ports of Services',
    services,
    quotaOf({ services: '1', 'services.nodeports': '1' }),
    { action: 'measure', resources: ['services', 'services.nodeports'] },
  ],
  [
    'pods of a scope',
    pods,
    quotaOf({ 'count/pods': '1' }, undefined, bestEffort),
    { action: 'measure', resources: ['count/pods'] },
  ],
];
for (const [name, kind, quota, expected] of countings) {
  t.test(`how it counts: ${name}`, async (t) => t.same(countingOf(quota, evaluatorOf(kind)!), expected));
}

t.test('the usage of objects', async (t) => {
  const evaluator = evaluatorOf(pods)!;
  const resources = ['pods', 'count/pods', 'requests.cpu'];
  const all = [pod('1'), pod('500m', 'Succeeded'), pod()];
  const quota = quotaOf({});
  const used = usageOf(quota, evaluator, resources, all, now);
  t.same(formatAmounts(used), { pods: '2', 'count/pods': '3', 'requests.cpu': '1' });
  const more = usageOf(quota, evaluator, resources, [pod('250m')], now, used);
  t.same(formatAmounts(more), { pods: '3', 'count/pods': '4', 'requests.cpu': '1250m' }, 'page after page');
  const scoped = usageOf(quotaOf({}, undefined, bestEffort), evaluator, ['pods'], all, now);
  t.same(formatAmounts(scoped), { pods: '1' });
  t.same(formatAmounts(usageOfNumber(quota, ['configmaps'], 7)), { configmaps: '7' });
  t.same(
    formatAmounts(usageOfNumber(quotaOf({}, undefined, bestEffort), ['configmaps'], 7)),
    { configmaps: '0' },
    'a ConfigMap is in no scope',
  );
});

t.test('the status', async (t) => {
  const counted = { pods: count(2), cpu: count(0) };
  const status = { hard: { pods: '3' }, used: { pods: '2' } };
  t.same(planStatus(quotaOf({ pods: '3' }), counted), status, 'only what is limited');
  t.equal(planStatus(quotaOf({ pods: '3' }, status), counted), undefined, 'nothing changed');
  t.equal(planStatus(quotaOf({ pods: '3' }, { hard: { pods: '3' }, used: { pods: '2000m' } }), counted), undefined);
  t.same(planStatus(quotaOf({ pods: '4' }, status), counted), { hard: { pods: '4' }, used: { pods: '2' } });
  t.equal(planStatus(quotaOf({}), {}), undefined, 'no limits: the API leaves empty maps out');
  const unknown = { 'count/widgets.example.com': '5' };
  t.same(planStatus(quotaOf(unknown), {}), { hard: unknown, used: {} }, 'a kind that is not served');
  t.equal(planStatus(quotaOf(unknown, { hard: unknown, used: unknown }), {}), undefined, '... keeps its number');
});

t.test('when a quota is counted', async (t) => {
  const hard = { pods: '1' };
  const settled = quotaOf(hard, { hard, used: { pods: '0' } });
  t.ok(mustCount(settled, undefined), 'it is new, or the controller has started');
  t.notOk(mustCount(quotaOf(hard, { hard, used: { pods: '1' } }), settled), 'the API server charged it');
  t.ok(mustCount(quotaOf({ pods: '2' }, settled.status), settled), 'the limits changed');
  t.ok(mustCount(settled, quotaOf(hard)), 'the limits came into force');
  t.notOk(mustCount(quotaOf({ pods: '1000m' }, settled.status), settled), 'another spelling');
});

const claim = (className: string): KubeObject => ({ spec: { volumeAttributesClassName: className } }) as KubeObject;
const ofClass = {
  scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['gold'] }] },
};
const changes: readonly (readonly [string, Kind, ResourceQuota, readonly [KubeObject, KubeObject], boolean])[] = [
  ['a pod ends', pods, quotaOf({ pods: '1' }), [pod('1'), pod('1', 'Failed')], true],
  ['a pod ends, where all pods count', pods, quotaOf({ 'count/pods': '1' }), [pod('1'), pod('1', 'Failed')], false],
  ['a pod starts', pods, quotaOf({ pods: '1' }), [pod('1', 'Pending'), pod('1')], false],
  ['a resize', pods, quotaOf({ cpu: '1' }), [pod('2'), pod('1')], true],
  [
    'a pod gets a deadline',
    pods,
    quotaOf({ pods: '1' }, undefined, { scopes: ['NotTerminating'] }),
    [pod(), pod(undefined, 'Running', { activeDeadlineSeconds: 3 })],
    true,
  ],
  ['a kind that is not limited', services, quotaOf({ pods: '1' }), [{}, {}], false],
  [
    'a claim gets another class',
    persistentVolumeClaims,
    quotaOf({ persistentvolumeclaims: '1' }, undefined, ofClass),
    [claim('gold'), claim('iron')],
    true,
  ],
];
for (const [name, kind, quota, both, expected] of changes) {
  t.test(`what changes the use: ${name}`, async (t) =>
    t.equal(changesUse(quota, evaluatorOf(kind)!, both, now), expected),
  );
}
