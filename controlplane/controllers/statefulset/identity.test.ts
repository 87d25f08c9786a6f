import t from 'tap';
import type { StatefulSet } from '../../api/stateful-set';
import { ordinalOf, renderClaims, renderPod } from './identity';

const template = {
  metadata: { labels: { app: 'web' }, annotations: { note: 'a' } },
  spec: {
    containers: [{ name: 'c' }],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ],
  },
};
const set = {
  metadata: { name: 'web', namespace: 'a', uid: 'set' },
  spec: {
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    template,
    volumeClaimTemplates: [
      { metadata: { name: 'data', labels: { tier: 'db' } }, spec: { accessModes: ['ReadWriteOnce'] } },
    ],
  },
} as StatefulSet;

t.test('the ordinal of a pod', async (t) => {
  const cases: Array<[name: string, ordinal: number | undefined]> = [
    ['web-0', 0],
    ['web-12', 12],
    ['web', undefined],
    ['web-', undefined],
    ['web-x', undefined],
    ['web-1-2', undefined],
    ['other-0', undefined],
    ['web-99999999999', undefined],
  ];
  for (const [name, ordinal] of cases) t.equal(ordinalOf(set, { metadata: { name } }), ordinal, name);
});

t.test('a pod has its name, its labels, its revision and its claims', async (t) => {
  const { metadata, spec } = renderPod(set, 2, template, 'web-abc');
  t.match(metadata, {
    name: 'web-2',
    generateName: 'web-',
    namespace: 'a',
    annotations: { note: 'a' },
    ownerReferences: [{ kind: 'StatefulSet', name: 'web', uid: 'set', controller: true, blockOwnerDeletion: true }],
  });
  t.same(metadata?.labels, {
    app: 'web',
    'statefulset.kubernetes.io/pod-name': 'web-2',
    'apps.kubernetes.io/pod-index': '2',
    'controller-revision-hash': 'web-abc',
  });
  t.equal(spec?.hostname, 'web-2');
  t.equal(spec?.subdomain, 'nginx');
  t.same(spec?.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-2' } },
    { name: 'tmp', emptyDir: {} },
  ]);
});

t.test('a claim has the labels of its template and of the selector', async (t) => {
  t.same(renderClaims(set, 1), [
    {
      metadata: { name: 'data-web-1', namespace: 'a', labels: { tier: 'db', app: 'web' } },
      spec: { accessModes: ['ReadWriteOnce'] },
    },
  ]);
});
