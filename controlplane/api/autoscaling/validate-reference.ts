// Field rules of a reference to an object of any version.
import type { FieldCause } from '../../base/errors';
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';
import { invalid, invalidEach, required } from '../validation/causes';
import { pathSegment } from '../validation/names';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Reference = NonNullable<HorizontalPodAutoscaler['spec']>['scaleTargetRef'];

export function validateReference(ref: Reference | undefined, field: string): FieldCause[] {
  return (['kind', 'name'] as const).flatMap((part) => {
    const value = ref?.[part] ?? '';
    return value === '' ? [required(`${field}.${part}`)] : invalidEach(`${field}.${part}`, value, pathSegment(value));
  });
}

/** The reason why the apiVersion of the scaled object is wrong. */
function wrongApiVersion(apiVersion = ''): 'form' | 'group' | undefined {
  const slashes = apiVersion.split('/').length - 1;
  if (slashes > 1) return 'form';
  return slashes === 0 || apiVersion.startsWith('/') ? 'group' : undefined;
}

/** The scaled object must have a group, unless it is a ReplicationController. A reference that was accepted earlier may stay. */
export function validateScaledGroup({ scaleTargetRef }: Spec, old: Spec | undefined): FieldCause[] {
  const { apiVersion = '', kind = '' } = scaleTargetRef ?? {};
  const before = old?.scaleTargetRef;
  if (before && (before.apiVersion ?? '') === apiVersion && (before.kind ?? '') === kind) return [];
  const wrong = wrongApiVersion(apiVersion);
  if (wrong === undefined || (wrong === 'group' && kind === 'ReplicationController')) return [];
  const detail =
    wrong === 'form' ? `unexpected GroupVersion string: ${apiVersion}` : 'apiVersion must specify API group';
  return [invalid('spec.scaleTargetRef.apiVersion', apiVersion, detail)];
}
