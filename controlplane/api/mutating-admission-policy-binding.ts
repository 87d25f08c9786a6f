// admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding: puts a policy to use, for some requests and with some parameters.
import type { V1MutatingAdmissionPolicyBinding } from '@kubernetes/client-node';
import { paramRefColumn, policyNameColumn } from './admission-policies/columns';
import { setBindingDefaults } from './admission-policies/types';
import { validateBindingHead, validateMutableOperations } from './admission-policies/validate-policy';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';

export type MutatingAdmissionPolicyBinding = Wire<V1MutatingAdmissionPolicyBinding>;

export const mutatingAdmissionPolicyBindings = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1MutatingAdmissionPolicyBinding' },
  generation: 'spec',
  unconditionalUpdate: false,
  defaults: setBindingDefaults,
  validate: ({ spec }) => [
    ...validateBindingHead(spec ?? {}, 'spec.matchResources'),
    ...validateMutableOperations(spec?.matchResources, 'spec.matchResources'),
  ],
  columns: [nameColumn, policyNameColumn, paramRefColumn, ageColumn],
});
