// How near to its target a metric may be without a change. Pure. Source: KEP-4951.
import type { HorizontalPodAutoscaler } from '../../api/horizontal-pod-autoscaler';
import { parseQuantity } from '../../api/quantity';

export interface Tolerances {
  /** Ratios so near to one cause no change. */
  readonly up: number;
  readonly down: number;
}

const defaultTolerance = 0.1;

export function tolerancesOf({ spec }: HorizontalPodAutoscaler): Tolerances {
  const { scaleUp, scaleDown } = spec?.behavior ?? {};
  return { up: fraction(scaleUp?.tolerance), down: fraction(scaleDown?.tolerance) };
}

const fraction = (tolerance: string | undefined): number =>
  tolerance === undefined ? defaultTolerance : Number(parseQuantity(tolerance).nano) / 1e9;

export const isWithin = (ratio: number, { up, down }: Tolerances): boolean => 1 - down <= ratio && ratio <= 1 + up;
