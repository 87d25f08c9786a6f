// Tells the scheduler of changes of storage objects that may help waiting pods.
import type { KubeObject } from '../../api/types';
import type { Change, Informer } from '../../client/informer';
import type { ClusterEvent } from '../events';
import type { VolumeInformers } from './cluster-volumes';

export function onVolumeEvents(informers: VolumeInformers, handler: (event: ClusterEvent) => void): void {
  const { claims, volumes, classes, csiNodes, csiDrivers, capacities, attachments } = informers;
  listen(claims, handler, {
    added: (object) => ({ type: 'claim-added', object }),
    updated: (object, previous) => ({ type: 'claim-updated', object, previous }),
  });
  listen(volumes, handler, {
    added: (object) => ({ type: 'volume-added', object }),
    updated: (object, previous) => ({ type: 'volume-updated', object, previous }),
  });
  listen(classes, handler, {
    added: (object) => ({ type: 'class-added', object }),
    updated: (object, previous) => ({ type: 'class-updated', object, previous }),
  });
  listen(csiNodes, handler, {
    added: (object) => ({ type: 'csi-node-added', object }),
    updated: (object, previous) => ({ type: 'csi-node-updated', object, previous }),
  });
  listen(csiDrivers, handler, {
    updated: (object, previous) => ({ type: 'csi-driver-updated', object, previous }),
  });
  listen(capacities, handler, {
    added: (object) => ({ type: 'csi-capacity-added', object }),
    updated: (object, previous) => ({ type: 'csi-capacity-updated', object, previous }),
  });
  listen(attachments, handler, { deleted: (object) => ({ type: 'attachment-removed', object }) });
}

/** The event of each type of change; a type that is absent has none. */
interface EventsOf<T> {
  readonly added?: (object: T) => ClusterEvent;
  readonly updated?: (object: T, previous: T) => ClusterEvent;
  readonly deleted?: (object: T) => ClusterEvent;
}

function listen<T extends KubeObject>(
  informer: Informer<T>,
  handler: (event: ClusterEvent) => void,
  { added, updated, deleted }: EventsOf<T>,
): void {
  const eventOf = (change: Change<T>): ClusterEvent | undefined => {
    if (change.type === 'added') return added?.(change.object);
    if (change.type === 'deleted') return deleted?.(change.object);
    return updated?.(change.object, change.previous);
  };
  informer.onChange((change) => {
    const event = eventOf(change);
    if (event) handler(event);
  });
}
