import t from 'tap';
import type { Pod } from '../../api/pod';
import { type Answer, askResource, type Question } from './resource-replicas';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();

interface Shape {
  /** Thousandths of a CPU that it uses; absent: no measurement. */
  readonly uses?: number;
  readonly requests?: string | null;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly startedSeconds?: number;
  readonly changedSeconds?: number;
  readonly deleting?: boolean;
}
const build = (shapes: readonly Shape[]) => ({
  pods: shapes.map((shape, i): Pod => {
    const { phase = 'Running', ready = true, startedSeconds = 3000, changedSeconds = 2000, requests = '1' } = shape;
    return {
      metadata: { name: `p${i}`, ...(shape.deleting ? { deletionTimestamp: at(1) } : {}) },
      spec: {
        containers: [{ name: 'c', ...(requests === null ? {} : { resources: { requests: { cpu: requests } } }) }],
      },
      status: {
        phase,
        startTime: at(startedSeconds),
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(changedSeconds) }],
      },
    };
  }),
  metrics: shapes.flatMap(({ uses }, i) =>
    uses === undefined
      ? []
      : [
          {
            metadata: { name: `p${i}` },
            timestamp: at(10),
            window: '30s',
            containers: [{ name: 'c', usage: { cpu: `${uses}m` } }],
          },
        ],
  ),
});
const pods = (count: number, shape: Shape): Shape[] => Array.from({ length: count }, () => shape);

const withPodRequest =
  (resource: string, amount: string) =>
  (pod: Pod): Pod => ({ ...pod, spec: { ...pod.spec!, resources: { requests: { [resource]: amount } } } });

const cases: Array<{ name: string; shapes: Shape[]; over?: Partial<Question>; found: Partial<Answer> | string }> = [
  { name: 'twice the target', shapes: pods(3, { uses: 1000 }), found: { replicas: 6, utilization: 100, milli: 1000 } },
  { name: 'half of the target', shapes: pods(4, { uses: 250 }), found: { replicas: 2, utilization: 25 } },
  { name: 'nearly the target: no change', shapes: pods(3, { uses: 540 }), found: { replicas: 3, utilization: 54 } },
  {
    name: 'a smaller tolerance',
    shapes: pods(3, { uses: 540 }),
    over: { tolerances: { up: 0.01, down: 0.01 } },
    found: { replicas: 4 },
  },
  { name: 'rounded up', shapes: pods(3, { uses: 600 }), found: { replicas: 4 } },
  {
    name: 'an amount per pod',
    shapes: pods(2, { uses: 900, requests: null }),
    over: { target: { milli: 300 } },
    found: { replicas: 6, milli: 900 },
  },
  {
    name: 'pods that fail or end do not count',
    shapes: [...pods(2, { uses: 500 }), { uses: 5000, phase: 'Failed' }, { uses: 5000, deleting: true }],
    over: { current: 2 },
    found: { replicas: 2 },
  },
  {
    name: 'a pod that starts counts as idle when the others are busy',
    shapes: [...pods(2, { uses: 1000 }), { uses: 5000, ready: false, startedSeconds: 20, changedSeconds: 15 }],
    over: { current: 3 },
    found: { replicas: 4 },
  },
  {
    name: 'a pod that starts does not count when the others are idle',
    shapes: [...pods(2, { uses: 250 }), { uses: 5000, ready: false, startedSeconds: 20, changedSeconds: 15 }],
    over: { current: 3 },
    found: { replicas: 1 },
  },
  {
    name: 'a pod without a measurement counts as idle when the others are busy',
    shapes: [...pods(2, { uses: 1000 }), {}],
    over: { current: 3 },
    found: { replicas: 4 },
  },
  {
    name: 'a pod without a measurement counts as full when the others are idle: no change',
    shapes: [{ uses: 250 }, {}],
    over: { current: 2 },
    found: { replicas: 2 },
  },
  {
    name: 'no measurement at all',
    shapes: pods(2, {}),
    found: 'unable to get metrics for resource cpu: no metrics returned from resource metrics API',
  },
  {
    name: 'only of pods that wait',
    shapes: pods(2, { uses: 100, phase: 'Pending' }),
    found: 'did not receive metrics for targeted pods (pods might be unready)',
  },
  {
    name: 'no request',
    shapes: pods(1, { uses: 100, requests: null }),
    found: 'missing request for cpu in container c of Pod p0',
  },
  {
    name: 'another container',
    shapes: pods(1, { uses: 100 }),
    over: { wanted: { resource: 'cpu', container: 'other' } },
    found: 'did not receive metrics for targeted pods (pods might be unready)',
  },
  {
    name: 'no pods',
    shapes: pods(1, { uses: 100 }),
    over: { pods: [] },
    found: 'no pods returned by selector while calculating replica count',
  },
  {
    name: 'the request of the pod as a whole counts',
    shapes: pods(2, { uses: 500 }),
    over: { pods: build(pods(2, { uses: 500 })).pods.map(withPodRequest('cpu', '500m')) },
    found: { replicas: 4, utilization: 100 },
  },
  {
    name: 'of a pod as a whole that requests another resource, the containers count',
    shapes: pods(2, { uses: 500 }),
    over: { pods: build(pods(2, { uses: 500 })).pods.map(withPodRequest('memory', '1Gi')) },
    found: { replicas: 2, utilization: 50 },
  },
];
for (const { name, shapes, over, found } of cases) {
  t.test(name, async (t) => {
    const answer = askResource({
      wanted: { resource: 'cpu' },
      target: { utilization: 50 },
      current: shapes.length,
      tolerances: { up: 0.1, down: 0.1 },
      now,
      ...build(shapes),
      ...over,
    });
    if (typeof found === 'string') t.equal(answer, found);
    else t.has(answer, found);
  });
}
