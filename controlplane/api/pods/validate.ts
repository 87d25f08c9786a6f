// Field rules of a pod: all fields on create, allowed changes on update.
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import type { Pod } from '../pod';
import { forbidden, newCauses, required } from '../validation/causes';
import type { PodSpec } from './types';
import {
  matchAppArmorAnnotations,
  matchSeccompAnnotations,
  validateAnnotationUpdate,
  validatePodAnnotations,
} from './validate-annotations';
import { validateEphemeralUpdate } from './validate-ephemeral-update';
import { unresizable, validateResize } from './validate-resize';
import { validatePodSpec } from './validate-spec';
import { validatePodStatus } from './validate-status';
import { validatePodUpdate } from './validate-update';

export function validatePod(pod: Pod, { old, subresource }: WriteContext<Pod>): FieldCause[] {
  if (subresource === 'ephemeralcontainers') return validateEphemerals(pod, old);
  if (subresource === 'resize') return validateResized(pod, old);
  if (subresource === 'status' && old) return validatePodStatus(pod, old);
  if (subresource !== '') return [];
  if (!pod.spec) return [required('spec.containers')];
  const causes = validateWhole(pod, pod.spec);
  if (!old?.spec) return [...causes, ...validateCreation(pod, pod.spec)];
  return [
    // A pod that was stored under fewer rules must still be deletable, and its labels and status must still be writable.
    ...newCauses(causes, () => validateWhole(old, old.spec!)),
    ...validateAnnotationUpdate(pod.metadata?.annotations, old.metadata?.annotations),
    ...validatePodUpdate(pod.spec, old.spec),
  ];
}

/** The rest of the pod stays as it is stored. */
function validateEphemerals(pod: Pod, old: Pod | undefined): FieldCause[] {
  if (!pod.spec || !old?.spec) return [];
  return [
    ...newCauses(validateWhole(pod, pod.spec), () => validateWhole(old, old.spec!)),
    ...validateEphemeralUpdate(pod.spec, old.spec, old.metadata),
  ];
}

function validateResized(pod: Pod, old: Pod | undefined): FieldCause[] {
  if (!pod.spec || !old?.spec) return [];
  const refusal = unresizable(old);
  if (refusal) return [refusal];
  return [...newCauses(validateWhole(pod, pod.spec), () => validateWhole(old, old.spec!)), ...validateResize(pod, old)];
}

function validateWhole({ metadata }: Pod, spec: PodSpec): FieldCause[] {
  return [
    ...validatePodAnnotations(metadata?.annotations, spec, 'metadata.annotations'),
    ...validatePodSpec(spec, 'spec', { isPod: true, podName: metadata?.name }),
    ...(spec.serviceAccountName ? [] : tokensOfNobody(spec)),
  ];
}

/** A token needs the pod's ServiceAccount, which a mirror pod does not have. */
function tokensOfNobody({ volumes = [] }: PodSpec): FieldCause[] {
  return volumes.flatMap(({ projected }, i) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }, j) => {
      const at = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
      return serviceAccountToken ? [forbidden(at, 'must not be specified when serviceAccountName is not set')] : [];
    }),
  );
}

function validateCreation({ metadata }: Pod, spec: PodSpec): FieldCause[] {
  return [
    ...(spec.ephemeralContainers?.length ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')] : []),
    ...(spec.nodeName && spec.schedulingGates?.length
      ? [forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')]
      : []),
    ...matchSeccompAnnotations(metadata, spec, 'spec'),
    ...matchAppArmorAnnotations(metadata, spec, 'spec'),
  ];
}
