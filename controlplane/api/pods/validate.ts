// Field rules of a pod: its spec on create, what may change on update.
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import type { Pod } from '../pod';
import { required } from '../validation/causes';
import { validatePodSpec } from './validate-spec';
import { validatePodUpdate } from './validate-update';

export function validatePod(pod: Pod, { old, subresource }: WriteContext<Pod>): FieldCause[] {
  if (subresource !== '') return [];
  if (!pod.spec) return [required('spec.containers')];
  if (old?.spec) return validatePodUpdate(pod.spec, old.spec);
  return validatePodSpec(pod.spec, 'spec');
}
