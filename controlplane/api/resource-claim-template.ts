// resource.k8s.io/v1 ResourceClaimTemplate: from it each pod gets a claim of its own. Only stored and served: no part of k8ts creates
// claims from templates.
import type { V1ResourceClaimTemplate } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defaultClaim, validateClaim } from './devices/validate-claim';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { immutable, invalid } from './validation/causes';
import { isSame } from './validation/difference';
import { validateAnnotations, validateLabels } from './validation/metadata';

export type ResourceClaimTemplate = Wire<V1ResourceClaimTemplate>;

function validate({ spec }: ResourceClaimTemplate, { old }: WriteContext<ResourceClaimTemplate>): FieldCause[] {
  return [
    ...validateLabels(spec?.metadata?.labels, 'spec.metadata.labels'),
    ...validateAnnotations(spec?.metadata?.annotations, 'spec.metadata.annotations'),
    ...validateClaim(spec?.spec?.devices ?? {}, 'spec.spec.devices'),
    ...(old && !isSame(spec, old.spec) ? [invalid('spec', spec, immutable)] : []),
  ];
}

export const resourceClaimTemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  namespaced: true,
  deletion: { answersWithObject: true },
  schema: { model: 'V1ResourceClaimTemplate' },
  generation: 'absent',
  defaults: ({ spec }) => {
    if (spec?.spec?.devices) defaultClaim(spec.spec.devices);
  },
  validate,
  columns: [nameColumn, ageColumn],
});
