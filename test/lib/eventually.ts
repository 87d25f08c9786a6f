// Waits on watch events until the objects of a kind are in the state that a test expects.
import type { KubeObject } from '../../controlplane/api/index';
import type { KindRef } from '../../controlplane/api/kind';
import { silentLogger } from '../../controlplane/base/logger';
import type { Client, ListParams } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';

/** Resolves with the objects as soon as `holds` returns true for them. The limit only turns a hang into a failure. */
export async function eventually<T extends KubeObject>(
  client: Client,
  kind: KindRef<T>,
  holds: (objects: readonly T[]) => boolean,
  params: ListParams = {},
  limitMs = 20_000,
): Promise<readonly T[]> {
  const abort = new AbortController();
  const informer = createInformer(client, kind, { params, log: silentLogger });
  const met = Promise.withResolvers<readonly T[]>();
  const check = () => {
    if (informer.hasSynced && holds(informer.list())) met.resolve(informer.list());
  };
  informer.onChange(check);
  const running = informer.run(abort.signal);
  const limit = setTimeout(() => {
    met.reject(
      new Error(
        `${kind.plural} did not become as desired: ${JSON.stringify(informer.list(), shown, 1).slice(0, 6000)}`,
      ),
    );
  }, limitMs);
  try {
    void informer.synced(abort.signal).then(check, () => {});
    return await met.promise;
  } finally {
    clearTimeout(limit);
    abort.abort(new Error('done'));
    await running;
  }
}

/** Leaves out who wrote which field: it is longer than the object. */
const shown = (key: string, value: unknown) => (key === 'managedFields' ? undefined : value);
