// The controller reads the Secrets that Ingresses name, one by one, and serves their certificates.
import t from 'tap';
import {
  endpointSlices,
  type Ingress,
  ingressClasses,
  ingresses,
  nodes,
  pods,
  secrets,
  services,
} from '../../controlplane/api';
import { silentLogger } from '../../controlplane/base/logger';
import { createInformer } from '../../controlplane/client/informer';
import { LiveObjects } from '../../controlplane/client/live-objects';
import type { IngressServer } from '../../dataplane/ingress/server';
import { FakeClock } from '../../test/lib/fake-clock';
import { MemoryClient } from '../../test/lib/memory-client';
import { ADDRESS_INDEX, IngressController, SERVICE_INDEX } from './controller';
import { addressesOfHostPod, addressesOfService } from './reach';
import { CONTROLLER, serviceKeyOfSlice } from './translate';

type Configuration = Parameters<IngressServer['update']>[0];

t.test('certificates come from the Secrets that Ingresses name', async (t) => {
  const client = new MemoryClient();
  const log = silentLogger;
  const clock = new FakeClock();
  const stop = new AbortController();
  const secret = (name: string, certificate: string) => ({
    metadata: { namespace: 'shop', name },
    data: { 'tls.crt': Buffer.from(certificate).toString('base64'), 'tls.key': 'a2V5' },
  });
  const ingress = (secretName: string): Ingress => ({
    metadata: { namespace: 'shop', name: 'web' },
    spec: { ingressClassName: 'k8ts', tls: [{ hosts: ['a.example'], secretName }] },
  });
  await client.create(ingressClasses, { metadata: { name: 'k8ts' }, spec: { controller: CONTROLLER } });
  await client.create(secrets, secret('one', 'FIRST'));
  await client.create(secrets, secret('private', 'PRIVATE'));
  await client.create(ingresses, ingress('one'));

  // Each configuration, as the server gets it, to whoever waits for it.
  let served = '';
  let wake = Promise.withResolvers<void>();
  const update = (configuration: Configuration) => {
    served = configuration.tls.map(({ certificate }) => certificate).join();
    wake.resolve();
    wake = Promise.withResolvers();
    return { conflicts: [], brokenTls: [] };
  };
  const until = async (certificates: string) => {
    while (served !== certificates) await wake.promise;
    t.pass(`serves ${certificates || 'none'}`);
  };
  const informers = {
    ingresses: createInformer(client, ingresses, { log }),
    classes: createInformer(client, ingressClasses, { log }),
    services: createInformer(client, services, { log, indexes: { [ADDRESS_INDEX]: addressesOfService } }),
    slices: createInformer(client, endpointSlices, {
      log,
      indexes: { [SERVICE_INDEX]: (slice) => [serviceKeyOfSlice(slice)] },
    }),
    nodes: createInformer(client, nodes, { log }),
    hostPods: createInformer(client, pods, { log, indexes: { [ADDRESS_INDEX]: addressesOfHostPod } }),
  };
  const live = new LiveObjects({ client, log, clock }, secrets);
  const controller = new IngressController({
    client,
    log,
    clock,
    server: { update } as unknown as IngressServer,
    nodeName: 'n1',
    className: 'k8ts',
    secrets: live,
    ownAddresses: () => [],
    refusedRanges: [],
    ...informers,
  });
  const running = [...Object.values(informers), controller].map((part) => part.run(stop.signal).catch(() => {}));
  t.teardown(async () => {
    stop.abort();
    live.close();
    await Promise.all(running);
  });

  await until('FIRST');
  await client.update(secrets, secret('one', 'RENEWED'));
  await until('RENEWED');
  await client.update(ingresses, ingress('later'));
  await until('');
  await client.create(secrets, secret('later', 'LATER'));
  await until('LATER');
  const asked = client.requests.filter((request) => /^(list|watch) secrets/.test(request));
  t.ok(asked.length > 0 && asked.every((request) => /metadata\.name=(one|later)$/.test(request)), asked.join());
});
