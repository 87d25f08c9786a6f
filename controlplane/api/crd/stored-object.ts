// Custom objects as they are read: a definition may have changed since they were stored. As upstream, unknown fields are pruned and
// defaults apply at each read.
import { AppError } from '../../base/errors';
import type { Definition } from '../schema/schema';
import type { KubeObject } from '../types';
import { applyDefaults, isDefaulted } from './default-values';
import { pruned } from './prune';
import { withoutWrongNulls } from './wrong-nulls';

/** The same object when nothing changes, else a copy. */
export function upgraded(object: KubeObject, schema: Definition): KubeObject {
  const left = pruned(object, schema, true) as KubeObject;
  if (isDefaulted(left, schema)) return left;
  const copy = structuredClone(left);
  try {
    applyDefaults(copy, schema);
    return copy;
  } catch (error) {
    // Defaults that are too large refuse a write; an object that is stored is read without them.
    if (error instanceof AppError && error.code === 'TooLarge') return left;
    throw error;
  }
}

/** What is left of an object that was converted to a version with this schema: a conversion adds no fields that the version lacks. */
export const fitted = (object: KubeObject, schema: Definition): KubeObject =>
  withoutWrongNulls(pruned(object, schema, true), schema) as KubeObject;
