// Writes which volume or node the claims of a pod get, and waits until the volume controllers have bound them.
import type { KindRef } from '../../api/kind';
import { type PersistentVolume, persistentVolumes } from '../../api/persistent-volume';
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../../api/persistent-volume-claim';
import { type KubeObject, objectKey } from '../../api/types';
import { boundVolume, isBoundTo, selectedNode } from '../../api/volumes/binding';
import type { Clock } from '../../base/clock';
import { isConflict, Unavailable } from '../../base/errors';
import type { Client } from '../../client/client';
import type { NodeInfo } from '../node-info';
import { type ClusterVolumes, versionOf } from './cluster-volumes';
import { isFullyBound, reaches } from './match';
import type { VolumePlan } from './plan';

/** The objects of a plan as they are after the writes. */
export interface PlannedObjects {
  readonly bindings: readonly { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[];
  readonly provisions: readonly PersistentVolumeClaim[];
}

export function plannedObjects({ bindings, provisions }: VolumePlan, node: string): PlannedObjects {
  return {
    bindings: bindings.map(({ volume, claim }) => ({ volume: boundVolume(volume, claim), claim })),
    provisions: provisions.map((claim) => withAnnotation(claim, selectedNode, node)),
  };
}

function withAnnotation<T extends PersistentVolume | PersistentVolumeClaim>(object: T, key: string, value: string): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata?.annotations, [key]: value } } };
}

export interface BindDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly volumes: ClusterVolumes;
  readonly timeoutMs: number;
}

/** Conflicts that one write may meet. Each means that another client has written. */
const maxConflicts = 5;

/**
 * Another client may have changed a label or a status since the decision: that alone is no reason to decide again. `apply` makes the change
 * in the newest object, or gives undefined when the decision no longer holds. @throws what the client throws
 */
async function write<T extends KubeObject>(
  client: Client,
  kind: KindRef<T>,
  decided: T,
  apply: (fresh: T) => T | undefined,
  signal: AbortSignal,
): Promise<T> {
  let object = decided;
  for (let conflicts = 1; ; conflicts++) {
    try {
      return await client.update(kind, object, { signal });
    } catch (error) {
      if (!isConflict(error) || conflicts > maxConflicts) throw error;
      const fresh = await client.get(kind, objectKey(decided), signal);
      const again = fresh.metadata?.uid === decided.metadata?.uid ? apply(fresh) : undefined;
      if (!again) throw error;
      object = again;
    }
  }
}

const isFree = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  volume.metadata?.deletionTimestamp === undefined && (!volume.spec?.claimRef || isBoundTo(volume, claim));

const isUnselected = ({ spec, metadata }: PersistentVolumeClaim): boolean =>
  metadata?.deletionTimestamp === undefined && !spec?.volumeName && !metadata?.annotations?.[selectedNode];

/** @throws what the client throws; Unavailable when the binding fails or takes longer than the timeout */
export async function bindVolumes(
  deps: BindDeps,
  { bindings, provisions }: PlannedObjects,
  node: NodeInfo,
  signal: AbortSignal,
): Promise<void> {
  const written: PlannedObjects['bindings'][number][] = [];
  for (const { volume, claim } of bindings) {
    const apply = (fresh: PersistentVolume) => (isFree(fresh, claim) ? boundVolume(fresh, claim) : undefined);
    written.push({ volume: await write(deps.client, persistentVolumes, volume, apply, signal), claim });
  }
  const claims: PersistentVolumeClaim[] = [];
  for (const claim of provisions) {
    const apply = (fresh: PersistentVolumeClaim) =>
      isUnselected(fresh) ? withAnnotation(fresh, selectedNode, node.name) : undefined;
    claims.push(await write(deps.client, persistentVolumeClaims, claim, apply, signal));
  }
  await untilBound(deps, { bindings: written, provisions: claims }, node, signal);
}

/** Resolves when the copies show all claims as bound. Judges at each change of a claim or volume. */
function untilBound(
  { clock, volumes, timeoutMs }: BindDeps,
  planned: PlannedObjects,
  node: NodeInfo,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (finish: () => void) => {
      stopWatching();
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = () => end(() => reject(signal.reason));
    const judge = () => {
      try {
        if (areBound(volumes, planned, node)) end(resolve);
      } catch (err) {
        end(() => reject(err));
      }
    };
    const onTimeout = () => end(() => reject(failure('context deadline exceeded')));
    const stopWatching = volumes.onBindingChange(judge);
    const cancelTimer = clock.after(timeoutMs, onTimeout);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else judge();
  });
}

const failure = (why: string) => new Unavailable(`binding volumes: ${why}`);

/** @throws Unavailable when the binding can no longer succeed: the pod must be scheduled again */
function areBound({ informers }: ClusterVolumes, { bindings, provisions }: PlannedObjects, node: NodeInfo): boolean {
  const unreached = (name: string) => failure(`pv "${name}" node affinity doesn't match node "${node.name}"`);
  for (const { volume, claim } of bindings) {
    const name = volume.metadata?.name ?? '';
    const current = informers.volumes.get(name);
    if (!current) throw failure(`failed to check binding: persistentvolume "${name}" not found`);
    const bound = informers.claims.get(objectKey(claim));
    if (!bound) throw failure(`failed to check binding: ${missing(claim)}`);
    if (versionOf(current) < versionOf(volume)) return false;
    if (!reaches(current, node.labels)) throw unreached(name);
    if (!current.spec?.claimRef?.uid) throw failure(`ClaimRef got reset for pv "${name}"`);
    if (!isFullyBound(bound)) return false;
  }
  for (const claim of provisions) {
    const current = informers.claims.get(objectKey(claim));
    if (!current) throw failure(`failed to check provisioning pvc: ${missing(claim)}`);
    if (versionOf(current) < versionOf(claim)) return false;
    const selected = current.metadata?.annotations?.[selectedNode];
    if (selected !== node.name) throw failure(`provisioning failed for PVC "${claim.metadata?.name}"`);
    const volumeName = current.spec?.volumeName ?? '';
    const volume = volumeName === '' ? undefined : informers.volumes.get(volumeName);
    if (volumeName !== '' && !volume) return false;
    if (volume && !reaches(volume, node.labels)) throw unreached(volumeName);
    if (!isFullyBound(current)) return false;
  }
  return true;
}

const missing = ({ metadata }: PersistentVolumeClaim): string => `persistentvolumeclaim "${metadata?.name}" not found`;
