// The quality-of-service class of a pod. Source: the concept page "Pod Quality of Service Classes".
import { parseQuantity } from '../quantity';
import { allContainers, type PodSpec } from './types';

const counted = ['cpu', 'memory'];

/** Guaranteed: every container limits CPU and memory and requests just that. BestEffort: nobody asks for anything. */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = allContainers(spec);
  const amount = (list: Record<string, string> | undefined, name: string): bigint =>
    parseQuantity(list?.[name] ?? '0').nano;
  const asks = (list: Record<string, string> | undefined) => counted.some((name) => amount(list, name) > 0n);
  if (!containers.some(({ resources }) => asks(resources?.requests) || asks(resources?.limits))) return 'BestEffort';
  const guaranteed = containers.every(({ resources }) =>
    counted.every((name) => {
      const limit = amount(resources?.limits, name);
      return limit > 0n && amount(resources?.requests ?? resources?.limits, name) === limit;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
