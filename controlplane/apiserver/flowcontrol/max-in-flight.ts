// Without priority and fairness: one bound for reads and one for writes. Nothing waits. Members of system:masters are never refused, as
// upstream: an administrator must be able to repair an overloaded server.
import type { ApiRequest } from '../request';
import type { ResourceRoute } from '../route';
import { type Admission, free, isLongRunning, isReadOnly, type RequestLimits, TooManyRequests } from './limits';

/** 0: no bound. */
export interface InFlightBounds {
  readonly reads: number;
  readonly writes: number;
}

const masters = 'system:masters';

class Counter {
  running = 0;
  dropped = 0;
  readonly admission: Admission = { done: () => void this.running-- };
  constructor(readonly bound: number) {}
}

export class MaxInFlight implements RequestLimits {
  private readonly reads: Counter;
  private readonly writes: Counter;

  constructor({ reads, writes }: InFlightBounds) {
    this.reads = new Counter(reads);
    this.writes = new Counter(writes);
  }

  /** @throws TooManyRequests */
  admit(request: ApiRequest, route: ResourceRoute | undefined): Admission {
    if (route?.verb === 'watch' || isLongRunning(route)) return free;
    const counter = isReadOnly(request, route) ? this.reads : this.writes;
    if (counter.bound === 0) return free;
    if (counter.running >= counter.bound) {
      if (request.user.groups.includes(masters)) return free;
      counter.dropped++;
      throw new TooManyRequests('concurrency-limit');
    }
    counter.running++;
    return counter.admission;
  }

  render(): readonly string[] {
    return [
      '# HELP apiserver_dropped_requests_total Requests that were answered with 429.',
      '# TYPE apiserver_dropped_requests_total counter',
      `apiserver_dropped_requests_total{request_kind="readOnly"} ${this.reads.dropped}`,
      `apiserver_dropped_requests_total{request_kind="mutating"} ${this.writes.dropped}`,
    ];
  }
}
