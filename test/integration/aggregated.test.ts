// The resources of an aggregated API server: deleted with their namespace, and with their owner.
import t from 'tap';
import { endpointSlices } from '../../controlplane/api/endpoint-slice';
import { apiServices, configMaps, namespaces, services } from '../../controlplane/api/index';
import { issueCertificate } from '../../controlplane/pki/issue';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { extensionGroup, startExtensionServer } from '../lib/extension-server';

t.setTimeout(60_000);

t.test('objects of an aggregated server go with their namespace and their owner', async (t) => {
  const { server, client, authority } = await openControlPlane(t);
  const trust = await client.get(configMaps, 'kube-system/extension-apiserver-authentication');
  const serving = { commonName: 'api', hosts: ['api.wardle.svc'], usages: ['server' as const] };
  const extension = await startExtensionServer(
    await issueCertificate(authority, serving, Date.now()),
    trust.data!['requestheader-client-ca-file']!,
  );
  t.teardown(() => extension.close());
  for (const name of ['wardle', 'doomed']) await client.create(namespaces, { metadata: { name } });
  const ports = [{ name: 'https', port: 443 }];
  await client.create(services, { metadata: { name: 'api', namespace: 'wardle' }, spec: { ports } });
  // Stored without the rules of the API, which refuse loopback addresses.
  await server.cache.kind(endpointSlices).create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'api', namespace: 'wardle', uid: 'u', labels: { 'kubernetes.io/service-name': 'api' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    ports: [{ name: 'https', port: extension.port, protocol: 'TCP' }],
  });
  const known = new Promise<void>((resolve) => {
    const stop = server.catalog.onChange(() => {
      if (!server.catalog.byPath(extensionGroup, 'v1', 'flunders')) return;
      stop();
      resolve();
    });
  });
  await client.create(apiServices, {
    metadata: { name: `v1.${extensionGroup}` },
    spec: {
      group: extensionGroup,
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 1,
      service: { namespace: 'wardle', name: 'api' },
      caBundle: Buffer.from(authority.cert).toString('base64'),
    },
  });
  await eventually(client, apiServices, (all) =>
    all.some(({ status }) => status?.conditions?.some(({ reason }) => reason === 'Passed')),
  );
  await known;
  const flunders = server.catalog.byPath(extensionGroup, 'v1', 'flunders')!;
  const owner = await client.create(configMaps, { metadata: { name: 'owner', namespace: 'default' } });
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata!.uid!, blockOwnerDeletion: false },
  ];
  await client.create(flunders, { metadata: { name: 'content', namespace: 'doomed' } });
  await client.create(flunders, { metadata: { name: 'owned', namespace: 'default', ownerReferences } });

  await client.delete(namespaces, 'doomed');
  await eventually(client, namespaces, (all) => all.every(({ metadata }) => metadata?.name !== 'doomed'));
  t.same([...extension.flunders.keys()], ['default/owned'], 'the namespace ended after its content');

  await client.delete(configMaps, 'default/owner');
  await eventually(client, flunders, (all) => all.length === 0, { namespace: 'default' });
  t.equal(extension.flunders.size, 0);
});
