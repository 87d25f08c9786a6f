// node.k8s.io/v1 RuntimeClass: a container runtime that pods may choose, what it costs and which nodes have it. The write rule
// RuntimeClass merges it into pods; the handler is the name that the node's container runtime gives the runtime.
import type { V1RuntimeClass } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import type { Toleration } from './pods/placement';
import { validateResources } from './pods/validate-resources';
import { validateTolerations } from './pods/validate-spec';
import { canonicalize } from './quantity';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { duplicate, immutable, invalid, invalidEach, required } from './validation/causes';
import { validateLabels } from './validation/metadata';
import { dns1123Label } from './validation/names';

export type RuntimeClass = Wire<V1RuntimeClass>;

function validate(runtimeClass: RuntimeClass, { old }: WriteContext<RuntimeClass>): FieldCause[] {
  const { handler = '', overhead, scheduling } = runtimeClass;
  return [
    ...(handler === '' ? [required('handler')] : invalidEach('handler', handler, dns1123Label(handler))),
    ...(overhead?.podFixed ? validateResources({ limits: overhead.podFixed }, 'overhead', new Set()) : []),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations'),
    ...repeatedTolerations(scheduling?.tolerations ?? []),
    ...(old && old.handler !== handler ? [invalid('handler', handler, immutable)] : []),
  ];
}

/** Tolerations that differ only in their seconds are repeated, too. */
function repeatedTolerations(tolerations: readonly Toleration[]): FieldCause[] {
  const seen = new Set<string>();
  return tolerations.flatMap((toleration, i) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    const id = JSON.stringify([key, operator, value, effect]);
    if (seen.has(id)) return [duplicate(`scheduling.tolerations[${i}]`, toleration)];
    seen.add(id);
    return [];
  });
}

export const runtimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  schema: { model: 'V1RuntimeClass' },
  createOnUpdate: true,
  unconditionalUpdate: false,
  defaults: ({ overhead }) => {
    if (overhead?.podFixed) canonicalize(overhead.podFixed);
  },
  validate,
  columns: [
    nameColumn,
    // Without a description, as upstream.
    { name: 'Handler', type: 'string', cell: ({ handler }) => handler ?? '' },
    ageColumn,
  ],
});
