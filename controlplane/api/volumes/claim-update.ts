// Which fields of a PersistentVolumeClaim may change after its creation.
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import { compareQuantities, parseQuantity } from '../quantity';
import type { Wire } from '../types';
import { forbidden, immutable, invalid } from '../validation/causes';
import { difference, isSame } from '../validation/difference';
import type { ClaimSpec } from './claim-spec';
import { classAnnotation } from './class-name';

type Claim = Wire<V1PersistentVolumeClaim>;

const bound = 'Bound';

export function validateClaimUpdate(claim: Claim, old: Claim): FieldCause[] {
  const causes: FieldCause[] = [];
  const spec = claim.spec ?? {};
  const before = old.spec ?? {};
  const changed: ClaimSpec = { ...spec };
  // The volume can be chosen once.
  if (!before.volumeName) changed.volumeName = before.volumeName;
  const annotation = old.metadata?.annotations?.[classAnnotation];
  if (upgradesAnnotation(claim, old)) changed.storageClassName = before.storageClassName;
  else {
    const now = claim.metadata?.annotations?.[classAnnotation] ?? '';
    if (now !== (annotation ?? '')) causes.push(invalid(`metadata.annotations.${classAnnotation}`, now, immutable));
    // A claim that is older than the default class may get that class.
    const filled = spec.storageClassName !== undefined && before.storageClassName === undefined;
    if (filled && (annotation === undefined || annotation === spec.storageClassName))
      changed.storageClassName = before.storageClassName;
  }
  if (claim.status?.phase === bound) {
    const storage = before.resources?.requests?.['storage'];
    if (changed.resources?.requests && storage !== undefined)
      changed.resources = { ...changed.resources, requests: { ...changed.resources.requests, storage } };
    changed.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (!isSame(changed, before)) {
    const detail =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    causes.push(forbidden('spec', `${detail}\n${difference(before, changed)}`));
  }
  return [...causes, ...validateSize(claim, old), ...validateModes(spec, before), ...validateAttributes(spec, old)];
}

/** From the annotation to the field, with the same class. */
function upgradesAnnotation({ metadata, spec }: Claim, old: Claim): boolean {
  const then = old.metadata?.annotations?.[classAnnotation];
  const now = metadata?.annotations?.[classAnnotation];
  if (then === undefined || old.spec?.storageClassName !== undefined) return false;
  return spec?.storageClassName === then && (now === undefined || now === then);
}

/** A request may shrink to what the volume already has, to recover from an expansion that failed. */
function validateSize({ spec }: Claim, old: Claim): FieldCause[] {
  const amount = (text: string | undefined) => parseQuantity(text ?? '0');
  const now = amount(spec?.resources?.requests?.['storage']);
  const then = amount(old.spec?.resources?.requests?.['storage']);
  const capacity = amount(old.status?.capacity?.['storage']);
  const shrinks = compareQuantities(now, then) < 0 && compareQuantities(now, capacity) <= 0;
  const field = 'spec.resources.requests.storage';
  return shrinks ? [forbidden(field, 'field can not be less than status.capacity')] : [];
}

/** The path lacks `spec`, as upstream. */
const validateModes = ({ volumeMode }: ClaimSpec, before: ClaimSpec): FieldCause[] =>
  volumeMode === before.volumeMode ? [] : [invalid('volumeMode', volumeMode, immutable)];

function validateAttributes({ volumeAttributesClassName: now }: ClaimSpec, old: Claim): FieldCause[] {
  if (now === old.spec?.volumeAttributesClassName || old.status?.currentVolumeAttributesClassName === undefined)
    return [];
  const why = (what: string) =>
    `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  const field = 'spec.volumeAttributesClassName';
  if (now === undefined) return [forbidden(field, why('nil'))];
  return now === '' ? [forbidden(field, why('empty string'))] : [];
}
