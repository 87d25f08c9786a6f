// Splits many endpoints into groups: a rule sends a connection to a group, then to one of its endpoints. So a connection meets
// about twice the square root of the rules of one long list, and a changed endpoint rewrites one group. Pure.
import { createHash } from 'node:crypto';
import { endpointId } from '../endpoints';
import type { Endpoint } from '../input';

/** Up to this many endpoints one list is as fast. */
export const splitAbove = 64;
/** The name of a group is two hexadecimal digits. */
const maxGroups = 256;

export interface EndpointGroup {
  /** Two hexadecimal digits. */
  readonly name: string;
  /** In input order; never empty. */
  readonly endpoints: readonly Endpoint[];
}

/**
 * The group of an endpoint depends only on the endpoint and on the number of groups, and that number is a power of two: so most
 * changes leave all other endpoints in their groups.
 */
export function groupEndpoints(endpoints: readonly Endpoint[]): readonly EndpointGroup[] {
  const count = Math.min(maxGroups, 2 ** Math.round(Math.log2(Math.sqrt(endpoints.length))));
  const groups = new Map<number, Endpoint[]>();
  for (const endpoint of endpoints) {
    const at = createHash('sha256').update(endpointId(endpoint)).digest()[0]! % count;
    const group = groups.get(at);
    if (group) group.push(endpoint);
    else groups.set(at, [endpoint]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([at, members]) => ({ name: at.toString(16).padStart(2, '0'), endpoints: members }));
}
