// The StorageClass of a volume or claim: a field, or the annotation that was there before the field.
import type { FieldCause } from '../../base/errors';
import type { KubeObject } from '../types';
import { invalidEach } from '../validation/causes';
import { dns1123Subdomain } from '../validation/names';

export const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The annotation wins, as upstream. Undefined: the claim names no class, so it may get the default one. */
export const classOf = (object: KubeObject & { spec?: { storageClassName?: string } }): string | undefined =>
  object.metadata?.annotations?.[classAnnotation] ?? object.spec?.storageClassName;

/** An empty name is no class at all. */
export const validateClassName = (name: string | undefined, field: string): FieldCause[] =>
  name ? invalidEach(field, name, dns1123Subdomain(name)) : [];

export function warnOfClassAnnotation({ metadata }: KubeObject): string[] {
  if (metadata?.annotations?.[classAnnotation] === undefined) return [];
  return [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`];
}
