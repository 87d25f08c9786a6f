// Which finalizers an update may set. Pure.
import type { KubeObject } from '../../api/types';
import type { FieldCause } from '../../base/errors';

/** An object that is being deleted may lose finalizers but gain none. */
export function checkFinalizers(object: KubeObject, old: KubeObject): FieldCause[] {
  if (!old.metadata?.deletionTimestamp) return [];
  const before = old.metadata.finalizers ?? [];
  const added = (object.metadata?.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return [];
  return [
    {
      reason: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message:
        'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ' +
        `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`,
    },
  ];
}
