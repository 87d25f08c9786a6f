// A conversion webhook behind a Service, with the controllers and the real kubectl: owners and namespaces are followed at the version that is
// stored, whatever the webhook does, and kubectl reads and applies at every version.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { CustomResourceDefinition } from '../../controlplane/api/crd/types';
import { customResourceDefinitions } from '../../controlplane/api/custom-resource-definition';
import { endpointSlices } from '../../controlplane/api/endpoint-slice';
import { configMaps, namespaces, services } from '../../controlplane/api/index';
import { issueCertificate } from '../../controlplane/pki/issue';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { group, startConversion, thing, thingDefinition } from '../lib/conversion-webhook';
import { eventually } from '../lib/eventually';
import { skippedWithoutKubectl } from '../lib/kubectl';

t.setTimeout(240_000);
const exec = new SystemExec();

/** The definition is established, and its webhook behind the Service default/hook. */
async function open(t: Test) {
  const plane = await openControlPlane(t);
  const { server, client, authority } = plane;
  const serving = { commonName: 'hook', hosts: ['hook.default.svc'], usages: ['server' as const] };
  const hook = await startConversion(await issueCertificate(authority, serving, Date.now()));
  t.teardown(() => hook.close());
  await client.create(services, { metadata: { name: 'hook', namespace: 'default' }, spec: { ports: [{ port: 443 }] } });
  // Stored without the rules of the API, which refuse loopback addresses.
  await server.cache.kind(endpointSlices).create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'hook', namespace: 'default', uid: 'u', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    ports: [{ port: hook.port, protocol: 'TCP' }],
  });
  const conversion = {
    strategy: 'Webhook',
    webhook: {
      conversionReviewVersions: ['v1'],
      clientConfig: {
        service: { namespace: 'default', name: 'hook', path: '/convert' },
        caBundle: Buffer.from(authority.cert).toString('base64'),
      },
    },
  };
  await client.create(customResourceDefinitions, thingDefinition(conversion) as unknown as CustomResourceDefinition);
  await eventually(client, customResourceDefinitions, (all) =>
    all.some(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True'),
    ),
  );
  const kindAt = (version: string) => server.catalog.byPath(group, version, 'things')!;
  return { ...plane, hook, kindAt };
}

t.test('owners and namespaces are followed while the webhook fails', async (t) => {
  const { client, hook, kindAt } = await open(t);
  const v1 = kindAt('v1');
  await client.create(namespaces, { metadata: { name: 'doomed' } });
  const owner = await client.create(configMaps, { metadata: { name: 'owner', namespace: 'default' } });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata!.uid! }];
  const owned = thing('v2', 'owned', { host: 'h', port: '1' }, { namespace: 'default', ownerReferences });
  await client.create(kindAt('v2'), owned);
  t.equal(hook.reviews.at(-1).host, 'hook.default.svc:443');
  await client.create(v1, thing('v1', 'content', {}, { namespace: 'doomed' }));
  hook.spoil(() => 'no review');
  await client.delete(configMaps, 'default/owner');
  await eventually(client, v1, (all) => all.length === 0, { namespace: 'default' });
  await client.delete(namespaces, 'doomed');
  await eventually(client, namespaces, (all) => all.every(({ metadata }) => metadata?.name !== 'doomed'));
  t.equal((await client.list(v1)).items.length, 0);
});

t.test('kubectl at every version', async (t) => {
  if (await skippedWithoutKubectl(t)) return;
  const { authority, url } = await open(t);
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-conversion-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const kubectl = async (...argv: string[]) =>
    (await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...argv])).stdout;
  const manifest = join(dir, 'thing.json');
  const apply = async (version: string, spec: object, ...flags: string[]) => {
    await writeFile(manifest, JSON.stringify(thing(version, 'a', spec, { namespace: 'default' })));
    return kubectl('apply', '-f', manifest, ...flags);
  };
  const specAt = (version: string) => kubectl('get', `things.${version}.${group}`, 'a', '-o', 'jsonpath={.spec}');
  t.match(await apply('v2', { host: 'h', port: '1' }), 'created');
  t.match(JSON.parse(await specAt('v1')), { hostPort: 'h:1', d1: 'one' });
  t.match(JSON.parse(await specAt('v3')), { addr: { host: 'h', port: '1' } });
  t.match(await apply('v3', { addr: { host: 'h', port: '2' } }), 'configured');
  t.match(JSON.parse(await specAt('v2')), { host: 'h', port: '2' });
  t.match(await apply('v2', { host: 's', port: '3' }, '--server-side', '--force-conflicts'), 'serverside-applied');
  t.match(await kubectl('get', `things.v2.${group}`, '--no-headers'), /^a +s\b/m);
  await kubectl('patch', `things.v3.${group}`, 'a', '--type=merge', '-p', '{"spec":{"replicas":1}}');
  t.match(await kubectl('scale', `things.v2.${group}/a`, '--replicas=3'), 'scaled');
  t.match(await kubectl('delete', `things.v3.${group}`, 'a'), 'deleted');
});
