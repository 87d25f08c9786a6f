import t from 'tap';
import type { Pod } from '../pod';
import { formatQuantity } from '../quantity';
import { podUsage } from '../quota/pod-usage';
import { effectiveSpec } from './effective-resources';
import { keepObservedGenerations } from './observed-generation';
import { requestsOf } from './requests';

const amounts = (cpu: string, memory = '1Gi') => ({ requests: { cpu, memory }, limits: { cpu, memory } });
const status = (name: string, actual: object, allocated?: object) => ({
  name,
  resources: actual,
  ...(allocated ? { allocatedResources: allocated } : {}),
});

function pod(spec: object, fields: object): Pod {
  return { metadata: { name: 'p' }, spec, status: fields } as unknown as Pod;
}
const cpuOf = (one: Pod, podLevel = true) =>
  formatQuantity(requestsOf(effectiveSpec(one, { podLevel }))['cpu'] ?? { nano: 0n, format: 'DecimalSI' });

t.test('the most of spec, allocated and actual counts', async (t) => {
  const spec = { containers: [{ name: 'c', resources: amounts('1') }] };
  const cases: readonly (readonly [name: string, status: object, cpu: string])[] = [
    ['no status', {}, '1'],
    ['a status without resources', { containerStatuses: [{ name: 'c' }] }, '1'],
    ['all equal', { containerStatuses: [status('c', amounts('1'), { cpu: '1' })] }, '1'],
    ['a pending decrease', { containerStatuses: [status('c', amounts('3'), { cpu: '3' })] }, '3'],
    ['a decrease under way', { containerStatuses: [status('c', amounts('3'), { cpu: '1' })] }, '3'],
    ['a pending increase', { containerStatuses: [status('c', amounts('500m'), { cpu: '500m' })] }, '1'],
    ['an allocation that is larger', { containerStatuses: [status('c', amounts('500m'), { cpu: '2' })] }, '2'],
    [
      'a resize that is infeasible',
      {
        containerStatuses: [status('c', amounts('500m'), { cpu: '600m' })],
        conditions: [{ type: 'PodResizePending', reason: 'Infeasible' }],
      },
      '600m',
    ],
    [
      'a resize that is deferred',
      {
        containerStatuses: [status('c', amounts('500m'), { cpu: '600m' })],
        conditions: [{ type: 'PodResizePending', reason: 'Deferred' }],
      },
      '1',
    ],
  ];
  for (const [name, fields, cpu] of cases) t.equal(cpuOf(pod(spec, fields)), cpu, name);
  const same = pod(spec, { containerStatuses: [status('c', amounts('1'), { cpu: '1' })] });
  t.equal(effectiveSpec(same, { podLevel: true }), same.spec, 'the spec itself when nothing differs');
});

t.test('sidecars count by their status, other init containers by their spec', async (t) => {
  const statuses = { initContainerStatuses: [status('i', amounts('4'), { cpu: '4' })] };
  const of = (init: object) =>
    pod({ containers: [], initContainers: [{ name: 'i', resources: amounts('1'), ...init }] }, statuses);
  t.equal(cpuOf(of({ restartPolicy: 'Always' })), '4');
  t.equal(cpuOf(of({})), '1');
});

t.test('resources of the pod itself count for the scheduler', async (t) => {
  const one = pod(
    { containers: [], resources: amounts('1') },
    { resources: amounts('2'), allocatedResources: { cpu: '3' } },
  );
  t.equal(cpuOf(one), '3');
  t.equal(cpuOf(one, false), '1', 'and for a quota only the spec');
});

t.test('a quota counts requests and limits of a pod that is being resized', async (t) => {
  const one = pod(
    { containers: [{ name: 'c', resources: amounts('1') }] },
    { containerStatuses: [status('c', amounts('2'), { cpu: '3' })] },
  );
  const usage = podUsage(one, 0);
  t.equal(formatQuantity(usage['requests.cpu']!), '3');
  t.equal(formatQuantity(usage['limits.cpu']!), '2');
});

t.test('a status without generations keeps those that it had', async (t) => {
  const old = {
    observedGeneration: 3,
    conditions: [
      { type: 'A', status: 'True', observedGeneration: 1 },
      { type: 'A', status: 'True', observedGeneration: 2 },
      { type: 'B', status: 'True' },
    ],
  };
  const now = {
    conditions: [
      { type: 'A', status: 'False' },
      { type: 'A', status: 'False', observedGeneration: 9 },
      { type: 'B', status: 'True' },
      { type: 'C', status: 'True' },
    ],
  };
  keepObservedGenerations(now as never, old as never);
  t.same(now, {
    observedGeneration: 3,
    conditions: [
      { type: 'A', status: 'False', observedGeneration: 1 },
      { type: 'A', status: 'False', observedGeneration: 9 },
      { type: 'B', status: 'True' },
      { type: 'C', status: 'True' },
    ],
  });
});
