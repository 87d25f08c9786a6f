// The numbers of replicas of a custom kind with the scale subresource: a Scale holds them as int32.
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import { valueAt } from '../scale';
import type { KubeObject } from '../types';
import { invalid } from '../validation/causes';
import type { CrdScale } from './types';

const maxReplicas = 2 ** 31 - 1;

/** A write of the status is judged by the number in the status, every other write by that of the spec. */
export function validateReplicas(
  object: KubeObject,
  scale: CrdScale | undefined,
  { subresource }: WriteContext<KubeObject>,
): FieldCause[] {
  if (!scale) return [];
  const path = subresource === 'status' ? scale.statusReplicasPath : scale.specReplicasPath;
  const replicas = valueAt(object, path.replace(/^\./, '').split('.'));
  if (typeof replicas !== 'number') return [];
  if (replicas < 0) return [invalid(path, replicas, 'should be a non-negative integer')];
  return replicas > maxReplicas ? [invalid(path, replicas, `should be less than or equal to ${maxReplicas}`)] : [];
}
