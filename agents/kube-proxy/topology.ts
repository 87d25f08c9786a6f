// The effect of EndpointSlice hints on this node (pure): KEP-2433 for zones, KEP-3015 for nodes.
import type { EndpointSlice } from '../../controlplane/api';
import type { Endpoint } from '../../dataplane/service/input';

export const zoneLabel = 'topology.kubernetes.io/zone';

/** The node and zone of this process. */
export interface Here {
  readonly nodeName: string;
  /** Absent: the node has no zone. */
  readonly zone?: string;
}

export type Hints = NonNullable<EndpointSlice['endpoints']>[number]['hints'];
export interface Hinted {
  readonly endpoint: Endpoint;
  readonly hints: Hints;
}

/**
 * Marks the endpoints that this node leaves to other nodes. It prefers hints for its node, then hints for its zone. Hints count only if
 * every ready endpoint has them and at least one names this node or zone; otherwise all endpoints are used, so traffic is never dropped.
 */
export function markElsewhere(endpoints: readonly Hinted[], { nodeName, zone }: Here): Endpoint[] {
  const ready = endpoints.filter(({ endpoint }) => endpoint.ready);
  const choose = (names: (hints: Hints) => readonly string[], here: string | undefined) => {
    const usable =
      here !== undefined &&
      ready.every(({ hints }) => names(hints).length > 0) &&
      ready.some(({ hints }) => names(hints).includes(here));
    return usable ? (hinted: Hinted) => names(hinted.hints).includes(here) : undefined;
  };
  const near =
    choose((hints) => (hints?.forNodes ?? []).map(({ name }) => name), nodeName) ??
    choose((hints) => (hints?.forZones ?? []).map(({ name }) => name), zone);
  return endpoints.map((hinted) =>
    !near || !hinted.endpoint.ready || near(hinted) ? hinted.endpoint : { ...hinted.endpoint, elsewhere: true },
  );
}
