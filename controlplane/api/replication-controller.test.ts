import t from 'tap';
import { row, write } from '../../test/lib/written-object';
import type { Kind } from './kind';
import { replicaSets } from './replica-set';
import { type ReplicationController, replicationControllers } from './replication-controller';

const metadata = { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const labels = { app: 'a' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };

t.test('labels of the template are the default of the selector and of the labels', async (t) => {
  const { object, causes } = write(replicationControllers, { metadata, spec: { template } });
  t.same(causes, []);
  t.match(object, {
    metadata: { labels },
    spec: { replicas: 1, selector: labels, template: { spec: { restartPolicy: 'Always' } } },
    status: { replicas: 0 },
  });
  t.same(row(replicationControllers, object, true), ['a', 1, 0, 0, '60s', 'c', 'i', 'app=a']);
  const own = write(replicationControllers, {
    metadata: { ...metadata, labels: { x: 'y' } },
    spec: { template: { ...template, metadata: { labels: { app: 'a', b: 'c' } } }, selector: labels },
  });
  t.same(own.causes, []);
  t.same([own.object.metadata?.labels, own.object.spec?.selector], [{ x: 'y' }, labels], 'the writer sets both');
});

t.test('rules of ReplicationControllers', async (t) => {
  const { object } = write(replicationControllers, { metadata, spec: { template } });
  const cases: Array<{ name: string; spec?: object; old?: ReplicationController; causes: string[] }> = [
    { name: 'nothing', causes: ['spec.selector: Required value', 'spec.template: Required value'] },
    { name: 'no template', spec: { selector: labels }, causes: ['spec.template: Required value'] },
    {
      name: 'no labels',
      spec: { template: { spec: template.spec } },
      causes: ['spec.selector: Required value'],
    },
    {
      name: 'labels that the selector does not match',
      spec: { template, selector: { app: 'b' } },
      causes: [
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ],
    },
    {
      name: 'another selector',
      spec: { template: { ...template, metadata: { labels: { app: 'b' } } } },
      old: object,
      causes: [],
    },
    {
      name: 'negative numbers',
      spec: { template, replicas: -1, minReadySeconds: -2 },
      causes: [
        'spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0',
        'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      ],
    },
    {
      name: 'pods that end',
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } } },
      causes: [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported',
      ],
    },
  ];
  for (const { name, spec, old, causes } of cases) {
    t.same(write(replicationControllers, { metadata, ...(spec ? { spec } : {}) }, old).causes, causes, name);
  }
});

t.test('the counts of a status agree with each other', async (t) => {
  const cases: Array<{ name: string; status: object; causes: string[] }> = [
    { name: 'right', status: { replicas: 3, readyReplicas: 2, availableReplicas: 1 }, causes: [] },
    {
      name: 'more parts than the whole',
      status: { replicas: 1, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 3 },
      causes: [
        'status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas',
        'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas',
      ],
    },
    {
      name: 'negative',
      status: { replicas: -1 },
      causes: [
        'status.replicas: Invalid value: -1: must be greater than or equal to 0',
        'status.fullyLabeledReplicas: Invalid value: 0: cannot be greater than status.replicas',
        'status.readyReplicas: Invalid value: 0: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 0: cannot be greater than status.replicas',
      ],
    },
  ];
  const kinds: readonly Kind[] = [replicationControllers, replicaSets];
  for (const kind of kinds) {
    const { object } = write(kind, {
      metadata,
      spec: { template, selector: kind === replicaSets ? { matchLabels: labels } : labels },
    });
    for (const { name, status, causes } of cases) {
      t.same(write(kind, { ...object, status }, object, 'status').causes, causes, `${kind.kind}: ${name}`);
    }
  }
});
