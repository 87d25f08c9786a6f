// What validating policies write into the audit record of a request: the values of auditAnnotations, and failures of bindings with the
// action Audit.
import type { ValidatingAdmissionPolicy } from '../../api/validating-admission-policy';
import type { ValidatingAdmissionPolicyBinding } from '../../api/validating-admission-policy-binding';
import type { Write } from '../write/rule';
import type { Refusal } from './validations';

const failureKey = 'validation.policy.admission.k8s.io/validation_failure';

export class AuditAnnotations {
  /** Several bindings of a policy can give several values. */
  private readonly values = new Map<string, Set<string>>();

  constructor(private readonly write: Write) {}

  add({ metadata }: ValidatingAdmissionPolicy, key: string, value: string): void {
    const name = `${metadata?.name ?? ''}/${key}`;
    const values = this.values.get(name) ?? new Set<string>();
    this.values.set(name, values.add(value));
    this.annotate(name, [...values].join(', '));
  }

  /** The last failure counts, as upstream: the key is one for all policies. */
  failure(policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, refusal: Refusal): void {
    const failure = {
      message: refusal.message,
      policy: policy.metadata?.name ?? '',
      binding: binding.metadata?.name ?? '',
      expressionIndex: refusal.index ?? 0,
      validationActions: binding.spec?.validationActions ?? [],
    };
    this.annotate(failureKey, JSON.stringify([failure]));
  }

  private annotate(key: string, value: string): void {
    this.write.rest?.request.audit?.annotate(key, value);
  }
}
