// Rules for the metadata of every object, on create and on update.
import type { FieldCause } from '../../base/errors';
import type { KindOptions, WriteContext } from '../kind';
import type { KubeObject, ObjectMeta, OwnerReference } from '../types';
import { forbidden, immutable, invalid, invalidEach, maxCauses, required, tooLong } from './causes';
import { dns1123Subdomain, labelValue, qualifiedName } from './names';

export const maxAnnotationBytes = 256 * 1024;

/** Finalizers that need no domain prefix. */
const standardFinalizers = new Set(['foregroundDeletion', 'orphan', 'kubernetes']);

/** The parts of a kind that metadata validation needs. */
export interface NamedKind {
  readonly namespaced: boolean;
  readonly options: Pick<KindOptions<KubeObject>, 'nameCheck'>;
}

/** Name and namespace must be set already, also a generated name. */
export function validateObjectMeta(
  kind: NamedKind,
  object: KubeObject,
  context: WriteContext<KubeObject>,
): FieldCause[] {
  const metadata = object.metadata ?? {};
  return [
    ...validateName(kind, metadata),
    ...validateNamespace(kind, metadata),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations, 'metadata.annotations'),
    ...validateOwnerReferences(metadata.ownerReferences ?? []),
    ...validateFinalizers(metadata.finalizers ?? []),
    ...(context.old ? validateUpdate(metadata, context.old.metadata ?? {}) : []),
  ];
}

function validateName(kind: NamedKind, { name, generateName }: ObjectMeta): FieldCause[] {
  const check = kind.options.nameCheck ?? dns1123Subdomain;
  const causes: FieldCause[] = [];
  if (generateName) {
    // A valid suffix will follow the prefix, so a trailing dash or dot is allowed.
    const completed = generateName.replace(/-$/, 'a');
    causes.push(...invalidEach('metadata.generateName', generateName, check(completed)));
  }
  if (!name) return [...causes, required('metadata.name', 'name or generateName is required')];
  return [...causes, ...invalidEach('metadata.name', name, check(name))];
}

function validateNamespace(kind: NamedKind, { namespace }: ObjectMeta): FieldCause[] {
  if (kind.namespaced) return namespace ? [] : [required('metadata.namespace')];
  return namespace ? [forbidden('metadata.namespace', 'not allowed on this type')] : [];
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (causes.length >= maxCauses) break;
    causes.push(...invalidEach(field, key, qualifiedName(key)));
    causes.push(...invalidEach(field, value, labelValue(value)));
  }
  return causes;
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    causes.push(...invalidEach(field, key, qualifiedName(key.toLowerCase())));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxAnnotationBytes) causes.push(tooLong(field, maxAnnotationBytes));
  return causes;
}

function validateOwnerReferences(references: readonly OwnerReference[]): FieldCause[] {
  const causes: FieldCause[] = [];
  const field = 'metadata.ownerReferences';
  references.forEach((reference) => {
    for (const key of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (!reference[key]) {
        // As upstream: the path has no index.
        const detail = key === 'apiVersion' ? 'version must not be empty' : 'must not be empty';
        causes.push(invalid(`${field}.${key}`, reference[key] ?? '', detail));
      }
    }
  });
  const controllers = references.filter((reference) => reference.controller);
  if (controllers.length > 1) {
    const [first, second] = controllers.map(({ kind, name }) => `${kind}/${name}`);
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
    causes.push(invalid(field, references, detail));
  }
  return causes;
}

function validateFinalizers(finalizers: readonly string[]): FieldCause[] {
  const field = 'metadata.finalizers';
  const causes = finalizers.flatMap((name, i) => {
    const wrong = qualifiedName(name);
    if (wrong.length > 0) return invalidEach(`${field}[${i}]`, name, wrong);
    if (name.includes('/') || standardFinalizers.has(name)) return [];
    return [invalid(`${field}[${i}]`, name, 'name is neither a standard finalizer name nor is it fully qualified')];
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    causes.push(invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return causes;
}

const fixedFields = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

function validateUpdate(metadata: ObjectMeta, old: ObjectMeta): FieldCause[] {
  const causes: FieldCause[] = fixedFields
    .filter((key) => metadata[key] !== old[key])
    .map((key) => invalid(`metadata.${key}`, metadata[key], immutable));
  if (old.deletionTimestamp) {
    const added = (metadata.finalizers ?? []).filter((name) => !old.finalizers?.includes(name));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
      causes.push(forbidden('metadata.finalizers', detail));
    }
  }
  return causes;
}
