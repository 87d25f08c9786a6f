// Plays what kubelets do with the volumes of k8ts.io/directory: when one is deleted, its directory is removed, and then the finalizer.
import { type PersistentVolume, persistentVolumes } from '../../controlplane/api/index';
import { directoryProvisioner } from '../../controlplane/api/volumes/binding';
import { isConflict, isNotFound } from '../../controlplane/base/errors';
import { silentLogger as log } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';

/** Returns what ends the play. */
export function playVolumes(client: Client): () => Promise<void> {
  const stop = new AbortController();
  const work = new Set<Promise<void>>();
  const informer = createInformer<PersistentVolume>(client, persistentVolumes, { log });
  informer.onChange(({ type, object }) => {
    const { name = '', deletionTimestamp, finalizers = [], resourceVersion } = object.metadata ?? {};
    if (type === 'deleted' || deletionTimestamp === undefined || !finalizers.includes(directoryProvisioner)) return;
    const others = finalizers.filter((finalizer) => finalizer !== directoryProvisioner);
    const patch = { metadata: { resourceVersion, finalizers: others } };
    const done = client.patch(persistentVolumes, name, 'merge', patch).then(
      () => void work.delete(done),
      (err: unknown) => {
        work.delete(done);
        // A conflict means that the next event comes.
        if (!isConflict(err) && !isNotFound(err)) throw err;
      },
    );
    work.add(done);
  });
  const running = informer.run(stop.signal);
  return async () => {
    stop.abort(new Error('test over'));
    await running;
    await Promise.allSettled(work);
  };
}
