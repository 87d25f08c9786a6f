import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { csiNodes, type Node, nodes } from '../../../../controlplane/api';
import { refuse, serveGrpc } from '../../../../test/lib/grpc-server';
import { MemoryClient } from '../../../../test/lib/memory-client';
import { CsiDrivers } from './drivers';
import { driverEntry, NodeInfoWriter, nodePatch, withDriver } from './node-info';
import { type NodeInfo, nodeService } from './node-service';
import { CsiRegistration } from './registration';
import { compareVersions, highestSupported, parseVersion } from './versions';

// The gRPC library takes a while to load on a busy machine.
t.setTimeout(120_000);

const signal = new AbortController().signal;
const plugin = { type: 'CSIPlugin', name: 'd.example.com', endpoint: '', supportedVersions: ['1.0.0'] };

async function setUp(t: Test, info: () => Partial<NodeInfo>, node: Partial<Node> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'k8ts-csi-'));
  t.teardown(() => rm(root, { recursive: true }));
  const endpoint = join(root, 'csi.sock');
  t.teardown(await serveGrpc(endpoint, nodeService, { NodeGetInfo: info }));
  const client = new MemoryClient();
  await client.create(nodes, { metadata: { name: 'n1', uid: 'u1', ...node.metadata } });
  const drivers = new CsiDrivers(root);
  const registration = new CsiRegistration(drivers, new NodeInfoWriter({ client, nodeName: 'n1' }));
  return { client, drivers, registration, plugin: { ...plugin, endpoint } };
}

t.test('a driver is shown on CSINode and Node, and is gone from both afterwards', async (t) => {
  const topology = { accessibleTopology: { segments: { 'topology.d/zone': 'a' } } };
  const info = { nodeId: 'id-1', maxVolumesPerNode: 5, ...topology };
  const { client, drivers, registration, plugin } = await setUp(t, () => info);
  await registration.register(plugin, signal);
  const shown = await client.get(csiNodes, 'n1');
  t.strictSame(shown.spec?.drivers, [
    { name: 'd.example.com', nodeID: 'id-1', topologyKeys: ['topology.d/zone'], allocatable: { count: 5 } },
  ]);
  t.strictSame(shown.metadata?.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1' }]);
  const { metadata } = await client.get(nodes, 'n1');
  t.strictSame(metadata?.labels, { 'topology.d/zone': 'a' });
  t.equal(metadata?.annotations?.['csi.volume.kubernetes.io/nodeid'], '{"d.example.com":"id-1"}');
  t.strictSame(drivers.names(), ['d.example.com']);
  await registration.deregister(plugin);
  t.strictSame((await client.get(csiNodes, 'n1')).spec?.drivers, []);
  const left = (await client.get(nodes, 'n1')).metadata;
  t.strictSame(left?.labels, { 'topology.d/zone': 'a' }, 'its labels stay, as upstream');
  t.notOk(left?.annotations?.['csi.volume.kubernetes.io/nodeid']);
  t.strictSame(drivers.names(), []);
});

t.test('what is wrong with a driver is said, and it is not registered', async (t) => {
  const label = { metadata: { labels: { zone: 'b' } } };
  let answer: () => Partial<NodeInfo> = () => ({ nodeId: '' });
  const { drivers, registration, plugin } = await setUp(t, () => answer(), label);
  const fails = (message: string) => t.rejects(registration.register(plugin, signal), { message });
  await fails('error adding CSI driver node info: driverNodeID must not be empty');
  answer = () => ({ nodeId: 'x', accessibleTopology: { segments: { zone: 'a' } } });
  await fails('detected topology value collision: driver reported "zone":"a" but existing label is "zone":"b"');
  answer = () => refuse(13, 'no cloud');
  await fails('rpc error: code = Internal desc = no cloud');
  t.strictSame(drivers.names(), []);
});

t.test('versions: any below 2, and a driver of the same name only with a higher one', async (t) => {
  const { registration, plugin } = await setUp(t, () => ({ nodeId: 'x' }));
  const refused = (supportedVersions: string[], said: string) =>
    t.throws(() => registration.validate({ ...plugin, supportedVersions }), {
      message:
        `validation failed for CSI Driver d.example.com at endpoint ${plugin.endpoint}: kubernetes.io/csi: ` +
        `ValidatePlugin for CSI driver "d.example.com" failed. ${said}`,
    });
  refused([], 'Plugin returned an empty list for supported versions');
  refused(['2.0.0', 'x'], 'None of the versions specified ["2.0.0" "x"] are supported.');
  await registration.register(plugin, signal);
  refused(
    ['1.0.0'],
    'Another driver with the same name is already registered with a higher supported version: "1.0.0"',
  );
  t.doesNotThrow(() => registration.validate({ ...plugin, supportedVersions: ['1.0.0', '1.1.0'] }));
  t.strictSame(highestSupported(['0.3.0', 'v1.2.0-rc1', '1.10.0', '2.0.0']), [1, 10, 0]);
  t.equal(parseVersion('1'), undefined);
  t.ok(compareVersions([1, 0], [1, 0, 1]) < 0);
});

t.test('an entry that is there already, or a CSINode of an earlier Node', async (t) => {
  const entry = driverEntry('d', { nodeId: 'n', maxVolumesPerNode: 2 ** 40 });
  t.strictSame(entry, { name: 'd', nodeID: 'n', topologyKeys: [], allocatable: { count: 2 ** 31 - 1 } });
  t.strictSame(driverEntry('d', { nodeId: 'n', maxVolumesPerNode: -1 }), { name: 'd', nodeID: 'n', topologyKeys: [] });
  t.equal(withDriver([entry], { ...entry, topologyKeys: [] }), undefined);
  t.strictSame(withDriver([entry], { ...entry, nodeID: 'm' }), [{ ...entry, nodeID: 'm' }]);
  t.equal(
    nodePatch({ metadata: { annotations: { 'csi.volume.kubernetes.io/nodeid': '{"d":"n"}' } } }, 'd', 'n', {}),
    undefined,
  );
  t.strictSame(
    nodePatch({ metadata: { annotations: { 'csi.volume.kubernetes.io/nodeid': '{"d":"n"}' } } }, 'e', 'm', {})
      ?.metadata,
    { resourceVersion: undefined, annotations: { 'csi.volume.kubernetes.io/nodeid': '{"d":"n","e":"m"}' } },
  );
  const client = new MemoryClient();
  await client.create(nodes, { metadata: { name: 'n1', uid: 'new' } });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'old' }];
  await client.create(csiNodes, { metadata: { name: 'n1', ownerReferences }, spec: { drivers: [entry] } });
  await new NodeInfoWriter({ client, nodeName: 'n1' }).initialize(signal);
  const replaced = await client.get(csiNodes, 'n1');
  t.equal(replaced.metadata?.ownerReferences?.[0]?.uid, 'new');
  t.strictSame(replaced.spec?.drivers, []);
});
