// admissionregistration.k8s.io/v1 MutatingAdmissionPolicy: expressions that change an object before it is stored. The write rule
// MutatingAdmissionPolicy (apiserver/policies) evaluates them.
import type { V1MutatingAdmissionPolicy, V1Mutation } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { paramKindColumn } from './admission-policies/columns';
import { setPolicyDefaults } from './admission-policies/types';
import { validateMutableOperations, validatePolicyHead } from './admission-policies/validate-policy';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalid, notSupported, required } from './validation/causes';

export type MutatingAdmissionPolicy = Wire<V1MutatingAdmissionPolicy>;
type Mutation = Wire<V1Mutation>;

const patchTypes = ['ApplyConfiguration', 'JSONPatch'];
const reinvocationPolicies = ['IfNeeded', 'Never'];

/** Of the two ways of a mutation, the one that the type names and the other one. */
function validateMutation({ patchType = '', applyConfiguration, jsonPatch }: Mutation, at: string): FieldCause[] {
  if (patchType === '') return [required(`${at}.patchType`)];
  if (!patchTypes.includes(patchType)) return [notSupported(`${at}.patchType`, patchType, patchTypes)];
  const isJson = patchType === 'JSONPatch';
  const [field, used] = isJson ? ['jsonPatch', jsonPatch] : ['applyConfiguration', applyConfiguration];
  const [otherField, other] = isJson ? ['applyConfiguration', applyConfiguration] : ['jsonPatch', jsonPatch];
  return [
    ...(used ? [] : [required(`${at}.${field}`, `must be specified when patchType is ${patchType}`)]),
    ...(used && (used.expression ?? '').trim() === '' ? [required(`${at}.${field}.expression`)] : []),
    ...(other
      ? [invalid(`${at}.${otherField}`, `{${otherField}}`, `must not be specified when patchType is ${patchType}`)]
      : []),
  ];
}

function validate({ spec = {} }: MutatingAdmissionPolicy): FieldCause[] {
  const { mutations = [], reinvocationPolicy = '' } = spec;
  return [
    ...validatePolicyHead(spec, validateMutableOperations(spec.matchConstraints, 'spec.matchConstraints')),
    ...(mutations.length === 0 ? [required('spec.mutations', 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((mutation, i) => validateMutation(mutation, `spec.mutations[${i}]`)),
    ...(reinvocationPolicy === ''
      ? [required('spec.reinvocationPolicy')]
      : reinvocationPolicies.includes(reinvocationPolicy)
        ? []
        : [notSupported('spec.reinvocationPolicy', reinvocationPolicy, reinvocationPolicies)]),
  ];
}

export const mutatingAdmissionPolicies = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1MutatingAdmissionPolicy' },
  generation: 'spec',
  unconditionalUpdate: false,
  defaults: setPolicyDefaults,
  validate,
  columns: [
    nameColumn,
    {
      name: 'Mutations',
      type: 'integer',
      description: 'The number of mutations.',
      cell: ({ spec }) => spec?.mutations?.length ?? 0,
    },
    paramKindColumn,
    ageColumn,
  ],
});
