import t from 'tap';
import { formatQuantity } from '../quantity';
import { allContainers, graceSecondsOf, initAndAppContainers, isTerminal, lastingContainers } from './facts';
import { qosClass } from './qos';
import { limitsOf, requestsOf } from './requests';
import type { Container, PodSpec, ResourceRequirements } from './types';

const container = (name: string, resources?: ResourceRequirements, rest: Partial<Container> = {}): Container => ({
  name,
  ...(resources ? { resources } : {}),
  ...rest,
});
const always = { restartPolicy: 'Always' };
const namesOf = (containers: readonly Container[]) => containers.map(({ name }) => name);

t.test('containers of a pod', async (t) => {
  const spec: PodSpec = {
    initContainers: [container('init'), container('sidecar', undefined, always)],
    containers: [container('app')],
    ephemeralContainers: [{ name: 'debugger' }],
  };
  t.same(namesOf(allContainers(spec)), ['init', 'sidecar', 'app', 'debugger']);
  t.same(namesOf(initAndAppContainers(spec)), ['init', 'sidecar', 'app']);
  t.same(namesOf(lastingContainers(spec)), ['app', 'sidecar']);
  t.same(allContainers({}), []);
});

t.test('how a pod ends', async (t) => {
  for (const [phase, want] of [
    ['Succeeded', true],
    ['Failed', true],
    ['Running', false],
    [undefined, false],
  ] as const)
    t.equal(isTerminal({ status: { phase } }), want, String(phase));
  t.equal(graceSecondsOf(undefined), 30, 'the default');
  t.equal(graceSecondsOf({ terminationGracePeriodSeconds: 0 }), 0, 'at once');
  t.equal(graceSecondsOf({ terminationGracePeriodSeconds: -5 }), 1, 'a negative number means one second');
});

t.test('QoS class', async (t) => {
  const both = { cpu: '1', memory: '1Gi' };
  const cases: { name: string; spec: PodSpec; want: string }[] = [
    { name: 'no requests', spec: { containers: [container('a')] }, want: 'BestEffort' },
    { name: 'only zeros', spec: { containers: [container('a', { requests: { cpu: '0' } })] }, want: 'BestEffort' },
    { name: 'limits alone', spec: { containers: [container('a', { limits: both })] }, want: 'Guaranteed' },
    {
      name: 'requests equal to the limits, in another spelling',
      spec: { containers: [container('a', { limits: both, requests: { cpu: '1000m', memory: '1024Mi' } })] },
      want: 'Guaranteed',
    },
    {
      name: 'one request given, the other follows from the limit',
      spec: { containers: [container('a', { limits: both, requests: { cpu: '1000m' } })] },
      want: 'Guaranteed',
    },
    {
      name: 'a request below its limit',
      spec: { containers: [container('a', { limits: both, requests: { cpu: '500m', memory: '1Gi' } })] },
      want: 'Burstable',
    },
    {
      name: 'a request of zero is a request',
      spec: { containers: [container('a', { limits: both, requests: { cpu: '0' } })] },
      want: 'Burstable',
    },
    {
      name: 'a limit of zero is no limit',
      spec: { containers: [container('a', { limits: { cpu: '0', memory: '1Gi' } })] },
      want: 'Burstable',
    },
    { name: 'memory alone', spec: { containers: [container('a', { limits: { memory: '1Gi' } })] }, want: 'Burstable' },
    {
      name: 'other resources do not count',
      spec: { containers: [container('a', { limits: { 'example.com/gpu': '1' } })] },
      want: 'BestEffort',
    },
    {
      name: 'one container without limits',
      spec: { containers: [container('a', { limits: both }), container('b')] },
      want: 'Burstable',
    },
    {
      name: 'an init container counts',
      spec: { initContainers: [container('i')], containers: [container('a', { limits: both })] },
      want: 'Burstable',
    },
    {
      name: 'an ephemeral container does not',
      spec: { containers: [container('a', { limits: both })], ephemeralContainers: [{ name: 'debugger' }] },
      want: 'Guaranteed',
    },
    {
      name: 'resources of the pod replace those of its containers',
      spec: { containers: [container('a')], resources: { limits: both } },
      want: 'Guaranteed',
    },
    {
      name: 'also when a container has others',
      spec: { containers: [container('a', { limits: both })], resources: { requests: { cpu: '1' } } },
      want: 'Burstable',
    },
  ];
  for (const { name, spec, want } of cases) t.equal(qosClass(spec), want, name);
});

t.test('totals of a pod', async (t) => {
  const cpu = (amount: string) => ({ requests: { cpu: amount }, limits: { cpu: amount } });
  const cases: { name: string; spec: PodSpec; want: Record<string, string> }[] = [
    {
      name: 'containers together',
      spec: { containers: [container('a', cpu('100m')), container('b', cpu('200m'))] },
      want: { cpu: '300m' },
    },
    {
      name: 'the largest init container',
      spec: {
        initContainers: [container('i', cpu('1')), container('j', cpu('500m'))],
        containers: [container('a', cpu('100m'))],
      },
      want: { cpu: '1' },
    },
    {
      name: 'a sidecar runs with the app containers',
      spec: { initContainers: [container('s', cpu('200m'), always)], containers: [container('a', cpu('100m'))] },
      want: { cpu: '300m' },
    },
    {
      name: 'an init container runs with the earlier sidecars only',
      spec: {
        initContainers: [
          container('s', cpu('200m'), always),
          container('i', cpu('1')),
          container('t', cpu('300m'), always),
        ],
        containers: [container('a', cpu('100m'))],
      },
      want: { cpu: '1200m' },
    },
    {
      name: 'the maximum is computed for each resource',
      spec: {
        initContainers: [container('i', { requests: { memory: '1Gi' }, limits: { memory: '1Gi' } })],
        containers: [container('a', cpu('100m'))],
      },
      want: { cpu: '100m', memory: '1Gi' },
    },
    {
      name: 'resources of the pod replace the sum',
      spec: { containers: [container('a', cpu('100m')), container('b', cpu('100m'))], resources: cpu('150m') },
      want: { cpu: '150m' },
    },
    {
      name: 'the overhead is not included',
      spec: { containers: [container('a', cpu('100m'))], overhead: { cpu: '50m' } },
      want: { cpu: '100m' },
    },
  ];
  for (const { name, spec, want } of cases) {
    for (const totals of [requestsOf(spec), limitsOf(spec)])
      t.same(
        Object.fromEntries(Object.entries(totals).map(([key, value]) => [key, formatQuantity(value)])),
        want,
        name,
      );
  }
});
