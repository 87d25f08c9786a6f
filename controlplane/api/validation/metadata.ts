// Rules for the metadata of every object, on create and on update.
import type { FieldCause } from '../../base/errors';
import { isCustom, type KindOptions, type WriteContext } from '../kind';
import type { KubeObject, ObjectMeta, OwnerReference } from '../types';
import { forbidden, immutable, invalid, invalidEach, maxCauses, required, tooLong } from './causes';
import { dns1123Subdomain, labelValue, qualifiedName } from './names';

export const maxAnnotationBytes = 256 * 1024;

/** Finalizers that need no domain prefix. */
const standardFinalizers = new Set(['foregroundDeletion', 'orphan', 'kubernetes']);

/** The parts of a kind that metadata validation needs. */
export interface NamedKind {
  readonly group: string;
  readonly namespaced: boolean;
  readonly options: Pick<KindOptions<KubeObject>, 'nameCheck' | 'schema'>;
}

/** Name and namespace must be set already, also a generated name. */
export function validateObjectMeta(
  kind: NamedKind,
  object: KubeObject,
  context: WriteContext<KubeObject>,
): FieldCause[] {
  const metadata = object.metadata ?? {};
  return [
    ...(context.old
      ? validateUpdate(metadata, context.old.metadata ?? {})
      : [...validateName(kind, metadata), ...validateNamespace(kind, metadata)]),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations, 'metadata.annotations'),
    ...validateOwnerReferences(metadata.ownerReferences ?? []),
    ...validateFinalizers(metadata.finalizers ?? [], takesShortFinalizers(kind)),
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

/** Upstream's messages do not say which reference is wrong. */
function validateOwnerReferences(references: readonly OwnerReference[]): FieldCause[] {
  const field = 'metadata.ownerReferences';
  let first: string | undefined;
  return references.flatMap((reference) => {
    const { apiVersion = '', kind = '', name = '', uid = '', controller } = reference;
    const empty = Object.entries({ kind, name, uid }).filter(([, value]) => value === '');
    const causes = [
      // Of group/version the version is what follows the slash.
      ...(/(^|\/)$/.test(apiVersion) ? [invalid(`${field}.apiVersion`, apiVersion, 'version must not be empty')] : []),
      ...empty.map(([key, value]) => invalid(`${field}.${key}`, value, 'must not be empty')),
      ...(apiVersion === 'v1' && kind === 'Event'
        ? [invalid(field, reference, '/v1, Kind=Event is disallowed from being an owner')]
        : []),
    ];
    if (!controller) return causes;
    const current = `${kind}/${name}`;
    if (first === undefined) first = current;
    else causes.push(invalid(field, references, twoControllers(first, current)));
    return causes;
  });
}

const twoControllers = (first: string, second: string): string =>
  `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;

const standardOrQualified = (name: string, field: string): FieldCause[] =>
  name.includes('/') || standardFinalizers.has(name)
    ? []
    : [invalid(field, name, 'name is neither a standard finalizer name nor is it fully qualified')];

/** Of the finalizers in the spec of a namespace. */
export const validateFinalizer = (name: string, field: string): FieldCause[] => [
  ...invalidEach(field, name, qualifiedName(name)),
  ...standardOrQualified(name, field),
];

/** Groups whose kinds upstream validates by the rules of apimachinery alone. */
const groupsWithShortFinalizers: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'policy',
]);

/** Finalizers without a slash are taken: many operators have one, such as resources-finalizer.argocd.argoproj.io. */
const takesShortFinalizers = (kind: NamedKind): boolean => isCustom(kind) || groupsWithShortFinalizers.has(kind.group);

/** Warnings about the finalizers that a write adds to a custom object. */
export function warnOfFinalizers(metadata: ObjectMeta | undefined, old: ObjectMeta | undefined): string[] {
  const known = new Set(old?.finalizers);
  const added = [...new Set(metadata?.finalizers)].filter((name) => !known.has(name)).sort();
  return added.flatMap((name) => {
    const unqualified = !name.includes('/') && !standardFinalizers.has(name);
    return [...qualifiedName(name), ...(unqualified ? [preferQualified] : [])].map(
      (message) => `metadata.finalizers: ${JSON.stringify(name)}: ${message}`,
    );
  });
}

const preferQualified =
  'prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers';

function validateFinalizers(finalizers: readonly string[], short: boolean): FieldCause[] {
  const field = 'metadata.finalizers';
  const both = finalizers.includes('orphan') && finalizers.includes('foregroundDeletion');
  return [
    ...finalizers.flatMap((name) => invalidEach(field, name, qualifiedName(name))),
    ...(both ? [invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')] : []),
    ...(short ? [] : finalizers.flatMap((name, i) => standardOrQualified(name, `${field}[${i}]`))),
  ];
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
  const known = new Set(old.finalizers);
  const added = [...new Set(metadata.finalizers)].filter((name) => !known.has(name)).sort();
  const shown = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`;
  return [
    ...(old.deletionTimestamp && added.length > 0 ? [forbidden('metadata.finalizers', detail)] : []),
    ...fixedFields
      .filter((key) => metadata[key] !== old[key])
      .map((key) => invalid(`metadata.${key}`, metadata[key], immutable)),
  ];
}
