// The ports of a rule, per protocol: ranges are merged, names are kept separately.
import { type PortRecord, type Protocol, protocols } from './input';
import type { PortRange } from './model';

export interface ProtocolPorts {
  readonly protocol: Protocol;
  /** Every port of the protocol; then `ranges` and `names` are empty. */
  readonly all: boolean;
  /** Sorted and disjoint: the kernel refuses ranges that overlap. */
  readonly ranges: readonly PortRange[];
  readonly names: readonly string[];
}

export function portsByProtocol(ports: readonly PortRecord[]): ProtocolPorts[] {
  return protocols.flatMap((protocol): ProtocolPorts[] => {
    const own = ports.filter((port) => port.protocol === protocol);
    if (own.length === 0) return [];
    if (own.some(({ port }) => port === undefined)) return [{ protocol, all: true, ranges: [], names: [] }];
    const ranges = own.flatMap(({ port, endPort }): PortRange[] =>
      typeof port === 'number' ? [[port, Math.max(port, endPort ?? port)]] : [],
    );
    const names = own.flatMap(({ port }) => (typeof port === 'string' ? [port] : []));
    return [{ protocol, all: false, ranges: mergeRanges(ranges), names: [...new Set(names)].sort() }];
  });
}

/** Sorted; ranges that touch or overlap become one. */
function mergeRanges(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) merged[merged.length - 1] = [last[0], Math.max(last[1], to)];
    else merged.push([from, to]);
  }
  return merged;
}
