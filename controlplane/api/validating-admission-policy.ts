// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy: expressions that a request must fulfil. The write rule
// ValidatingAdmissionPolicy (apiserver/policies) evaluates them; the controller of the same name writes the status.
import type { V1ValidatingAdmissionPolicy } from '@kubernetes/client-node';
import { paramKindColumn } from './admission-policies/columns';
import { setPolicyDefaults } from './admission-policies/types';
import { validatePolicyHead } from './admission-policies/validate-policy';
import { validatePolicyStatus, validateValidations } from './admission-policies/validate-validations';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';

export type ValidatingAdmissionPolicy = Wire<V1ValidatingAdmissionPolicy>;

export const validatingAdmissionPolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1ValidatingAdmissionPolicy' },
  hasStatus: true,
  statusKeeps: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  unconditionalUpdate: false,
  defaults: setPolicyDefaults,
  prepare: (policy, { old }) => {
    if (!old) policy.status = {};
  },
  validate: ({ metadata, spec = {}, status }, { subresource }) =>
    subresource === 'status'
      ? validatePolicyStatus(status)
      : [
          ...validatePolicyHead(spec),
          ...validateValidations(metadata?.name ?? '', spec.validations, spec.auditAnnotations),
        ],
  columns: [
    nameColumn,
    {
      name: 'Validations',
      type: 'integer',
      description: 'The number of validations.',
      cell: ({ spec }) => spec?.validations?.length ?? 0,
    },
    paramKindColumn,
    ageColumn,
  ],
});
