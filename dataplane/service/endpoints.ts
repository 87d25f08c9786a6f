// Which endpoints of a Service port take new connections.

import { canonicalAddress } from '../../controlplane/base/cidr';
import type { Endpoint } from './input';

export interface Usable {
  /** Endpoints on any node. */
  readonly cluster: readonly Endpoint[];
  /** Endpoints on this node. */
  readonly local: readonly Endpoint[];
}

/**
 * Ready endpoints. Without any, the endpoints that are terminating but still serve (KEP-1669), so that a rollout or a shutdown
 * does not lose connections. The choice is made separately for all nodes and for this node. Sorted, without duplicates.
 */
export function usableEndpoints(endpoints: readonly Endpoint[]): Usable {
  return {
    cluster: choose(endpoints, (endpoint) => !endpoint.elsewhere),
    local: choose(endpoints.filter((endpoint) => endpoint.local)),
  };
}

function choose(endpoints: readonly Endpoint[], near: (endpoint: Endpoint) => boolean = () => true) {
  const ready = endpoints.filter((endpoint) => endpoint.ready && near(endpoint));
  const usable = ready.length > 0 ? ready : endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
  const unique = new Map(usable.map((endpoint) => [endpointId(endpoint), endpoint]));
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, endpoint]) => endpoint);
}

/** The form that DNAT uses: address:port, IPv6 in brackets. */
export const endpointId = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${canonicalAddress(address)}]:${port}` : `${address}:${port}`;
