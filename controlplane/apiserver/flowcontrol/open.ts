// Opens the limits that the options choose.
import type { Clock } from '../../base/clock';
import type { Cache } from '../cache/cache';
import { FlowControl } from './flow-control';
import type { RequestLimits } from './limits';
import { MaxInFlight } from './max-in-flight';
import { defaultLimits, type LimitOptions } from './options';

interface LimitsDeps {
  readonly cache: Cache;
  readonly clock: Clock;
}

/** Resolves when the objects that decide are loaded; they are followed until the signal is aborted. */
export async function openLimits(
  options: LimitOptions = defaultLimits,
  { cache, clock }: LimitsDeps,
  signal: AbortSignal,
): Promise<RequestLimits> {
  const { maxRequestsInflight: reads, maxMutatingRequestsInflight: writes } = options;
  if (!options.enablePriorityAndFairness) return new MaxInFlight({ reads, writes });
  const control = new FlowControl(reads + writes, clock);
  await control.follow(cache, signal);
  return control;
}
