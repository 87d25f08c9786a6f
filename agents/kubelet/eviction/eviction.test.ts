// Order, messages, storage limits and admission: the pure parts of an eviction.
import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import { container, pod } from '../spec/pod.fixture';
import { isCritical, refusedUnderPressure } from './admission';
import { evictionReport } from './message';
import type { PodUse } from './pod-usage';
import { rank } from './rank';
import type { Signal } from './signals';
import { exceededLimit, hasStorageLimit } from './storage-limits';

const mebi = 2 ** 20;
const disk = (bytes: number, inodes = 0) => ({ bytes, inodes });
const use = (more: Partial<PodUse>): PodUse => ({ containers: [], volumes: new Map(), ...more });

interface Case {
  readonly requests?: Record<string, string>;
  readonly priority?: number;
  readonly use?: PodUse;
}

function order(signal: Signal, cases: Readonly<Record<string, Case>>, imageFsApart = false): string[] {
  const pods = Object.entries(cases).map(([name, { requests, priority }]) =>
    pod(
      { priority, containers: [container('app', requests ? { resources: { requests } } : {})] },
      { metadata: { name, uid: name } },
    ),
  );
  const uses = (one: Pod) => cases[one.metadata?.name ?? '']?.use;
  return rank(pods, signal, uses, imageFsApart).map(({ metadata }) => metadata?.name ?? '');
}

t.test('memory: over the request, then priority, then use above the request', async (t) => {
  const names = order('memory.available', {
    below: { requests: { memory: '1Gi' }, use: use({ memoryBytes: 900 * mebi }) },
    important: { priority: 100, use: use({ memoryBytes: 900 * mebi }) },
    little: { use: use({ memoryBytes: 10 * mebi }) },
    much: { requests: { memory: '100Mi' }, use: use({ memoryBytes: 300 * mebi }) },
    unmeasured: { requests: { memory: '1Gi' }, priority: 1000 },
  });
  t.same(names, ['unmeasured', 'much', 'little', 'important', 'below']);
});

t.test('processes: priority, then the most processes', async (t) => {
  const names = order('pid.available', {
    few: { use: use({ processes: 1 }) },
    many: { use: use({ processes: 50 }) },
    important: { priority: 1, use: use({ processes: 500 }) },
  });
  t.same(names, ['many', 'few', 'important']);
});

t.test('disk: what counts depends on the file system that is short', async (t) => {
  const containers = (rootfs: number, logs: number) => [{ name: 'app', rootfs: disk(rootfs, 9), logs: disk(logs, 1) }];
  const cases = {
    layers: { use: use({ containers: containers(100, 0) }) },
    logs: { use: use({ containers: containers(0, 50) }) },
    volumes: { use: use({ containers: containers(0, 0), volumes: new Map([['v', disk(70, 100)]]) }) },
    requested: { requests: { 'ephemeral-storage': '1Gi' }, use: use({ containers: containers(500, 0) }) },
  };
  t.same(order('nodefs.available', cases), ['layers', 'volumes', 'logs', 'requested']);
  t.same(order('imagefs.available', cases, true), ['layers', 'logs', 'volumes', 'requested']);
  t.same(order('nodefs.available', cases, true), ['volumes', 'logs', 'layers', 'requested']);
  t.equal(order('nodefs.inodesFree', cases)[0], 'volumes');
});

t.test('messages and annotations are upstream’s', async (t) => {
  const victim = pod({
    containers: [
      container('app', { resources: { requests: { memory: '50Mi', 'ephemeral-storage': '1Gi' } } }),
      container('small', { resources: { requests: { memory: '200Mi' } } }),
    ],
  });
  const containers = [
    { name: 'app', memoryBytes: 100 * mebi, rootfs: disk(1536 * mebi), logs: disk(512 * mebi) },
    { name: 'small', memoryBytes: mebi, rootfs: disk(0), logs: disk(0) },
    { name: 'debug', memoryBytes: 500 * mebi, rootfs: disk(1), logs: disk(1) },
  ];
  const hard = { signal: 'memory.available', value: { amount: 100 * mebi, text: '100Mi' }, graceMs: 0 } as const;
  const share = { signal: 'nodefs.available', value: { share: 0.1 }, graceMs: 0 } as const;
  const observations = {
    'memory.available': { available: 60 * mebi, capacity: 1024 * mebi },
    'nodefs.available': { available: 12345, capacity: 1_000_000 },
  };
  const said = (resource: 'memory' | 'ephemeral-storage' | 'pids', of: PodUse | undefined = use({ containers })) =>
    evictionReport(resource, victim, of, [hard, share], observations);
  t.same(said('memory'), {
    message:
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. ' +
      'Container app was using 100Mi, request is 50Mi, has larger consumption of memory. ',
    annotations: { starved_resource: 'memory', offending_containers: 'app', offending_containers_usage: '100Mi' },
  });
  t.same(said('ephemeral-storage'), {
    message:
      'The node was low on resource: ephemeral-storage. Threshold quantity: 100000, available: 12345. ' +
      'Container app was using 2Gi, request is 1Gi, has larger consumption of ephemeral-storage. ',
    annotations: {
      starved_resource: 'ephemeral-storage',
      offending_containers: 'app',
      offending_containers_usage: '2Gi',
    },
  });
  const both = [containers[0]!, { ...containers[1]!, memoryBytes: 300 * mebi }];
  t.match(said('memory', use({ containers: both })).annotations, {
    offending_containers: 'app,small',
    offending_containers_usage: '100Mi,300Mi',
  });
  t.same(said('pids'), {
    message: 'The node was low on resource: pids. ',
    annotations: { starved_resource: 'pids', offending_containers: '', offending_containers_usage: '' },
  });
  t.same(evictionReport('pids', victim, undefined, [], {}), {
    message: 'The node was low on resource: pids. ',
    annotations: {},
  });
});

t.test('the pod’s own resources are in the message', async (t) => {
  const victim = pod({ resources: { requests: { memory: '64Mi' } } });
  t.same(evictionReport('memory', victim, use({ memoryBytes: 96 * mebi }), [], {}), {
    message:
      'The node was low on resource: memory. Pod web was using 96Mi, request is 64Mi, has larger consumption of memory. ',
    annotations: {
      offending_pod: 'web',
      offending_pod_usage: '96Mi',
      starved_resource: 'memory',
      offending_containers: '',
      offending_containers_usage: '',
    },
  });
});

t.test('storage limits of the pod itself', async (t) => {
  const limited = pod({
    containers: [container('app', { resources: { limits: { 'ephemeral-storage': '10Mi' } } }), container('free')],
    volumes: [
      { name: 'cache', emptyDir: { sizeLimit: '5Mi' } },
      { name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'none', emptyDir: { sizeLimit: '0' } },
    ],
  });
  const volumes = (bytes: number) =>
    new Map([
      ['cache', disk(bytes)],
      ['none', disk(bytes)],
      ['ram', disk(100 * mebi)],
    ]);
  const app = (rootfs: number, logs: number) => [
    { name: 'app', rootfs: disk(rootfs), logs: disk(logs) },
    { name: 'free', rootfs: disk(0), logs: disk(0) },
  ];
  const cases: ReadonlyArray<{ name: string; use: PodUse; apart?: boolean; want: string | undefined }> = [
    { name: 'nothing is exceeded', use: use({ volumes: new Map(), containers: app(10 * mebi, 0) }), want: undefined },
    {
      name: 'an emptyDir',
      use: use({ volumes: volumes(5 * mebi + 1) }),
      want: 'Usage of EmptyDir volume "cache" exceeds the limit "5Mi". ',
    },
    {
      name: 'all files of the pod',
      use: use({ volumes: new Map([['none', disk(11 * mebi)]]), containers: app(0, 0) }),
      want: 'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ',
    },
  ];
  for (const { name, use: used, apart = false, want } of cases)
    t.equal(exceededLimit(limited, used, apart), want, name);
  const two = pod({
    containers: [
      container('app', { resources: { limits: { 'ephemeral-storage': '10Mi' } } }),
      container('free', { resources: { limits: { 'ephemeral-storage': '90Mi' } } }),
    ],
  });
  const want = 'Container app exceeded its local ephemeral storage limit "10Mi". ';
  t.equal(exceededLimit(two, use({ containers: app(6 * mebi, 5 * mebi) }), false), want);
  t.equal(exceededLimit(two, use({ containers: app(6 * mebi, 5 * mebi) }), true), undefined, 'layers are elsewhere');
  t.ok(hasStorageLimit(limited));
  t.notOk(hasStorageLimit(pod({ volumes: [{ name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }] })));
});

t.test('which new pods a node under pressure refuses', async (t) => {
  const best = pod();
  const burstable = pod({ containers: [container('app', { resources: { requests: { cpu: '1' } } })] });
  const tolerant = pod({ tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] });
  const critical = pod({ priority: 2_000_000_000 });
  const mirror = pod({}, { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } });
  t.equal(refusedUnderPressure(best, []), undefined);
  t.same(refusedUnderPressure(best, ['MemoryPressure']), {
    reason: 'Evicted',
    message: 'The node had condition: [MemoryPressure]. ',
  });
  for (const fine of [burstable, tolerant, critical, mirror]) {
    t.equal(refusedUnderPressure(fine, ['MemoryPressure']), undefined);
  }
  for (const refused of [best, burstable, tolerant]) {
    t.match(refusedUnderPressure(refused, ['MemoryPressure', 'DiskPressure']), {
      message: 'The node had condition: [MemoryPressure DiskPressure]. ',
    });
  }
  t.equal(refusedUnderPressure(critical, ['DiskPressure']), undefined);
  t.ok(isCritical(pod({}, { metadata: { annotations: { 'kubernetes.io/config.source': 'file' } } })));
  t.notOk(isCritical(pod({ priority: 1_000_000_000 })));
});
