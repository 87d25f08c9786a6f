// A CSI driver on a socket that writes down what it is called with, and a kubelet's CSI volumes that use it.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  attachedVolumeName,
  attachmentName,
  type CSIDriver,
  csiDrivers,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  volumeAttachments,
} from '../../../../controlplane/api';
import { silentLogger } from '../../../../controlplane/base/logger';
import { FakeClock } from '../../../../test/lib/fake-clock';
import { type Answers, serveGrpc } from '../../../../test/lib/grpc-server';
import { MemoryClient } from '../../../../test/lib/memory-client';
import { pod } from '../../spec/pod.fixture';
import { ServiceAccountTokens } from '../service-account-tokens';
import { Attachments } from './attachment';
import { CsiVolumes } from './csi-volumes';
import { CsiDrivers } from './drivers';
import { type NodeCalls, type NodeCapability, nodeCapabilities, nodeService } from './node-service';
import { persistentUse } from './use';
import { VolumesInUse } from './volumes-in-use';

export const driverName = 'd.example.com';
export const volumeOnNode = attachedVolumeName(driverName, 'h');

export interface FakeDriverOptions {
  readonly capabilities?: readonly NodeCapability[];
  /** The CSIDriver object; by default one that needs no attaching. Null: none. */
  readonly spec?: CSIDriver['spec'] | null;
  readonly answers?: Answers<NodeCalls>;
}

export async function setUp(t: Test, options: FakeDriverOptions = {}) {
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-csi-'));
  t.teardown(() => rm(rootDir, { recursive: true, force: true }));
  const client = new MemoryClient();
  const { capabilities = ['STAGE_UNSTAGE_VOLUME'], spec = { attachRequired: false } } = options;
  if (spec) await client.create(csiDrivers, { metadata: { name: driverName }, spec });
  const calls: [string, Record<string, unknown>][] = [];
  const record = (method: keyof NodeCalls) => async (request: object) => {
    calls.push([method, request as Record<string, unknown>]);
    const answer = options.answers?.[method] as ((request: object) => object) | undefined;
    return (await answer?.(request)) ?? {};
  };
  const endpoint = join(rootDir, 'driver.sock');
  const stop = await serveGrpc(endpoint, nodeService, {
    NodeGetCapabilities: () => ({
      capabilities: capabilities.map((name) => ({ rpc: { type: nodeCapabilities[name] } })),
    }),
    NodeStageVolume: record('NodeStageVolume'),
    NodeUnstageVolume: record('NodeUnstageVolume'),
    NodePublishVolume: async (request) => {
      await record('NodePublishVolume')(request);
      if (request.volumeCapability.mount) await mkdir(request.targetPath, { recursive: true });
      return {};
    },
    NodeUnpublishVolume: record('NodeUnpublishVolume'),
    NodeExpandVolume: record('NodeExpandVolume'),
    NodeGetVolumeStats: record('NodeGetVolumeStats'),
  });
  t.teardown(stop);
  const clock = new FakeClock();
  const events: string[] = [];
  let node: Node = { metadata: { name: 'n1' } };
  /** A kubelet, as after each start. */
  const open = async (register = true) => {
    const drivers = new CsiDrivers(rootDir);
    const inUse = new VolumesInUse();
    // The node's reporter, which is as fast as can be.
    inUse.onChange(() => queueMicrotask(() => inUse.reported(inUse.list())));
    const attachments = new Attachments({ client, clock, nodeName: 'n1', inUse, ownNode: () => node });
    const volumes = new CsiVolumes({
      client,
      clock,
      log: silentLogger,
      events: { record: (_, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
      tokens: new ServiceAccountTokens({ client, clock }),
      drivers,
      attachments,
      inUse,
      nodeName: 'n1',
      rootDir,
      ensureAnswers: async () => {},
    });
    t.teardown(() => volumes.close());
    await volumes.open();
    const come = () => drivers.set(driverName, { endpoint, version: [1, 0] });
    if (register) come();
    return { volumes, inUse, drivers, attachments, come };
  };
  const attach = async (metadata: Record<string, string> = {}) => {
    await client.create(volumeAttachments, {
      metadata: { name: attachmentName(driverName, 'h', 'n1') },
      spec: { attacher: driverName, nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
      status: { attached: true, attachmentMetadata: metadata },
    });
    node = { ...node, status: { volumesAttached: [{ name: volumeOnNode, devicePath: '' }] } };
  };
  const podDir = (uid: string) => join(rootDir, 'pods', uid, 'volumes/kubernetes.io~csi/pv');
  const use = (uid: string, more: Partial<PersistentVolume['spec']> = {}, of: Partial<Pod['spec']> = {}) =>
    persistentUse({
      pod: pod(of, { metadata: { name: `p-${uid}`, namespace: 'shop', uid } }),
      volume: volume(more),
      claim: undefined,
      path: join(podDir(uid), 'mount'),
      readOnly: false,
    });
  const methods = () => calls.splice(0).map(([method]) => method);
  return { rootDir, client, calls, methods, clock, events, open, attach, use, podDir, stop };
}

export const volume = (more: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({
  metadata: { name: 'pv' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    csi: { driver: driverName, volumeHandle: 'h', fsType: 'ext4', volumeAttributes: { a: '1' } },
    ...more,
  },
});

export const createClaim = (client: MemoryClient, status: PersistentVolumeClaim['status']) =>
  client.create(persistentVolumeClaims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'shop' },
    status: { phase: 'Bound', ...status },
  });
