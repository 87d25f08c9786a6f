// The QoS class of a pod. Source: kubernetes.io "Pod Quality of Service Classes".
import type { Pod } from '../../../controlplane/api';
import { parseQuantity } from '../../../controlplane/api/quantity';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';
const counted = ['cpu', 'memory'] as const;

export function qosClass(pod: Pod): QosClass {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of counted) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      const set = [limit, request].some((text) => text !== undefined && parseQuantity(text).nano > 0n);
      if (set) any = true;
      if (limit === undefined || request === undefined || !sameAmount(limit, request)) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

const sameAmount = (a: string, b: string): boolean => parseQuantity(a).nano === parseQuantity(b).nano;
