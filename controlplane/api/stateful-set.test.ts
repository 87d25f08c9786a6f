import t from 'tap';
import { row, write } from '../../test/lib/written-object';
import { type StatefulSet, statefulSets } from './stateful-set';

const metadata = { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const labels = { app: 'a' };
const selector = { matchLabels: labels };
const container = { name: 'c', image: 'i' };
const template = { metadata: { labels }, spec: { containers: [container] } };
const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
};

t.test('defaults of StatefulSets', async (t) => {
  const { object, causes } = write(statefulSets, {
    metadata,
    spec: { selector, template, volumeClaimTemplates: [claim] },
  });
  t.same(causes, []);
  t.match(object, {
    spec: {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      revisionHistoryLimit: 10,
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          spec: { volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } },
          status: { phase: 'Pending' },
        },
      ],
    },
    status: { replicas: 0, availableReplicas: 0 },
  });
  t.same(row(statefulSets, object, true), ['a', '0/1', '60s', 'c', 'i']);
  for (const [type, expected] of [
    ['OnDelete', { type: 'OnDelete' }],
    ['RollingUpdate', { type: 'RollingUpdate' }],
  ] as const) {
    const named = write(statefulSets, { metadata, spec: { selector, template, updateStrategy: { type } } });
    t.same(named.object.spec?.updateStrategy, expected, `${type}: the writer names the strategy`);
  }
});

t.test('rules of StatefulSets', async (t) => {
  const { object } = write(statefulSets, { metadata, spec: { selector, template, serviceName: 's' } });
  const fixed =
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', " +
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
  const mounts = [{ name: 'data', mountPath: '/data' }];
  const mounted = { ...template, spec: { containers: [{ ...container, volumeMounts: mounts }] } };
  const at = 'spec.updateStrategy.rollingUpdate';
  const cases: Array<{ name: string; spec: object; old?: StatefulSet; causes: string[] }> = [
    {
      name: 'unknown policies',
      spec: {
        podManagementPolicy: 'Random',
        updateStrategy: { type: 'Never' },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' },
      },
      causes: [
        `spec.podManagementPolicy: Invalid value: "Random": must be 'OrderedReady' or 'Parallel'`,
        `spec.updateStrategy: Invalid value: {"type":"Never"}: must be 'RollingUpdate' or 'OnDelete'`,
        'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"',
      ],
    },
    {
      name: 'negative numbers',
      spec: { replicas: -1, minReadySeconds: -2, ordinals: { start: -3 }, ...rolling({ partition: -4 }) },
      causes: [
        `${at}.partition: Invalid value: -4: must be greater than or equal to 0`,
        'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        'spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0',
        'spec.ordinals.start: Invalid value: -3: must be greater than or equal to 0',
      ],
    },
    {
      name: 'no pod may be unavailable',
      spec: rolling({ maxUnavailable: 0 }),
      causes: [`${at}.maxUnavailable: Invalid value: 0: cannot be 0`],
    },
    {
      name: 'more than all pods may be unavailable',
      spec: rolling({ maxUnavailable: '101%' }),
      causes: [`${at}.maxUnavailable: Invalid value: "101%": must not be greater than 100%`],
    },
    {
      name: 'a rolling update on delete',
      spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
      causes: [`${at}: Invalid value: {"partition":1}: only allowed for updateStrategy 'RollingUpdate'`],
    },
    {
      name: 'a service name with dots',
      spec: { serviceName: 'a.b' },
      causes: ['spec.serviceName: Invalid value: "a.b": must not contain dots'],
    },
    { name: 'a mount of a claim', spec: { template: mounted, volumeClaimTemplates: [claim] }, causes: [] },
    {
      name: 'a mount of nothing',
      spec: { template: mounted },
      causes: ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    },
    {
      name: 'pods that end',
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 1 } } },
      causes: [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported',
      ],
    },
    {
      name: 'an empty selector',
      spec: { selector: {} },
      causes: ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
    },
    { name: 'another service', spec: { serviceName: 't' }, old: object, causes: [fixed] },
    {
      name: 'another order',
      spec: { serviceName: 's', podManagementPolicy: 'Parallel' },
      old: object,
      causes: [fixed],
    },
    {
      name: 'all that may change',
      spec: {
        serviceName: 's',
        replicas: 3,
        ordinals: { start: 1 },
        template: { ...template, spec: { containers: [{ ...container, image: 'j' }] } },
        updateStrategy: { type: 'OnDelete' },
        revisionHistoryLimit: 2,
        persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' },
        minReadySeconds: 5,
      },
      old: object,
      causes: [],
    },
  ];
  for (const { name, spec, old, causes } of cases) {
    t.same(write(statefulSets, { metadata, spec: { selector, template, ...spec } }, old).causes, causes, name);
  }
});

t.test('the counts of a status agree with each other', async (t) => {
  const { object } = write(statefulSets, { metadata, spec: { selector, template } });
  const stored = { ...object, status: { replicas: 1, collisionCount: 2 } };
  const cases: Array<{ name: string; status: object; causes: string[] }> = [
    { name: 'right', status: { replicas: 2, readyReplicas: 2, availableReplicas: 1, collisionCount: 3 }, causes: [] },
    {
      name: 'more parts than the whole',
      status: { replicas: 1, updatedReplicas: 2, availableReplicas: 1, collisionCount: 2 },
      causes: [
        'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
        'status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas',
      ],
    },
    {
      name: 'fewer collisions',
      status: { replicas: 1 },
      causes: ['status.collisionCount: Invalid value: 0: cannot be decremented'],
    },
  ];
  for (const { name, status, causes } of cases) {
    t.same(write(statefulSets, { ...object, status }, stored, 'status').causes, causes, name);
  }
});

t.test('warnings of StatefulSets', async (t) => {
  const warningsOf = (spec: object, old?: StatefulSet) => {
    const { object } = write(statefulSets, { metadata, spec: { selector, template, ...spec } });
    return statefulSets.options.warnings?.(object, { subresource: '', ...(old ? { old } : {}) });
  };
  const limit =
    'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
  t.same(warningsOf({ revisionHistoryLimit: -1 }), [limit]);
  t.same(warningsOf({ revisionHistoryLimit: 0 }), []);
  const { object } = write(statefulSets, { metadata, spec: { selector, template, revisionHistoryLimit: -1 } });
  t.same(warningsOf({ revisionHistoryLimit: -1 }, object), [], 'nothing changed');
});
