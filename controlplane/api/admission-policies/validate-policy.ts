// The field rules of policies of both kinds and their bindings; without those of the expressions, which the write rule AdmissionPolicies
// compiles.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Subdomain } from '../validation/names';
import type { AdmissionPolicySpec, MatchResources, PolicyBindingSpec, PolicyVariable } from './types';
import { validateMatchConditions, validateMatchResources, validateParamKind, validateParamRef } from './validate-match';

const failurePolicies = ['Fail', 'Ignore'];

/** Up to the variables: what comes after them differs. */
export function validatePolicyHead(spec: AdmissionPolicySpec, afterMatch: readonly FieldCause[] = []): FieldCause[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions = [], variables = [] } = spec;
  return [
    ...(failurePolicy === undefined
      ? [required('spec.failurePolicy')]
      : failurePolicies.includes(failurePolicy)
        ? []
        : [notSupported('spec.failurePolicy', failurePolicy, failurePolicies)]),
    ...validateParamKind(paramKind, 'spec.paramKind'),
    ...(matchConstraints
      ? validateMatchResources(matchConstraints, 'spec.matchConstraints')
      : [required('spec.matchConstraints')]),
    ...(matchConstraints && (matchConstraints.resourceRules ?? []).length === 0
      ? [required('spec.matchConstraints.resourceRules')]
      : []),
    ...afterMatch,
    ...validateMatchConditions(matchConditions, 'spec.matchConditions'),
    ...variables.flatMap((variable, i) => validateVariable(variable, `spec.variables[${i}]`)),
  ];
}

const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const reserved = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return ' +
    'var void while'
  ).split(' '),
);

function validateVariable({ name = '', expression = '' }: PolicyVariable, at: string): FieldCause[] {
  return [
    ...(name.trim() === ''
      ? [required(`${at}.name`, 'name is not specified')]
      : identifier.test(name) && !reserved.has(name)
        ? []
        : [invalid(`${at}.name`, name, 'must be a valid CEL identifier')]),
    ...(expression.trim() === '' ? [required(`${at}.expression`, 'expression is not specified')] : []),
  ];
}

export function validateBindingHead(spec: PolicyBindingSpec, matchField: string): FieldCause[] {
  const { policyName = '', paramRef, matchResources } = spec;
  return [
    ...(policyName === ''
      ? [required('spec.policyName')]
      : invalidEach('spec.policyName', policyName, dns1123Subdomain(policyName))),
    ...validateParamRef(paramRef, 'spec.paramRef'),
    ...validateMatchResources(matchResources, matchField),
  ];
}

const mutableOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

/** A deletion has no object to change. The path has no index, as upstream's. */
export const validateMutableOperations = (match: MatchResources | undefined, at: string): FieldCause[] =>
  (match?.resourceRules ?? [])
    .flatMap(({ operations = [] }) => operations)
    .filter((operation) => !mutableOperations.includes(operation))
    .map((operation) => notSupported(`${at}.resourceRules.operations`, operation, mutableOperations));
