// What the numbers of a moment do not say: which part is not known, old, or left out. The page has the words.
import type { TextKey, Values } from '../../texts/texts';
import { short } from './numbers';
import type { NodeReading } from './traffic';

export interface Remark {
  readonly key: TextKey;
  readonly values?: Values;
}

/** A reading that is older than this is not `now`. */
const oldMs = 5_000;
/** A table of connections that is so full soon refuses new ones. */
const fullShare = 0.95;

export function remarksOf(readings: readonly NodeReading[]): readonly Remark[] {
  return readings.flatMap(({ node, before, now }): readonly Remark[] => {
    const { connections, omittedEdges } = now;
    const ageMs = Date.parse(now.time) - Date.parse(now.readAt.connections);
    const isFull = connections.max > 0 && connections.count >= connections.max * fullShare;
    return [
      ...(before.connections === undefined ? [{ key: 'trafficFirst', values: { node } } as const] : []),
      ...(ageMs > oldMs ? [{ key: 'trafficOld', values: { node, seconds: Math.round(ageMs / 1000) } } as const] : []),
      ...(omittedEdges > 0 ? [{ key: 'trafficOmitted', values: { node, count: short(omittedEdges) } } as const] : []),
      ...(isFull
        ? [{ key: 'trackingFull', values: { node, count: connections.count, max: connections.max } } as const]
        : []),
      ...now.problems.map((problem) => ({ key: 'nodeSays', values: { node, problem } }) as const),
    ];
  });
}

/** Nothing is known of a node, or of all. */
export const isGap = ({ key }: Remark): boolean => key === 'trafficFailed' || key === 'nodeSilent';
