// The total requests and limits of a pod: one rule for the scheduler, LimitRanger and quotas.
// Source: the documented rules for the effective requests of pods with init and sidecar containers (KEP-753, KEP-2837).
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '../quantity';
import { isSidecar } from './facts';
import type { Container, PodSpec, ResourceRequirements } from './types';

type Totals<A> = Record<string, A>;

/** Arithmetic for totals: the scheduler adds plain numbers, the API server exact quantities. */
export interface Numbers<A> {
  readonly add: (a: A, b: A) => A;
  readonly isMore: (a: A, b: A) => boolean;
  readonly ofContainer: (container: Container) => Readonly<Totals<A>>;
  readonly ofPod: (resources: ResourceRequirements) => Readonly<Totals<A>>;
}

/**
 * The larger of two: the sum of app containers and sidecars, or the most that runs during the start: an init container and the
 * sidecars that started before it. Resources of the pod itself replace that. The overhead is not included.
 */
export function podTotals<A>(
  spec: Pick<PodSpec, 'containers' | 'initContainers' | 'resources'>,
  numbers: Numbers<A>,
): Totals<A> {
  const { add, isMore, ofContainer, ofPod } = numbers;
  const running: Totals<A> = {};
  for (const container of spec.containers ?? []) addTo(running, ofContainer(container), add);
  if (spec.initContainers) {
    const sidecars: Totals<A> = {};
    const peak: Totals<A> = {};
    for (const container of spec.initContainers) {
      const own = ofContainer(container);
      const lasting = isSidecar(container);
      if (lasting) addTo(running, own, add);
      const together = lasting ? sidecars : { ...sidecars };
      addTo(together, own, add);
      raise(peak, together, isMore);
    }
    raise(running, peak, isMore);
  }
  return spec.resources ? Object.assign(running, ofPod(spec.resources)) : running;
}

export function addTo<A>(totals: Totals<A>, more: Readonly<Totals<A>>, add: Numbers<A>['add']): void {
  for (const name in more) totals[name] = totals[name] === undefined ? more[name]! : add(totals[name], more[name]!);
}

function raise<A>(totals: Totals<A>, other: Readonly<Totals<A>>, isMore: Numbers<A>['isMore']): void {
  for (const name in other) {
    if (totals[name] === undefined || isMore(other[name]!, totals[name])) totals[name] = other[name]!;
  }
}

/** Without the pod's overhead, which LimitRanger does not count and a quota adds. @throws BadRequest for an invalid quantity */
export const requestsOf = (spec: PodSpec): Record<string, Quantity> => podTotals(spec, exact('requests'));

/** As requestsOf, for the limits. */
export const limitsOf = (spec: PodSpec): Record<string, Quantity> => podTotals(spec, exact('limits'));

function exact(which: 'requests' | 'limits'): Numbers<Quantity> {
  const read = (resources: ResourceRequirements | undefined) =>
    Object.fromEntries(Object.entries(resources?.[which] ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
  return {
    add: addQuantities,
    isMore: (a, b) => compareQuantities(a, b) > 0,
    ofContainer: ({ resources }) => read(resources),
    ofPod: read,
  };
}
