// The options of a request as a review shows them: CreateOptions, UpdateOptions or DeleteOptions of meta.k8s.io/v1.
import type { Write } from '../write/rule';
import { admittedOperation } from './admitted';

/** Undefined for CONNECT, which has none. */
export function requestOptions(write: Write): Readonly<Record<string, unknown>> | undefined {
  const operation = admittedOperation(write);
  if (operation === 'connect') return undefined;
  const all = write.dryRun ? { dryRun: ['All'] } : {};
  if (operation === 'delete') return { ...kindOf('DeleteOptions'), ...deletion(write), ...all };
  const query = write.rest?.query;
  const text = (name: string) => {
    const value = query?.get(name);
    return value ? { [name]: value } : {};
  };
  const kind = kindOf(operation === 'create' ? 'CreateOptions' : 'UpdateOptions');
  return { ...kind, ...all, ...text('fieldManager'), ...text('fieldValidation') };
}

const kindOf = (kind: string) => ({ kind, apiVersion: 'meta.k8s.io/v1' });

function deletion({ deletion: options }: Write): Readonly<Record<string, unknown>> {
  if (!options) return {};
  const { gracePeriodSeconds, uid, resourceVersion, orphanDependents, propagation } = options;
  const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(propagation === undefined || orphanDependents !== undefined ? {} : { propagationPolicy: propagation }),
  };
}
