// Copies the informers' objects into the zone, one change at a time.
import type { EndpointSlice, KubeObject, Namespace, Pod, Service } from '../../controlplane/api';
import type { Informer } from '../../controlplane/client/informer';
import type { Zone } from '../../dataplane/dns/zone';
import { translatePod, translateService, translateSlice } from './translate';

export interface ZoneSources {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly pods: Informer<Pod>;
  readonly namespaces: Informer<Namespace>;
}

/** Subscribes at once. Resolves when the zone is complete for the first time; rejects when the signal is aborted. */
export async function feedZone(zone: Zone, sources: ZoneSources, signal: AbortSignal): Promise<void> {
  const { services, slices, pods, namespaces } = sources;
  follow(services, (key, service) => zone.setService(key, service && translateService(service)));
  follow(slices, (key, slice) => zone.setEndpoints(key, slice && translateSlice(slice)));
  follow(pods, (key, pod) => zone.setPod(key, pod && translatePod(pod)));
  follow(namespaces, (key, namespace) => zone.setNamespace(key, namespace !== undefined));
  await Promise.all([services, slices, pods, namespaces].map((source) => source.synced(signal)));
  zone.setSynced();
}

function follow<T extends KubeObject>(source: Informer<T>, put: (key: string, object: T | undefined) => void): void {
  source.onChange((change) => put(change.key, change.type === 'deleted' ? undefined : change.object));
}
