// The quality-of-service class of a pod. Source: the concept page "Pod Quality of Service Classes".
import { parseQuantity } from '../quantity';
import { initAndAppContainers } from './facts';
import type { PodSpec, ResourceRequirements } from './types';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';
const counted = ['cpu', 'memory'];

/**
 * Guaranteed: every container has limits for CPU and memory and equal requests. BestEffort: no container has either. When the
 * pod itself has resources, only they decide. Ephemeral containers have none and do not count.
 */
export function qosClass(spec: PodSpec): QosClass {
  const { requests, limits } = spec.resources ?? {};
  if (Object.keys({ ...requests, ...limits }).length > 0) return classOf({ requests, limits });
  const [first = 'BestEffort', ...others] = initAndAppContainers(spec).map(({ resources }) => classOf(resources ?? {}));
  return others.every((other) => other === first) ? first : 'Burstable';
}

/** A missing request equals the limit, as in the API server's defaults: so the class is the same before and after defaulting. */
function classOf({ requests, limits }: ResourceRequirements): QosClass {
  const amounts = counted.map((name) => ({
    limit: amountOf(limits?.[name]),
    request: amountOf(requests?.[name] ?? limits?.[name]),
  }));
  if (amounts.every(({ limit, request }) => limit === 0n && request === 0n)) return 'BestEffort';
  return amounts.every(({ limit, request }) => limit > 0n && request === limit) ? 'Guaranteed' : 'Burstable';
}

const amountOf = (text: string | undefined): bigint => (text === undefined ? 0n : parseQuantity(text).nano);
