import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { csiNodes, nodes } from '../../../../controlplane/api';
import { systemClock } from '../../../../controlplane/base/clock';
import { silentLogger } from '../../../../controlplane/base/logger';
import { createEventRecorder } from '../../../../controlplane/client/event-recorder';
import { MemoryClient } from '../../../../test/lib/memory-client';
import { CsiPart } from './csi-part';

const isGrpcLoaded = () => Object.keys(require.cache).some((file) => file.includes('/@grpc/grpc-js/'));

t.test('a kubelet without drivers has a CSINode and the folders of manifests, and no gRPC library', async (t) => {
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-csi-'));
  const client = new MemoryClient();
  await client.create(nodes, { metadata: { name: 'n1', uid: 'u1' } });
  const deps = { client, clock: systemClock, log: silentLogger, nodeName: 'n1', rootDir, ownNode: () => undefined };
  const part = new CsiPart({
    ...deps,
    ensureAnswers: async () => {},
    events: createEventRecorder({ client, component: 'kubelet', log: silentLogger }),
  });
  await part.open();
  const abort = new AbortController();
  const running = part.run(abort.signal);
  const made = await client.until(csiNodes, 'n1', (object) => object !== undefined);
  t.strictSame(made?.spec, { drivers: [] });
  t.strictSame((await readdir(rootDir)).sort(), ['plugins', 'plugins_registry', 'pods']);
  t.equal(isGrpcLoaded(), false);
  abort.abort(new Error('the test ends'));
  await running;
  part.close();
  await rm(rootDir, { recursive: true });
});
