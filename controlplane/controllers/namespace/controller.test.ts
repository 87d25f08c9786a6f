import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { KindCatalog } from '../../api/catalog';
import { configMaps } from '../../api/config-map';
import { events } from '../../api/event';
import type { KindRef } from '../../api/kind';
import { namespaces } from '../../api/namespace';
import type { KubeList, KubeObject } from '../../api/types';
import { silentLogger as log } from '../../base/logger';
import type { ListParams } from '../../client/client';
import { InformerSet } from '../shared/informers';
import { NamespaceController } from './controller';

/** Answers the first list of all ConfigMaps, which fills the copy, only after release(). */
class SlowFirstList extends MemoryClient {
  private readonly released = Promise.withResolvers<void>();
  readonly release = () => this.released.resolve();
  override async list<T extends KubeObject>(kind: KindRef<T>, params: ListParams = {}): Promise<KubeList<T>> {
    if (kind.plural === configMaps.plural && params.namespace === undefined) await this.released.promise;
    return super.list(kind, params);
  }
}

t.test('an object that ends before the first list of its kind does not hold its namespace', async (t) => {
  const client = new SlowFirstList();
  const clock = new FakeClock();
  const informers = new InformerSet({ client, log });
  const recorder = () => ({ record: () => {}, flushed: async () => {} });
  const deps = { client, informers, clock, log, recorder };
  const controller = new NamespaceController(deps, new KindCatalog([namespaces, configMaps, events]));
  const abort = new AbortController();
  const running = [informers.run(abort.signal), controller.run(abort.signal)];
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await Promise.allSettled(running);
  });
  const deletionTimestamp = new Date().toISOString();
  const held = { metadata: { name: 'held', namespace: 'a', deletionTimestamp, finalizers: ['example.com/hold'] } };
  await client.create(configMaps, held);
  await client.create(namespaces, { metadata: { name: 'a', deletionTimestamp }, spec: { finalizers: ['kubernetes'] } });
  await clock.armed(1000);
  await client.delete(configMaps, 'a/held', { gracePeriodSeconds: 0 });
  client.release();
  await informers.of(configMaps).synced(abort.signal);
  clock.advance(1000);
  for await (const { object } of client.watch(namespaces, { resourceVersion: '0' }, abort.signal)) {
    if (object.spec?.finalizers?.length === 0) break;
  }
  t.pass('the finalizer is gone');
});
