// Field rules of a reference to an object of any version.
import type { FieldCause } from '../../base/errors';
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';
import { invalidEach, required } from '../validation/causes';
import { pathSegment } from '../validation/names';

type Reference = NonNullable<HorizontalPodAutoscaler['spec']>['scaleTargetRef'];

export function validateReference(ref: Reference | undefined, field: string): FieldCause[] {
  return (['kind', 'name'] as const).flatMap((part) => {
    const value = ref?.[part] ?? '';
    return value === '' ? [required(`${field}.${part}`)] : invalidEach(`${field}.${part}`, value, pathSegment(value));
  });
}
