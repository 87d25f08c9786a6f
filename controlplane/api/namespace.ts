// v1 Namespace.
import type { V1Namespace } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { allVerbs, defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalid } from './validation/causes';
import { validateFinalizer } from './validation/metadata';
import { dns1123Label } from './validation/names';

export type Namespace = Wire<V1Namespace>;

/** The label with the name of the namespace, for namespace selectors. */
const nameLabel = 'kubernetes.io/metadata.name';

/** Controllers and admission rely on the phase. The path is upstream's. */
function validatePhase({ metadata, status }: Namespace): FieldCause[] {
  const phase = status?.phase ?? '';
  const [expected, when] = metadata?.deletionTimestamp ? ['Terminating', 'is not empty'] : ['Active', 'is empty'];
  if (phase === expected) return [];
  return [invalid('status.Phase', phase, `may only be '${expected}' if \`deletionTimestamp\` ${when}`)];
}

export const namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  verbs: allVerbs.filter((verb) => verb !== 'deletecollection'),
  subresources: [{ name: 'finalize', verbs: ['update'] }],
  schema: { model: 'V1Namespace' },
  hasStatus: true,
  generation: 'absent',
  nameCheck: dns1123Label,
  defaults: (namespace) => {
    const { metadata, status } = namespace;
    if (metadata?.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
    if (!status?.phase) namespace.status = { ...status, phase: 'Active' };
  },
  prepare: (namespace, { old, subresource }) => {
    if (!old) {
      namespace.status = { phase: 'Active' };
      // The finalizer keeps a namespace until the namespace controller has deleted its objects.
      const finalizers = namespace.spec?.finalizers ?? [];
      namespace.spec = { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] };
    } else if (subresource !== 'finalize') {
      namespace.spec = { ...namespace.spec, finalizers: old.spec?.finalizers };
    }
  },
  validate: (namespace, { old, subresource }) => {
    if (subresource === 'status') return validatePhase(namespace);
    const { spec } = namespace;
    if (old && subresource !== 'finalize') return [];
    return (spec?.finalizers ?? []).flatMap((name, i) =>
      validateFinalizer(name, old ? `spec.finalizers[${i}]` : 'spec.finalizers'),
    );
  },
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'The status of the namespace',
      cell: ({ status }) => status?.phase ?? '',
    },
    ageColumn,
  ],
  deletion: {
    answersWithObject: true,
    isHeld: ({ spec }) => (spec?.finalizers ?? []).length > 0,
    markDeleted: (namespace) => ({ ...namespace, status: { ...namespace.status, phase: 'Terminating' } }),
  },
  fields: { 'status.phase': ({ status }) => status?.phase ?? '' },
});
