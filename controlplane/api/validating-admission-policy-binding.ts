// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding: puts a policy to use, for some requests and with some parameters.
import type { V1ValidatingAdmissionPolicyBinding } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { paramRefColumn, policyNameColumn } from './admission-policies/columns';
import { setBindingDefaults } from './admission-policies/types';
import { validateBindingHead } from './admission-policies/validate-policy';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { duplicate, invalid, notSupported, required } from './validation/causes';

export type ValidatingAdmissionPolicyBinding = Wire<V1ValidatingAdmissionPolicyBinding>;

const actions = ['Audit', 'Deny', 'Warn'];
const denyAndWarn =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and ' +
  'headers serves no purpose)';

function validateActions(asked: readonly string[], at: string): FieldCause[] {
  const known = new Set<string>();
  const causes = asked.flatMap((action, i) => {
    const again = known.has(action) ? [duplicate(`${at}[${i}]`, action)] : [];
    known.add(action);
    return [...(actions.includes(action) ? [] : [notSupported(`${at}[${i}]`, action, actions)]), ...again];
  });
  if (known.has('Deny') && known.has('Warn')) causes.push(invalid(at, asked, denyAndWarn));
  if (known.size === 0) causes.push(required(at, 'at least one validation action is required'));
  return causes;
}

export const validatingAdmissionPolicyBindings = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1ValidatingAdmissionPolicyBinding' },
  generation: 'spec',
  unconditionalUpdate: false,
  defaults: setBindingDefaults,
  validate: ({ spec }) => [
    ...validateBindingHead(spec ?? {}, 'spec.matchResources'),
    ...validateActions(spec?.validationActions ?? [], 'spec.validationActions'),
  ],
  columns: [nameColumn, policyNameColumn, paramRefColumn, ageColumn],
});
