// Scores of kubelet 1.36.3.
import t from 'tap';
import type { Container } from './container';
import { oomScoreAdj } from './oom-score';
import { container, pod } from './pod.fixture';

const nodeMemoryBytes = 1000 * 2 ** 20;
const node = { nodeMemoryBytes, lowestOomScore: -997 };
const memory = (requests: string, more: Partial<Container> = {}) =>
  container('app', { resources: { requests: { memory: requests } }, ...more });
const score = (spec: object, one: Container) => oomScoreAdj(pod({ containers: [one], ...spec }), one, node);

t.test('by class and by the share of the memory, rounded up', (t) => {
  t.equal(score({}, container('app')), 1000);
  t.equal(score({}, memory('100Mi')), 900);
  t.equal(score({}, memory('1600Ki')), 999, 'a share of 1.56 counts as 1');
  t.equal(score({}, memory('1Ki')), 999, 'less than a pod without requests');
  t.equal(score({}, memory('2Gi')), 3, 'more than a Guaranteed pod');
  const all = container('app', {
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
  });
  t.equal(score({}, all), -997);
  t.equal(oomScoreAdj(pod({ containers: [all] }), all, { ...node, lowestOomScore: 0 }), 0, 'without CAP_SYS_RESOURCE');
  const critical = { priority: 2_000_001_000, priorityClassName: 'system-node-critical' };
  t.equal(score(critical, container('app')), -997);
  t.equal(score({ ...critical, priorityClassName: 'system-cluster-critical' }, container('app')), 1000);
  t.end();
});

t.test('memory that only the pod requests is shared by its containers', (t) => {
  const [asking, silent] = [memory('100Mi'), container('other')];
  const spec = { containers: [asking, silent], resources: { requests: { memory: '300Mi' } } };
  t.equal(score(spec, asking), 800);
  t.equal(score(spec, silent), 900);
  t.end();
});

t.test('a sidecar is protected as much as the least protected container', (t) => {
  const sidecar = container('proxy', { restartPolicy: 'Always', resources: { requests: { memory: '10Mi' } } });
  const spec = { containers: [memory('300Mi'), { ...memory('200Mi'), name: 'b' }], initContainers: [sidecar] };
  t.equal(score(spec, sidecar), 800);
  t.equal(
    score({ ...spec, initContainers: [{ ...sidecar, restartPolicy: undefined }] }, {
      ...sidecar,
      restartPolicy: undefined,
    } as never),
    990,
  );
  t.end();
});
