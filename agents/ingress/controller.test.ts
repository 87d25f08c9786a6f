// The controller reads the Secrets that Ingresses name, one by one, and serves their certificates.
import t from 'tap';
import { type Ingress, ingressClasses, ingresses, secrets } from '../../controlplane/api';
import type { IngressServer } from '../../dataplane/ingress/server';
import { FakeClock } from '../../test/lib/fake-clock';
import { MemoryClient } from '../../test/lib/memory-client';
import { startAgent } from './agent.fixture';
import { controllerName } from './translate';

type Configuration = Parameters<IngressServer['update']>[0];

t.test('certificates come from the Secrets that Ingresses name', async (t) => {
  const client = new MemoryClient();
  const secret = (name: string, certificate: string) => ({
    metadata: { namespace: 'shop', name },
    data: { 'tls.crt': Buffer.from(certificate).toString('base64'), 'tls.key': 'a2V5' },
  });
  const ingress = (secretName: string): Ingress => ({
    metadata: { namespace: 'shop', name: 'web' },
    spec: { ingressClassName: 'k8ts', tls: [{ hosts: ['a.example'], secretName }] },
  });
  await client.create(ingressClasses, { metadata: { name: 'k8ts' }, spec: { controller: controllerName } });
  await client.create(secrets, secret('one', 'FIRST'));
  await client.create(secrets, secret('private', 'PRIVATE'));
  await client.create(ingresses, ingress('one'));

  // The certificates of each configuration that the server gets, where they differ from those before.
  const served: string[] = [];
  let wake = Promise.withResolvers<void>();
  const update = (configuration: Configuration) => {
    const certificates = configuration.tls.map(({ certificate }) => certificate).join();
    if (certificates !== served.at(-1)) served.push(certificates);
    wake.resolve();
    wake = Promise.withResolvers();
    return { conflicts: [], brokenTls: [] };
  };
  const until = async (certificates: string) => {
    while (served.at(-1) !== certificates) await wake.promise;
  };
  startAgent(t, client, { nodeName: 'n1', server: { update }, clock: new FakeClock() });

  await until('FIRST');
  await client.update(secrets, secret('one', 'RENEWED'));
  await until('RENEWED');
  await client.update(ingresses, ingress('later'));
  await until('');
  await client.create(secrets, secret('later', 'LATER'));
  await until('LATER');
  t.same(served, ['FIRST', 'RENEWED', '', 'LATER']);
  const asked = client.requests.filter((request) => /^(list|watch) secrets/.test(request));
  t.ok(asked.length > 0 && asked.every((request) => /metadata\.name=(one|later)$/.test(request)), asked.join());
});
