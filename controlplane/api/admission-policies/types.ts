// The parts that validating and mutating admission policies and their bindings share, and the defaults of these parts.
import type {
  V1MatchCondition,
  V1MatchResources,
  V1NamedRuleWithOperations,
  V1ParamKind,
  V1ParamRef,
  V1Variable,
} from '@kubernetes/client-node';
import type { KubeObject, Wire } from '../types';

export type MatchResources = Wire<V1MatchResources>;
export type PolicyRule = Wire<V1NamedRuleWithOperations>;
export type PolicyMatchCondition = Wire<V1MatchCondition>;
export type PolicyVariable = Wire<V1Variable>;
export type ParamKind = Wire<V1ParamKind>;
export type ParamRef = Wire<V1ParamRef>;

/** What both kinds of policies have. */
export interface AdmissionPolicySpec {
  failurePolicy?: string;
  matchConstraints?: MatchResources;
  matchConditions?: PolicyMatchCondition[];
  paramKind?: ParamKind;
  variables?: PolicyVariable[];
}
export interface AdmissionPolicy extends KubeObject {
  spec?: AdmissionPolicySpec;
}

/** What both kinds of bindings have. */
export interface PolicyBindingSpec {
  policyName?: string;
  paramRef?: ParamRef;
  matchResources?: MatchResources;
}
export interface PolicyBinding extends KubeObject {
  spec?: PolicyBindingSpec;
}

/** Fills in the defaults of the match constraints of a policy or a binding, in place. */
export function setMatchDefaults(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

export function setPolicyDefaults(policy: AdmissionPolicy): void {
  policy.spec ??= {};
  const { spec } = policy;
  spec.failurePolicy ??= 'Fail';
  setMatchDefaults(spec.matchConstraints);
}

export const setBindingDefaults = ({ spec }: PolicyBinding): void => setMatchDefaults(spec?.matchResources);
