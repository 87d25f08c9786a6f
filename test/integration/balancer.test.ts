// Clients of two API servers through a balancer: one server ends, and nothing is lost.
import t from 'tap';
import { Balancer } from '../../agents/balancer/balancer';
import { BalancerMetrics } from '../../agents/balancer/metrics';
import { type ConfigMap, configMaps } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { hasCode, isAlreadyExists } from '../../controlplane/base/errors';
import { silentLogger as log } from '../../controlplane/base/logger';
import { HttpsTransport } from '../../controlplane/client/https-transport';
import { createInformer } from '../../controlplane/client/informer';
import { createClient } from '../../controlplane/client/rest-client';
import { openStore } from '../../controlplane/store/open';
import { startApiServer } from '../lib/api-server';

t.setTimeout(120_000);

t.test('an informer sees every write while its server ends', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const first = await startApiServer({ store, advertiseAddress: '127.0.0.1' });
  t.teardown(() => first.close());
  const second = await startApiServer({ store, advertiseAddress: '127.0.0.1', pkiDir: first.pkiDir });
  t.teardown(() => second.close());
  const metrics: BalancerMetrics = new BalancerMetrics(() => balancer.servers());
  const balancer = new Balancer({ ca: first.ca, maxConnections: 100 }, { clock: systemClock, log, metrics });
  const stop = new AbortController();
  t.teardown(() => {
    stop.abort(new Error('stop'));
    balancer.close();
  });
  balancer.use(new Map([first, second].map(({ port }) => [`127.0.0.1:${port}`, false])));
  const port = await balancer.listen({ host: '127.0.0.1', port: 0 }, stop.signal);
  const admin = await first.identity('kubernetes-admin', 'system:masters');
  const connection = { server: `https://127.0.0.1:${port}`, ca: first.ca, ...admin };
  const client = createClient(new HttpsTransport(connection));
  const informer = createInformer(client, configMaps, { log, params: { namespace: 'default' } });
  const seen: string[] = [];
  let waiting = { count: 0, done: () => {} };
  informer.onChange(({ type, key }) => {
    seen.push(`${type} ${key}`);
    if (seen.length === waiting.count) waiting.done();
  });
  const saw = (count: number) =>
    new Promise<void>((done) => {
      waiting = { count, done };
      if (seen.length >= count) done();
    });
  void informer.run(stop.signal);
  await informer.synced(stop.signal);
  const before = seen.length;
  /** A connection may break under a write, as it may without a balancer: the writer tries again. */
  const write = async (name: string): Promise<void> => {
    try {
      await client.create<ConfigMap>(configMaps, { metadata: { name, namespace: 'default' }, data: {} });
    } catch (err) {
      if (hasCode(err, 'Unavailable')) return write(name);
      if (!isAlreadyExists(err)) throw err;
    }
  };
  await write('a');
  await saw(before + 1);
  await first.close();
  await write('b');
  await saw(before + 2);
  t.strictSame(seen.slice(before), ['added default/a', 'added default/b']);
});
