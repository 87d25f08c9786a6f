// Columns of `kubectl get` of admission policies and their bindings.

import type { Column } from '../kind';
import { goText } from '../scale';
import type { AdmissionPolicy, PolicyBinding } from './types';

const unset = '<unset>';

export const paramKindColumn: Column<AdmissionPolicy> = {
  name: 'ParamKind',
  type: 'string',
  description: 'The kind of the objects with parameters of the policy.',
  cell: ({ spec }) => (spec?.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : unset),
};

export const policyNameColumn: Column<PolicyBinding> = {
  name: 'PolicyName',
  type: 'string',
  description: 'The policy that the binding puts to use.',
  cell: ({ spec }) => spec?.policyName ?? '',
};

export const paramRefColumn: Column<PolicyBinding> = {
  name: 'ParamRef',
  type: 'string',
  description: 'The object with the parameters.',
  cell: ({ spec }) => {
    const ref = spec?.paramRef;
    if (!ref) return unset;
    if (ref.name) return `${ref.namespace || '*'}/${ref.name}`;
    return ref.selector ? goText(ref.selector) : unset;
  },
};
