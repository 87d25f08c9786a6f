import t from 'tap';
import { labels } from '../runtime/labels';
import type { ContainerResources } from '../runtime/runtime';
import { containerResources, reportedResources, resizeOf } from './container-resources';
import { container, record } from './pod.fixture';

const sized = (limits: Record<string, string>, requests: Record<string, string> = limits, more = {}) =>
  container('app', { resources: { limits, requests }, ...more });
const policy = (resourceName: string) => ({ resizePolicy: [{ resourceName, restartPolicy: 'RestartContainer' }] });
const full = { cpu: '500m', memory: '64Mi' };
const actual = containerResources(sized(full));

t.test('from requests and limits', async (t) => {
  t.same(actual, { cpuShares: 512, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000, memoryBytes: 64 * 2 ** 20 });
  t.same(containerResources(container('app')), { cpuShares: 2 });
  t.same(containerResources(sized({ cpu: '1m' })), { cpuShares: 2, cpuQuotaMicros: 1000, cpuPeriodMicros: 100_000 });
});

t.test('how a running container gets other resources', async (t) => {
  const cases: readonly (readonly [name: string, wanted: ReturnType<typeof sized>, way: string])[] = [
    ['the same', sized(full), 'none'],
    ['less CPU', sized({ ...full, cpu: '100m' }), 'update'],
    ['more memory', sized({ ...full, memory: '128Mi' }), 'update'],
    ['another memory request', sized(full, { ...full, memory: '1Mi' }), 'none'],
    ['more memory, with a policy for CPU', sized({ ...full, memory: '1Gi' }, full, policy('cpu')), 'update'],
    ['more memory, with a policy for memory', sized({ ...full, memory: '1Gi' }, full, policy('memory')), 'restart'],
    ['another memory request, with a policy', sized(full, { ...full, memory: '1Mi' }, policy('memory')), 'restart'],
  ];
  const running = (resources?: ContainerResources) => {
    const base = record(container('app'), resources ? { resources } : {});
    return { ...base, labels: { ...base.labels, [labels.memoryRequest]: full.memory } };
  };
  for (const [name, wanted, way] of cases) t.equal(resizeOf(wanted, running(actual)), way, name);
  t.equal(resizeOf(sized({ cpu: '9' }), running()), 'none', 'the runtime did not say what it has');
});

t.test('what the status shows', async (t) => {
  const of = (resources: ContainerResources) => reportedResources(sized(full), record(container('app'), { resources }));
  t.same(of(actual), { limits: full, requests: full }, 'the words of the spec');
  t.same(of({ cpuShares: 102, cpuQuotaMicros: 20_000, cpuPeriodMicros: 100_000, memoryBytes: 2 ** 25 }), {
    limits: { cpu: '200m', memory: '32Mi' },
    requests: { cpu: '100m', memory: '64Mi' },
  });
  t.same(of({ cpuShares: 2048 }).requests, { cpu: '2', memory: '64Mi' });
  t.same(reportedResources(container('app'), record(container('app'), { resources: { cpuShares: 2 } })), {});
});

t.test('limits of the pod itself hold for containers without their own', (t) => {
  const ofPod = { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '300m' } };
  const inherited = { cpuShares: 1024, cpuQuotaMicros: 100_000, cpuPeriodMicros: 100_000, memoryBytes: 64 * 2 ** 20 };
  t.same(containerResources(container('app'), ofPod), inherited);
  const own = sized({ cpu: '500m', memory: '0' });
  t.match(containerResources(own, ofPod), { cpuQuotaMicros: 50_000, memoryBytes: 64 * 2 ** 20 }, 'zero is none');
  t.equal(resizeOf(container('app'), record(container('app'), { resources: inherited }), ofPod), 'none');
  t.equal(resizeOf(container('app'), record(container('app'), { resources: inherited })), 'update');
  const restart = { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] };
  const more = { limits: { cpu: '2', memory: '64Mi' } };
  t.equal(resizeOf(container('app', restart), record(container('app'), { resources: inherited }), more), 'restart');
  t.same(reportedResources(container('app'), record(container('app'), { resources: inherited }), ofPod), {});
  t.end();
});
