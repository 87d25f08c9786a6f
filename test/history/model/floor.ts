// What had surely happened by a point in time: the greatest revision that any answer or event had shown. Pure.
import { isWrite, type Operation, type Revision, type Time } from './history';

/** An operation had shown this revision at this time. */
export interface Sighting {
  readonly at: Time;
  readonly revision: Revision;
  readonly operation: Operation;
}

/** All revisions that an operation shows, with the time of each. A deletion shows none: its answer has no revision. */
export function sightingsOf(operation: Operation): readonly Sighting[] {
  const { end } = operation;
  if (operation.op === 'list') {
    return operation.pages.map(({ end: at, revision }) => ({ at, revision, operation }));
  }
  if (operation.op === 'watch') {
    const { from, initial, events } = operation;
    return events.flatMap((event) => {
      const revision = event.type === 'BOOKMARK' ? event.revision : event.object.revision;
      // A bookmark that repeats where the client began says nothing about the state of the server, which may be older: the client had the
      // revision from another server.
      const isEcho = event.type === 'BOOKMARK' && initial === undefined && revision <= from;
      return isEcho ? [] : [{ at: event.at, revision, operation }];
    });
  }
  if (isWrite(operation) && operation.outcome !== 'done') return [];
  return operation.result ? [{ at: end, revision: operation.result.revision, operation }] : [];
}

export class Floor {
  private readonly sorted: readonly Sighting[];
  /** At each place, the sighting with the greatest revision up to it. */
  private readonly greatest: readonly Sighting[];

  constructor(sightings: readonly Sighting[]) {
    this.sorted = [...sightings].sort((a, b) => a.at - b.at);
    const greatest: Sighting[] = [];
    for (const [i, one] of this.sorted.entries()) {
      const before = greatest[i - 1];
      greatest.push(before && before.revision >= one.revision ? before : one);
    }
    this.greatest = greatest;
  }

  /** The sighting of the greatest revision that ended before this time; undefined when there is none. */
  before(time: Time): Sighting | undefined {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]!.at < time) low = middle + 1;
      else high = middle;
    }
    return this.greatest[low - 1];
  }

  /** 0 when nothing was seen before. */
  revisionBefore(time: Time): Revision {
    return this.before(time)?.revision ?? 0;
  }
}
