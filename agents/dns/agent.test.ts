// Informers, zone and announcement together, on an API in memory.
import t from 'tap';
import { endpointSlices, namespaces, nodes, objectKey, pods, services } from '../../controlplane/api';
import { silentLogger } from '../../controlplane/base/logger';
import { createInformer } from '../../controlplane/client/informer';
import { lookup } from '../../dataplane/dns/lookup';
import { Zone } from '../../dataplane/dns/zone';
import { formatRecord } from '../../test/lib/dns-records';
import { MemoryClient } from '../../test/lib/memory-client';
import { runAnnouncer } from './announcer';
import { feedZone } from './zone-feeder';

t.test('the zone follows the API and keeps its state while the API is away; the server announces itself', async (t) => {
  const client = new MemoryClient();
  const stop = new AbortController();
  const log = silentLogger;
  await client.create(namespaces, { metadata: { name: 'shop' } });
  await client.create(services, { metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.1.1' } });
  const informers = {
    services: createInformer(client, services, { log }),
    slices: createInformer(client, endpointSlices, { log }),
    pods: createInformer(client, pods, { log }),
    namespaces: createInformer(client, namespaces, { log }),
    nodes: createInformer(client, nodes, { log }),
  };
  const zone = new Zone('cluster.local');
  const ask = (name: string) => {
    const answer = lookup(zone, { serverAddresses: [] }, `${name}.shop.svc.cluster.local`, 'A');
    return [answer.rcode, ...answer.answers.map(formatRecord)];
  };
  /** Resolves after the next change of this object has been seen. */
  const seen = (name: string) =>
    new Promise<void>((resolve) => {
      for (const informer of [informers.services, informers.slices]) {
        informer.onChange((change) => {
          if (change.object.metadata?.name === name) resolve();
        });
      }
    });

  const fed = feedZone(zone, informers, stop.signal);
  t.same(ask('web'), ['SERVFAIL'], 'before anything is known');
  const running = Object.values(informers).map((informer) => informer.run(stop.signal));
  await fed;
  t.same(ask('web'), ['NOERROR', 'web.shop.svc.cluster.local. 5 IN A 10.96.1.1']);
  t.same(ask('db'), ['NXDOMAIN']);

  const added = seen('db-1');
  await client.create(services, { metadata: { name: 'db', namespace: 'shop' }, spec: { clusterIP: 'None' } });
  await client.create(endpointSlices, {
    metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.1.5'], conditions: { ready: true } }],
  });
  await added;
  t.same(ask('db'), ['NOERROR', 'db.shop.svc.cluster.local. 5 IN A 10.244.1.5']);

  const announcing = seen('kube-dns-n1');
  const deps = { client, ...informers, log, nodeName: 'n1', address: '192.168.57.10', port: 53 };
  running.push(runAnnouncer(deps, stop.signal));
  await announcing;
  const slice = await client.get(endpointSlices, 'kube-system/kube-dns-n1');
  t.match(slice, { endpoints: [{ addresses: ['192.168.57.10'], nodeName: 'n1' }] });

  client.down = true;
  t.same(ask('web'), ['NOERROR', 'web.shop.svc.cluster.local. 5 IN A 10.96.1.1'], 'the API is away');
  client.down = false;
  const back = new Promise<void>((resolve) => {
    informers.slices.onChange((change) => {
      if (
        change.key === objectKey(slice) &&
        change.type === 'added' &&
        change.object.metadata?.uid !== slice.metadata?.uid
      )
        resolve();
    });
  });
  await client.delete(endpointSlices, objectKey(slice));
  await back;
  t.match(await client.get(endpointSlices, 'kube-system/kube-dns-n1'), { endpoints: [{ nodeName: 'n1' }] }, 'put back');
  stop.abort();
  await Promise.allSettled(running);
});
