// Facts about an EndpointSlice: the Service it belongs to, and which of its endpoints take new connections.
import type { EndpointSlice } from '../endpoint-slice';

export const serviceNameLabel = 'kubernetes.io/service-name';
/** Names the controller that writes the slice. */
export const sliceManagedByLabel = 'endpointslice.kubernetes.io/managed-by';

/** The Service that a slice belongs to, as `namespace/name`; '', which is not a Service's key, when it belongs to none. */
export function serviceKeyOf({ metadata }: EndpointSlice): string {
  const name = metadata?.labels?.[serviceNameLabel];
  return name ? `${metadata?.namespace}/${name}` : '';
}

export interface EndpointState {
  readonly ready: boolean;
  /** The endpoint takes connections, also when it is terminating. */
  readonly serving: boolean;
  readonly terminating: boolean;
}

type Conditions = NonNullable<EndpointSlice['endpoints']>[number]['conditions'];

/** Conditions that are not set mean ready, serving and not terminating (EndpointConditions of the API reference). */
export function endpointState(conditions: Conditions): EndpointState {
  const { ready = true, serving = true, terminating = false } = conditions ?? {};
  return { ready, serving, terminating };
}

/** Terminating but still serving: used when no endpoint is ready, so that a rollout loses no connection (KEP-1669). */
export const isLastResort = ({ serving, terminating }: EndpointState): boolean => serving && terminating;

/** The ready endpoints; if there are none, those that are terminating but still serving. */
export function usableEndpoints<E extends EndpointState>(endpoints: readonly E[]): readonly E[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : endpoints.filter(isLastResort);
}
