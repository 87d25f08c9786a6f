import t from 'tap';
import { podSettings } from '../cgroups/settings';
import { container, pod } from '../spec/pod.fixture';
import { podResources } from './pod-resources';

const sized = (name: string, requests: Record<string, string>, limits: Record<string, string> = requests) =>
  container(name, { resources: { requests, limits } });
const ofPod = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });

t.test('a pod that does not run shows what it was promised', (t) => {
  t.same(podResources(pod(), undefined), { resources: {} }, 'nothing');
  const summed = pod({
    containers: [sized('a', { cpu: '100m', memory: '10Mi' }), sized('b', { cpu: '200m' }, {})],
    overhead: { cpu: '50m', memory: '1Mi', 'ephemeral-storage': '1Gi' },
  });
  const requests = { cpu: '350m', memory: '11Mi', 'ephemeral-storage': '1Gi' };
  t.same(podResources(summed, undefined), {
    resources: { requests, limits: { cpu: '150m', memory: '11Mi' } },
    allocatedResources: requests,
  });
  const own = pod({ resources: ofPod('1', '64Mi'), containers: [sized('a', { cpu: '100m' })] });
  t.same(podResources(own, undefined), {
    resources: ofPod('1', '64Mi'),
    allocatedResources: { cpu: '1', memory: '64Mi' },
  });
  t.end();
});

t.test('a pod that runs shows what its cgroup has', (t) => {
  const own = pod({ resources: ofPod('700m', '64Mi'), containers: [container('a')] });
  const shown = (cpuShares: number, more: object = {}) => podResources(own, { cpuShares, ...more }).resources;
  t.same(podResources(own, podSettings(own, 0)), {
    resources: ofPod('700m', '64Mi'),
    allocatedResources: { cpu: '700m', memory: '64Mi' },
  });
  t.same(shown(512, { cpuQuotaMicros: 50_000, memoryBytes: 32 * 2 ** 20 }), {
    requests: { cpu: '500m', memory: '64Mi' },
    limits: { cpu: '500m', memory: '32Mi' },
  });
  const best = pod();
  t.same(podResources(best, podSettings(best, 100)), { resources: {} }, 'the least shares are no request');
  const tiny = pod({ resources: ofPod('1m', '4Ki'), containers: [container('a')] });
  t.same(podResources(tiny, podSettings(tiny, 0)).resources, ofPod('1m', '4Ki'), 'the least amounts stay as asked for');
  const partly = pod({ containers: [sized('a', { cpu: '100m', memory: '10Mi' }, { memory: '20Mi' }), container('b')] });
  t.same(podResources(partly, podSettings(partly, 0)), {
    resources: { requests: { cpu: '100m', memory: '10Mi' } },
    allocatedResources: { cpu: '100m', memory: '10Mi' },
  });
  t.end();
});
