import t from 'tap';
import { type Node, nodes } from '../../../controlplane/api';
import { silentLogger } from '../../../controlplane/base/logger';
import { eventually } from '../../../test/lib/eventually';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { openTestServer } from '../../../test/lib/test-server';
import { FakeRuntime } from '../runtime/fake';
import { VolumesInUse } from '../volumes/csi/volumes-in-use';
import { statusEvents } from './events';
import { parseMemTotal } from './facts';
import { type NodeInput, nodeLabels, nodeStatus } from './node-object';
import { NodeReporter, type NodeReporterDeps } from './node-reporter';
import { defaultNodePolicy } from './policy';

const clock = new FakeClock();
const input: NodeInput = {
  name: 'n1',
  ips: ['192.0.2.1'],
  labels: { zone: 'a' },
  kubeletPort: 10250,
  kubeletVersion: 'v1.36.0-k8ts.1',
  maxPods: 110,
  policy: defaultNodePolicy,
  machine: {
    cores: 2,
    memoryBytes: 4 * 2 ** 30,
    lowestOomScore: 0,
    hugePages: { 'hugepages-2Mi': '0' },
    hasAppArmor: false,
    machineId: 'm',
    bootId: 'b',
    systemUuid: 's',
    kernelVersion: '6.1',
    osImage: 'Debian',
    architecture: 'amd64',
  },
  runtime: {
    name: 'docker',
    version: '20.10',
    operatingSystem: '',
    kernelVersion: '',
    rootDir: '/',
    cgroupDriver: 'none',
  },
  images: [
    { id: '1', tags: ['small:1'], digests: [], sizeBytes: 1, user: '' },
    { id: '2', tags: ['big:1'], digests: ['big@sha256:2'], sizeBytes: 9, user: '' },
    { id: '3', tags: [], digests: [], sizeBytes: 5, user: '' },
  ],
  diskBytes: 100 * 2 ** 30,
  pressures: [],
  notReady: undefined,
  now: clock.now(),
};
const extras = { pressures: () => [], report: () => {} };
const condition = (of: NodeInput, type: string, previous?: ReturnType<typeof nodeStatus>) =>
  nodeStatus(of, previous).conditions?.find((each) => each.type === type);

t.test('the Node object', async (t) => {
  t.match(nodeLabels(input), { 'kubernetes.io/hostname': 'n1', 'beta.kubernetes.io/arch': 'amd64', zone: 'a' });
  const status = nodeStatus(input, undefined);
  t.match(status, {
    capacity: { cpu: '2', memory: '4Gi', pods: '110' },
    nodeInfo: { containerRuntimeVersion: 'docker://20.10', kubeletVersion: 'v1.36.0-k8ts.1' },
    images: [{ names: ['big@sha256:2', 'big:1'] }, { names: ['small:1'] }],
  });
  t.equal(status.images?.length, 2);
  t.equal(parseMemTotal('MemFree: 1 kB\nMemTotal:        2048 kB\n'), 2 * 2 ** 20);
});

t.test('conditions', async (t) => {
  t.match(condition(input, 'Ready'), { status: 'True', reason: 'KubeletReady' });
  t.match(condition({ ...input, notReady: 'docker is away' }, 'Ready'), { status: 'False', message: 'docker is away' });
  t.equal(condition({ ...input, pressures: ['MemoryPressure'] }, 'MemoryPressure')?.status, 'True');
  t.equal(condition({ ...input, pressures: ['DiskPressure'] }, 'DiskPressure')?.status, 'True');
  const first = nodeStatus(input, undefined);
  const later = { ...input, now: input.now + 60_000 };
  t.equal(condition(later, 'Ready', first)?.lastTransitionTime, condition(input, 'Ready')?.lastTransitionTime);
  t.not(condition(later, 'Ready', first)?.lastHeartbeatTime, condition(input, 'Ready')?.lastHeartbeatTime);
  const worse = condition({ ...later, notReady: 'x' }, 'Ready', first);
  t.not(worse?.lastTransitionTime, condition(input, 'Ready')?.lastTransitionTime);
});

t.test('a full table of connections', async (t) => {
  const type = 'ConntrackFull';
  const roomy = { ...input, connections: { used: 10, max: 1000 } };
  const full = nodeStatus({ ...input, connections: { used: 999, max: 1000 } }, undefined);
  t.equal(condition(roomy, type), undefined, 'upstream has no such condition: absent until it is needed');
  t.match(
    full.conditions?.find((one) => one.type === type),
    { status: 'True', message: /tracks 1000 connections/ },
  );
  t.match(condition(roomy, type, full), { status: 'False', reason: 'ConntrackHasRoom' });
  t.match(statusEvents('n1', full, nodeStatus(roomy, undefined)), [['Normal', 'ConntrackFull', /ConntrackFull/]]);
});

t.test('both addresses of a dual-stack node are reported, and a lost one is removed', async (t) => {
  const server = await openTestServer();
  t.teardown(() => server.close());
  const client = server.client();
  const fake = new FakeClock();
  const { name, labels, kubeletPort, kubeletVersion, maxPods, policy, machine } = input;
  const reports = async (ips: readonly string[]) => {
    const abort = new AbortController();
    const runtime = new FakeRuntime(() => fake.now());
    const config = { name, ips, labels, kubeletPort, kubeletVersion, maxPods, policy, rootDir: '/' };
    const notReady = () => undefined;
    const reporter = new NodeReporter({
      client,
      runtime,
      clock: fake,
      log: silentLogger,
      machine,
      config,
      notReady,
      ...extras,
    });
    await reporter.register(abort.signal);
    const running = reporter.run(abort.signal);
    const [node] = await eventually(client, nodes, ([node]) => node?.status?.addresses?.length === ips.length + 1);
    abort.abort(new Error('over'));
    await running;
    return node?.status?.addresses?.map(({ type, address }) => `${type} ${address}`);
  };
  t.same(await reports(['192.0.2.1', 'fd00::1']), ['InternalIP 192.0.2.1', 'InternalIP fd00::1', 'Hostname n1']);
  t.same(await reports(['192.0.2.1']), ['InternalIP 192.0.2.1', 'Hostname n1']);
});

async function running(
  t: Pick<typeof import('tap').t, 'teardown'>,
  client: MemoryClient,
  more: Partial<NodeReporterDeps> = {},
) {
  const fake = new FakeClock();
  const runtime = new FakeRuntime(() => fake.now());
  const abort = new AbortController();
  const { name, ips, labels, kubeletPort, kubeletVersion, maxPods, policy, machine } = input;
  const config = { name, ips, labels, kubeletPort, kubeletVersion, maxPods, policy, rootDir: '/' };
  const log = silentLogger;
  const reporter = new NodeReporter({
    client,
    runtime,
    clock: fake,
    log,
    machine,
    config,
    notReady: () => undefined,
    ...extras,
    ...more,
  });
  await reporter.register(abort.signal);
  const run = reporter.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('over'));
    await run;
  });
  return reporter;
}
t.test('volumes in use are shown at once, and who waits for that learns it', async (t) => {
  const client = new MemoryClient();
  const volumesInUse = new VolumesInUse();
  const reporter = await running(t, client, { volumesInUse });
  volumesInUse.onChange(() => reporter.changed());
  t.notOk((await client.get(nodes, 'n1')).status?.volumesInUse, 'absent while there never were any');
  volumesInUse.add('kubernetes.io/csi/d^h');
  await volumesInUse.shown('kubernetes.io/csi/d^h', new AbortController().signal);
  t.strictSame((await client.get(nodes, 'n1')).status?.volumesInUse, ['kubernetes.io/csi/d^h']);
  volumesInUse.remove('kubernetes.io/csi/d^h');
  await client.until(nodes, 'n1', (node) => node?.status?.volumesInUse?.length === 0);
});

/** As the node controller writes it. */
const unknown = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
const isReady = (node: Node | undefined) =>
  node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

t.test('a node whose Ready was set to Unknown reports at once', async (t) => {
  const client = new MemoryClient();
  const reporter = await running(t, client);
  reporter.observe(await client.patch(nodes, 'n1', 'strategic', unknown, { subresource: 'status' }));
  t.ok(await client.until<Node>(nodes, 'n1', isReady));
});

t.test('a node whose Ready is set to Unknown during its own report reports again', async (t) => {
  const client = new MemoryClient();
  const patch = client.patch.bind(client) as (...args: unknown[]) => Promise<Node>;
  let overtaken = false;
  const reported = Promise.withResolvers<void>();
  Object.assign(client, {
    patch: async (...args: unknown[]) => {
      const answer = await patch(...args);
      if (args[4] === undefined || overtaken || !reporter) return answer;
      overtaken = true;
      reporter.observe(await patch(nodes, 'n1', 'strategic', unknown, { subresource: 'status' }));
      reported.resolve();
      return answer;
    },
  });
  let reporter: NodeReporter | undefined;
  reporter = await running(t, client);
  reporter.observe(await patch(nodes, 'n1', 'strategic', unknown, { subresource: 'status' }));
  await reported.promise;
  t.ok(await client.until<Node>(nodes, 'n1', isReady));
});

t.test('an extended resource that another client adds becomes allocatable', async (t) => {
  const client = new MemoryClient();
  const reporter = await running(t, client);
  const added = { status: { capacity: { 'example.com/dongle': '3' } } };
  reporter.observe(await client.patch(nodes, 'n1', 'strategic', added, { subresource: 'status' }));
  reporter.changed();
  const node = await client.until<Node>(
    nodes,
    'n1',
    (each) => each?.status?.allocatable?.['example.com/dongle'] === '3',
  );
  t.match(node?.status, { capacity: { 'example.com/dongle': '3', cpu: '2' } });
});

t.test('a change of a condition is an Event of the node', async (t) => {
  const fine = nodeStatus(input, undefined);
  const short = nodeStatus({ ...input, pressures: ['MemoryPressure', 'DiskPressure', 'PIDPressure'] }, fine);
  const away = nodeStatus({ ...input, notReady: 'docker is away' }, fine);
  const reasons = (...statuses: [typeof fine, typeof fine | undefined]) =>
    statusEvents('n1', ...statuses).map(([, reason]) => reason);
  t.same(reasons(fine, undefined), [
    'NodeHasSufficientMemory',
    'NodeHasNoDiskPressure',
    'NodeHasSufficientPID',
    'NodeReady',
  ]);
  t.notOk(reasons(away, undefined).includes('NodeNotReady'), 'a new node is not Ready yet');
  t.same(reasons(short, fine), ['NodeHasInsufficientMemory', 'NodeHasDiskPressure', 'NodeHasInsufficientPID']);
  t.same(reasons(fine, short), ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID']);
  t.same(statusEvents('n1', away, fine), [['Normal', 'NodeNotReady', 'Node n1 status is now: NodeNotReady']]);
  t.same(reasons(fine, fine), []);
  const booted = { ...fine, nodeInfo: { ...fine.nodeInfo!, bootID: 'c' } };
  t.same(statusEvents('n1', booted, fine), [['Warning', 'NodeRebooted', 'Node n1 has been rebooted, boot id: c']]);
});

t.test('devices of plug-ins: all as capacity, the healthy ones as allocatable; 0 when the plug-in is gone', (t) => {
  const [gpu, other] = ['example.com/gpu', 'example.com/licences'];
  const of = (all: string, usable: string) => ({ capacity: { [gpu]: all }, allocatable: { [gpu]: usable } });
  const previous = { capacity: { [gpu]: '4', [other]: '9' }, allocatable: { [gpu]: '4', [other]: '9' } };
  const shown = (devices: ReturnType<typeof of>) => {
    const { capacity, allocatable } = nodeStatus({ ...input, devices }, previous);
    return [capacity?.[gpu], allocatable?.[gpu], capacity?.[other], allocatable?.[other]].join(' ');
  };
  t.equal(shown(of('3', '2')), '3 2 9 9', 'what another client has added stays');
  t.equal(shown(of('0', '0')), '0 0 9 9');
  t.end();
});
