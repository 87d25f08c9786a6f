// Requests through Ingresses, as the proxies of the nodes count them: entry → Ingress → Service → pods. Connections alone do not tell whose
// requests they carry.
import type { IngressRequests } from '../../../base/traffic';
import { entryId, serviceId } from './boxes';
import { type Directory, whereOf } from './directory';
import type { NodeReading } from './traffic';

export interface RequestRates {
  readonly requestsPerSecond: number;
  /** With a status of 500 and more, or without an answer before the client left. */
  readonly failedPerSecond: number;
}
export interface RequestLink extends RequestRates {
  readonly from: string;
  readonly to: string;
}

/** Links on which requests have come since the reading before. */
export function requestLinks(readings: readonly NodeReading[], directory: Directory): readonly RequestLink[] {
  const links = new Map<string, { requestsPerSecond: number; failedPerSecond: number }>();
  const add = (from: string, to: string, rates: RequestRates) => {
    if (!directory.boxes.has(from) || !directory.boxes.has(to)) return;
    const sum = links.get(`${from} ${to}`) ?? { requestsPerSecond: 0, failedPerSecond: 0 };
    sum.requestsPerSecond += rates.requestsPerSecond;
    sum.failedPerSecond += rates.failedPerSecond;
    links.set(`${from} ${to}`, sum);
  };
  for (const reading of readings) {
    const rates = ratesOf(reading);
    for (const one of reading.now.requests) {
      const grown = rates(one);
      if (grown.requestsPerSecond === 0) continue;
      const [ingress, service] = [`ingress/${one.ingress}`, serviceId(one.service)];
      add(entryId, ingress, grown);
      add(ingress, service, grown);
      if (one.endpoint !== undefined) add(service, whereOf(directory, addressIn(one.endpoint)).box, grown);
    }
  }
  return [...links].map(([key, rates]) => {
    const [from = '', to = ''] = key.split(' ');
    return { from, to, ...rates };
  });
}

/** Pods that the proxy of a node forwards to: ADDRESS:PORT. */
export const forwardedBy = ({ now }: NodeReading): ReadonlySet<string> =>
  new Set(now.requests.flatMap(({ endpoint }) => endpoint ?? []));

function ratesOf({ before: { requests: before }, now }: NodeReading): (one: IngressRequests) => RequestRates {
  const seconds =
    before?.collector === now.collector
      ? (Date.parse(now.readAt.requests) - Date.parse(before.readAt.requests)) / 1000
      : 0;
  if (!before || seconds <= 0) return () => ({ requestsPerSecond: 0, failedPerSecond: 0 });
  const earlier = new Map(before.requests.map((one) => [keyOf(one), one]));
  return (one) => {
    const old = earlier.get(keyOf(one));
    // Fewer than before: the proxy has begun again.
    const grown = (of: (one: IngressRequests) => number) => Math.max(0, of(one) - (old ? of(old) : 0)) / seconds;
    return { requestsPerSecond: grown(({ requests }) => requests), failedPerSecond: grown(({ failed }) => failed) };
  };
}

const keyOf = ({ ingress, service, endpoint = '' }: IngressRequests): string => `${ingress} ${service} ${endpoint}`;

/** Of ADDRESS:PORT, where an address of IPv6 has brackets. */
const addressIn = (endpoint: string): string => endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
