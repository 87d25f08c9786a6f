// What the handler asks before it serves a request: may it run now, later, or not at all.
import type { ApiRequest } from '../request';
import type { ResourceRoute } from '../route';

export type RefusalReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled';

/** The request is refused: answer 429. */
export class TooManyRequests extends Error {
  constructor(readonly reason: RefusalReason) {
    super('Too many requests, please try again later.');
  }
}

export interface Admission {
  /** Added to the answer, also to a refusal. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Present when the request must wait. Rejects with TooManyRequests. */
  readonly wait?: Promise<void>;
  /** Call once, when the request is answered; of a watch, when it has begun. Absent when nothing is held. */
  readonly done?: () => void;
}

export interface RequestLimits {
  /** `route` is absent for a path that is no resource. */
  admit(request: ApiRequest, route: ResourceRoute | undefined): Admission;
  /** Lines for /metrics. */
  render(): readonly string[];
}

/** Their time is the user's: they hold no seat. */
const longSubresources: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);
export const isLongRunning = (route: ResourceRoute | undefined): boolean =>
  route !== undefined && longSubresources.has(route.subresource);

const readingVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
const readingMethods: ReadonlySet<string> = new Set(['GET']);
export const isReadOnly = ({ method }: ApiRequest, route: ResourceRoute | undefined): boolean =>
  route ? readingVerbs.has(route.verb) : readingMethods.has(method);

export const free: Admission = {};
