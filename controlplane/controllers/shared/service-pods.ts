// Which Services select a pod, and which pods a Service selects: shared by the EndpointSlice and Endpoints controllers.
import { isDeepStrictEqual } from 'node:util';
import { conditionOf } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import { matchesSelector, selectorFromMap } from '../../api/selector';
import type { Service } from '../../api/service';
import { objectKey } from '../../api/types';
import type { Change, Lister } from '../../client/informer';
import { byNamespace } from './informers';

/** Whether the endpoints of the Service follow from its pods: not without a selector, and not for an ExternalName. */
export function hasManagedEndpoints({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}

export function podsOf(service: Service | undefined, pods: Lister<Pod>): readonly Pod[] {
  const selector = service?.spec?.selector;
  if (!service || !selector || Object.keys(selector).length === 0) return [];
  const parsed = selectorFromMap(selector);
  return pods
    .by(byNamespace, service.metadata?.namespace ?? '')
    .filter(({ metadata }) => matchesSelector(parsed, metadata?.labels));
}

/** Keys of the Services whose endpoints may change with the pod; none when the change concerns no endpoint. */
export function servicesTouched(change: Change<Pod>, services: Lister<Service>): string[] {
  const versions = change.type === 'updated' ? [change.previous, change.object] : [change.object];
  if (change.type === 'updated' && isDeepStrictEqual(shown(change.previous), shown(change.object))) return [];
  const touched = services.by(byNamespace, change.object.metadata?.namespace ?? '').filter(({ spec }) => {
    if (!spec?.selector || Object.keys(spec.selector).length === 0) return false;
    const selector = selectorFromMap(spec.selector);
    return versions.some(({ metadata }) => matchesSelector(selector, metadata?.labels));
  });
  return touched.map(objectKey);
}

/** The fields of a pod that an endpoint depends on. */
function shown(pod: Pod): unknown {
  const { metadata, spec, status } = pod;
  return {
    labels: metadata?.labels,
    deleting: metadata?.deletionTimestamp !== undefined,
    nodeName: spec?.nodeName,
    phase: status?.phase,
    podIP: status?.podIP,
    podIPs: status?.podIPs,
    ready: conditionOf(pod, 'Ready')?.status,
  };
}
