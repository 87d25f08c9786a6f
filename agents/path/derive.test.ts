import t from 'tap';
import { deployments, type EndpointSlice, type Pod, pods, type Service, statefulSets } from '../../controlplane/api';
import type { KindRef } from '../../controlplane/api/kind';
import type { KubeObject } from '../../controlplane/api/types';
import { derivePods, deriveSlices } from './derive';
import type { Rehearsed } from './rehearse';

const pod = (name: string, labels: Record<string, string>, ip = '10.0.0.1'): Pod => ({
  metadata: { name, namespace: 'a', uid: name, labels },
  spec: { nodeName: 'n', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
});
const workload = (labels: Record<string, string>, replicas = 2, port = 80) =>
  ({
    metadata: { name: 'web', namespace: 'a' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] },
      },
    },
  }) as unknown as KubeObject;
const changed = (kind: KindRef<KubeObject>, before?: KubeObject, after?: KubeObject): Rehearsed => ({
  kind,
  key: 'a/web',
  before,
  after,
  change: before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed',
});
const own = [pod('web-1', { app: 'web', hash: '1' }), pod('web-2', { app: 'web', hash: '1' }, '10.0.0.2')];
const other = pod('db', { app: 'db' }, '10.0.0.3');

t.test('pods of a changed workload get its new labels and ports, and keep their place', async (t) => {
  const to = workload({ app: 'web', tier: 'x' }, 2, 8080);
  const { changed: found } = derivePods([changed(deployments, workload({ app: 'web' }), to)], [...own, other]);
  t.strictSame([...found.keys()], ['a/web-1', 'a/web-2']);
  t.match(found.get('a/web-1'), {
    metadata: { labels: { app: 'web', hash: '1', tier: 'x' } },
    spec: { nodeName: 'n', containers: [{ ports: [{ containerPort: 8080 }] }] },
    status: { podIP: '10.0.0.1' },
  });
});

t.test('what the template does not change changes no pod; no replicas, no pods', async (t) => {
  const same = derivePods([changed(deployments, workload({ app: 'web' }), workload({ app: 'web' }))], own);
  t.equal(same.changed.size, 0);
  const none = derivePods([changed(statefulSets, workload({ app: 'web' }), workload({ app: 'web' }, 0))], own);
  t.strictSame(
    [...none.changed],
    [
      ['a/web-1', undefined],
      ['a/web-2', undefined],
    ],
  );
  const more = derivePods([changed(deployments, workload({ app: 'web' }), workload({ app: 'web' }, 5))], own);
  t.match(more.notes.get('Deployment a/web'), /which pods would come or go/);
  t.match(
    derivePods([changed(deployments, undefined, workload({ app: 'web' }))], own).notes.get('Deployment a/web'),
    /do not exist yet/,
  );
});

const service = (selector: Record<string, string>, targetPort: unknown = 'http'): Service =>
  ({
    metadata: { name: 'web', namespace: 'a', uid: 's' },
    spec: { clusterIP: '10.96.0.7', selector, ports: [{ port: 80, targetPort }] },
  }) as unknown as Service;
const world = (now: Service, more: Partial<Parameters<typeof deriveSlices>[0]> = {}) => ({
  services: [now],
  pods: [...own, other],
  podsBefore: [...own, other],
  changedPods: new Map<string, Pod | undefined>(),
  changedServices: new Map<string, Service | undefined>(),
  slices: [] as readonly EndpointSlice[],
  node: () => undefined,
  ...more,
});
const ends = (slices: ReturnType<typeof deriveSlices>) =>
  [...slices.values()].flatMap((slice) => slice?.endpoints?.flatMap(({ addresses }) => addresses) ?? []);

t.test('slices of a changed Service, and of a Service whose pods change', async (t) => {
  const now = service({ app: 'web' });
  t.strictSame(ends(deriveSlices(world(now, { changedServices: new Map([['a/web', now]]) }))), [
    '10.0.0.1',
    '10.0.0.2',
  ]);
  t.equal(deriveSlices(world(now)).size, 0, 'nothing changes');
  const moved = pod('db', { app: 'web' }, '10.0.0.3');
  const then = world(now, { pods: [...own, moved], changedPods: new Map([['a/db', moved]]) });
  t.strictSame(ends(deriveSlices(then)), ['10.0.0.3', '10.0.0.1', '10.0.0.2']);
});

t.test('a Service that would go takes its slices along', async (t) => {
  const now = service({ app: 'web' });
  const [slice] = [...deriveSlices(world(now, { changedServices: new Map([['a/web', now]]) })).values()];
  const gone = deriveSlices({
    ...world(now),
    services: [],
    slices: [slice!],
    changedServices: new Map([['a/web', undefined]]),
  });
  t.strictSame([...gone.values()], [undefined]);
});

t.test('a pod of the manifest', async (t) => {
  const after = pod('web', { app: 'x' });
  t.strictSame([...derivePods([changed(pods, own[0], after)], own).changed], [['a/web', after]]);
});
