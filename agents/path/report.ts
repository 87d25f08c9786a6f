// Small parts of a report that many steps need. The types are in controlplane/base/path-report.ts.
import type { Hop, HopFault } from '../../controlplane/base/hops';

export const stops = (hops: readonly Hop[]): boolean => hops.some(({ state }) => state === 'stops');

export const faultHop = (kind: Hop['kind'], name: string, fault: HopFault, facts: readonly string[] = []): Hop => ({
  kind,
  name,
  state: 'stops',
  facts,
  fault,
});
