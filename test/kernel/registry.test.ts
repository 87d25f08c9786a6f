// The two registries of a cluster, with the real program: the registry for nodes and pods is read only, the registry for the host
// takes pushes, and both serve the same images.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { startProgram } from '../../dataplane/exec/system-exec';
import { planCluster } from '../../hack/dev/plan';
import { registries, registryConfig } from '../../hack/dev/processes';
import { composeImage } from '../../hack/image/image';
import { buildLayer, digestOf } from '../../hack/image/layer';
import { pushImage, waitForRegistry } from '../../hack/image/registry';

// docker-registry is installed, or hack/lib/setup.sh has unpacked it.
const unpacked = join(__dirname, '../../.runtime/debs/docker-registry/usr/bin/docker-registry');
const program = ['/usr/bin/docker-registry', unpacked].find((path) => existsSync(path));
const skip = program === undefined ? 'docker-registry is not there' : false;

t.test('pulls for all, pushes and deletions from the host alone', { skip, timeout: 120_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'k8ts-'));
  const subnet = `10.${process.pid & 255}.${(process.pid >> 8) & 255}.0/24`;
  const planned = planCluster({ name: 'registry', nodes: 1, subnet, registryPort: 5055 });
  // No bridge here: another loopback address replaces the address of the bridge.
  const plan = { ...planned, stateDir: dir, registry: planned.pushRegistry.replace('.1:', '.2:') };
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const which of registries) {
    const path = join(dir, `${which}.yml`);
    writeFileSync(path, stringify(registryConfig(plan, which)));
    const daemon = await startProgram([program!, 'serve', path], { env: { OTEL_TRACES_EXPORTER: 'none' } });
    t.teardown(async () => {
      daemon.kill('SIGKILL');
      await daemon.exited;
    });
  }
  await Promise.all([plan.registry, plan.pushRegistry].map(waitForRegistry));

  const image = composeImage({ repository: 'own/image', tag: '1' }, await buildLayer([]), {}, 'amd64');
  await t.rejects(pushImage(plan.registry, image), 'the registry of the nodes refuses pushes');
  t.equal(await pushImage(plan.pushRegistry, image), true);
  const digest = digestOf(image.manifest);
  const ask = async (registry: string, method: string, path: string) => {
    const answer = await fetch(`http://${registry}/v2/${path}`, { method });
    await answer.arrayBuffer();
    return answer.status;
  };
  const manifest = `own/image/manifests/${digest}`;
  t.equal(await ask(plan.registry, 'GET', 'own/image/manifests/1'), 200, 'nodes can pull at once');
  t.equal(await ask(plan.registry, 'POST', 'own/image/blobs/uploads/'), 405);
  t.equal(await ask(plan.registry, 'DELETE', manifest), 405);
  t.equal(await ask(plan.registry, 'PUT', 'own/image/manifests/2'), 405);
  t.equal(await ask(plan.registry, 'GET', manifest), 200);
  t.equal(await ask(plan.pushRegistry, 'DELETE', manifest), 202);
  t.equal(await ask(plan.registry, 'GET', manifest), 404);
});
