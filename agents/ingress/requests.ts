// Requests by Ingress, Service and pod, for who asks what this node carries (`k8ts traffic`): connections alone do not tell whose requests they
// carry. Only grows, and is bounded: the ways that had no request for longest are forgotten.
import type { IngressRequests } from '../../controlplane/base/traffic';
import { type Answered, clientLeft } from '../../dataplane/ingress/server';

export const maxWays = 2_000;

interface Way {
  requests: number;
  failed: number;
}

export class RequestCounts {
  /** By the way, as JSON of its names; the last used one is the last. */
  private readonly ways = new Map<string, Way>();

  count({ status, route, endpoint }: Answered): void {
    if (!route) return;
    const key = JSON.stringify([route.ingress, route.backend, endpoint]);
    const way = this.ways.get(key) ?? { requests: 0, failed: 0 };
    way.requests++;
    if (status >= 500 || status === clientLeft) way.failed++;
    this.ways.delete(key);
    this.ways.set(key, way);
    if (this.ways.size > maxWays) this.ways.delete(this.ways.keys().next().value!);
  }

  /** A line of JSON for each way: IngressRequests. */
  *lines(): Generator<string> {
    // As it is now: a way that is used while the reader takes the lines moves to the end of the map, and would come again.
    for (const [key, way] of [...this.ways]) {
      const [ingress, backend, endpoint] = JSON.parse(key) as [string, string, string | undefined];
      const names = { ingress, service: serviceOf(backend), ...(endpoint ? { endpoint } : {}) };
      yield `${JSON.stringify({ ...names, ...way } satisfies IngressRequests)}\n`;
    }
  }
}

/** Names of Services have no colon: what follows it is the port. */
const serviceOf = (backend: string): string => backend.split(':')[0]!;
