// The rows of the list of refused packets: a sender tries again after seconds, so a row stays for a while, at its place. Pure.
import { type Box, type Structure, unknownId } from './boxes';
import type { FrameInput } from './frame';
import { flowKey, type Refused } from './refused';

export interface RefusedRow extends Refused {
  readonly key: string;
  /** When packets were refused last, in ms; absent: not since this page looks. */
  readonly lastMs?: number;
  /** The boxes as they are found at the moment that is shown; absent for a flow that it does not have. */
  readonly found?: { readonly from: string; readonly to: string };
  /** The boxes of the moment when the packets came: a pod that is gone keeps its name. Absent where it was not known then. */
  readonly named?: { readonly from?: Box; readonly to?: Box };
}

type Then = Pick<FrameInput, 'atMs' | 'refused' | 'structure'>;

/** A row without packets goes after this time. */
const keptMs = 60_000;
/** All that the timeline has. */
export const wholeMs = Number.POSITIVE_INFINITY;
/** More rows are no list that a person reads: those seen last stay. */
export const maxRows = 50;

/**
 * Rows as they are at the moment that is shown: with its packets and rates, in the order in which the flows were seen first. Moments after it are
 * not looked at; what it does not contain any more keeps its last count, with a rate of 0.
 */
export function refusedRows(moments: readonly Then[], shown: Then, forMs = keptMs): readonly RefusedRow[] {
  const rows = new Map<string, RefusedRow & { readonly lastMs: number }>();
  for (const { atMs, refused, structure } of [...moments.filter((one) => one.atMs < shown.atMs), shown]) {
    for (const flow of refused) {
      if (flow.packetsPerSecond <= 0) continue;
      const key = flowKey(flow);
      rows.set(key, { ...flow, key, lastMs: atMs, named: { ...rows.get(key)?.named, ...namedIn(structure, flow) } });
    }
  }
  const now = new Map(shown.refused.map((flow) => [flowKey(flow), flow]));
  const recent = [...rows.values()].filter(({ lastMs }) => shown.atMs - lastMs < forMs);
  const least = recent.map(({ lastMs }) => lastMs).sort((a, b) => b - a)[maxRows - 1] ?? 0;
  // Silence has a reason as soon as one is known.
  const explained = new Set(recent.flatMap((row) => (row.by === 'silence' ? [] : [endsOf(row)])));
  return recent
    .filter((row) => row.by !== 'silence' || !explained.has(endsOf(row)))
    .filter(({ lastMs }) => lastMs >= least)
    .slice(0, maxRows)
    .map((row) => {
      const flow = now.get(row.key);
      // Of a pod that is gone its node no longer knows the policies.
      const policies = flow?.policies ?? row.policies;
      if (flow === undefined) return { ...row, packetsPerSecond: 0 };
      const { from, to } = flow;
      // Whose address it was when the packets came: later it may be that of another pod, or of none.
      const then = { from: known(row.from, from), to: known(row.to, to) };
      return { ...row, ...flow, ...then, found: { from, to }, ...(policies ? { policies } : {}) };
    });
}

/** Ten minutes have a few hundred structures, most of them the same. */
const indexes = new WeakMap<Structure, ReadonlyMap<string, Box>>();

function namedIn(structure: Structure, { from, to }: Pick<Refused, 'from' | 'to'>): NonNullable<RefusedRow['named']> {
  let index = indexes.get(structure);
  if (index === undefined) {
    index = new Map(structure.boxes.filter(({ id }) => id !== unknownId).map((box) => [box.id, box]));
    indexes.set(structure, index);
  }
  const [sender, receiver] = [index.get(from), index.get(to)];
  return { ...(sender ? { from: sender } : {}), ...(receiver ? { to: receiver } : {}) };
}

const endsOf = ({ protocol, source, destination, backend = destination, port }: RefusedRow): string =>
  `${protocol} ${source} ${backend} ${port ?? ''}`;

const known = (then: string, now: string): string => (then === unknownId ? now : then);

/** Rows whose boxes are drawn. A box of then may be gone from the picture: then the one of now counts. */
export const drawnRows = (rows: readonly RefusedRow[], drawn: ReadonlySet<string>): readonly RefusedRow[] =>
  rows.flatMap((row) => {
    const from = [row.from, row.found?.from ?? ''].find((box) => drawn.has(box));
    const to = [row.to, row.found?.to ?? ''].find((box) => drawn.has(box));
    return from === undefined || to === undefined ? [] : [{ ...row, from, to }];
  });

/** All that the node has counted at this box, also long ago; those with packets since this page looks have a time, and come first. */
export function refusedAt(box: string, rows: readonly RefusedRow[], all: readonly Refused[]): readonly RefusedRow[] {
  const own = ({ from, to }: Refused) => from === box || to === box;
  const known = new Set(rows.map(({ key }) => key));
  const older = all.filter((flow) => own(flow) && !known.has(flowKey(flow)));
  const named = older.map((flow): RefusedRow => ({ ...flow, key: flowKey(flow) }));
  return [...rows.filter(own), ...named.sort((a, b) => (a.key < b.key ? -1 : 1))].slice(0, maxRows);
}
