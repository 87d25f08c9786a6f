// storage.k8s.io/v1 StorageClass. The write rules DefaultStorageClass and PersistentVolumeClaimResize read it, and what binds and provides
// volumes: the controllers, the scheduler and other programs.
import { isDeepStrictEqual } from 'node:util';
import type { V1StorageClass } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { oldLabel } from './pods/warnings';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { duplicate, immutable, invalid, invalidEach, required } from './validation/causes';
import { qualifiedName } from './validation/names';
import { oneOf } from './validation/selectors';
import { validateParameters, validateProvisioner } from './volumes/parameters';

export type StorageClass = Wire<V1StorageClass>;

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
/** New claims without a class get this one. */
export const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  defaultAnnotations.some((name) => metadata?.annotations?.[name] === 'true');

const reclaimPolicies = ['Delete', 'Retain'];
const bindingModes = ['Immediate', 'WaitForFirstConsumer'];

function validate(storageClass: StorageClass, { old }: WriteContext<StorageClass>): FieldCause[] {
  const { provisioner = '', parameters = {}, reclaimPolicy, volumeBindingMode, allowedTopologies = [] } = storageClass;
  return [
    ...validateProvisioner(provisioner, 'provisioner'),
    ...validateParameters(parameters, 'parameters'),
    ...(reclaimPolicy === '' ? [] : oneOf('reclaimPolicy', reclaimPolicy, reclaimPolicies)),
    ...oneOf('volumeBindingMode', volumeBindingMode, bindingModes),
    ...validateTopologies(allowedTopologies),
    ...(old ? validateUpdate(storageClass, old) : []),
  ];
}

function validateUpdate(storageClass: StorageClass, old: StorageClass): FieldCause[] {
  const fixed = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;
  return fixed
    .filter((field) => !isDeepStrictEqual(storageClass[field], old[field]))
    .map((field) => invalid(field, storageClass[field], immutable));
}

type Terms = NonNullable<StorageClass['allowedTopologies']>;

/** Two terms with the same keys and values are one, in whatever order they list them. */
function validateTopologies(terms: Terms): FieldCause[] {
  const known = new Set<string>();
  return terms.flatMap(({ matchLabelExpressions = [] }, i) => {
    const field = `allowedTopologies[${i}].matchLabelExpressions`;
    const keys = new Map<string, readonly string[]>();
    const causes = matchLabelExpressions.flatMap(({ key = '', values = [] }, j) => {
      const seen = new Set<string>();
      const repeated = values.flatMap((value, k) => {
        if (seen.has(value)) return [duplicate(`${field}[${j}].values[${k}]`, value)];
        seen.add(value);
        return [];
      });
      const again = keys.has(key) ? [duplicate(`${field}[${j}].key`, key)] : [];
      keys.set(key, [...seen].sort());
      return [
        ...(values.length === 0 ? [required(`${field}[${j}].values`)] : []),
        ...repeated,
        ...invalidEach(`${field}[${j}].key`, key, qualifiedName(key)),
        ...again,
      ];
    });
    const id = JSON.stringify([...keys].sort(([a], [b]) => (a < b ? -1 : 1)));
    // Upstream has no place for a term without keys: it is never the first.
    if (known.has(id) || keys.size === 0) causes.push(duplicate(field, ''));
    known.add(id);
    return causes;
  });
}

export const storageClasses = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  deletion: { answersWithObject: true },
  shortNames: ['sc'],
  namespaced: false,
  schema: { model: 'V1StorageClass' },
  defaults: (storageClass) => {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validate,
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, j) => {
        const why = oldLabel(key);
        return why ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${why}`] : [];
      }),
    ),
  columns: [
    {
      ...nameColumn,
      cell: (storageClass) => `${storageClass.metadata?.name ?? ''}${isDefaultClass(storageClass) ? ' (default)' : ''}`,
    },
    {
      name: 'Provisioner',
      type: 'string',
      description: 'The program that provides the volumes.',
      cell: ({ provisioner }) => provisioner ?? '',
    },
    {
      name: 'ReclaimPolicy',
      type: 'string',
      description: 'What happens to a volume of the class when its claim is deleted.',
      cell: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete',
    },
    {
      name: 'VolumeBindingMode',
      type: 'string',
      description: 'Whether a claim is bound at once, or when its first pod is scheduled.',
      cell: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    },
    {
      name: 'AllowVolumeExpansion',
      type: 'string',
      description: 'Whether volumes of the class can grow.',
      cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    },
    ageColumn,
  ],
});
