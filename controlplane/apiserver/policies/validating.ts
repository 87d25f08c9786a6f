// ValidatingAdmissionPolicy: evaluates the policies that are bound to a request, on the object that will be stored.
import type { Kind } from '../../api/kind';
import { type ValidatingAdmissionPolicy, validatingAdmissionPolicies } from '../../api/validating-admission-policy';
import {
  type ValidatingAdmissionPolicyBinding,
  validatingAdmissionPolicyBindings,
} from '../../api/validating-admission-policy-binding';
import type { AppError } from '../../base/errors';
import { run, type Steps, settled } from '../../base/steps';
import { StatusError } from '../status';
import { admittedForm, admittedOperation, isAdmitted } from '../webhooks/admitted';
import { type OpenRule, type RuleDeps, refusal, type Write, type WriteRule } from '../write/rule';
import { AuditAnnotations } from './audit-annotations';
import { AdmissionInputs } from './environment';
import { type Invocation, invocationsOf } from './invocations';
import { PolicyCompiler } from './policy-compiler';
import { type PolicyCandidate, PolicyIndex } from './policy-index';
import { budgetOf } from './request-budget';
import { CompiledValidatingPolicy, type Evaluation, type Refusal } from './validations';

type Candidates = readonly PolicyCandidate<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>[];
type Bound = Invocation<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>;

export const validatingPolicies: OpenRule = async (deps) => {
  const index = new PolicyIndex<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>(deps.catalog);
  await index.follow(deps.cache, validatingAdmissionPolicies, validatingAdmissionPolicyBindings, deps.signal);
  return new ValidatingPolicies(deps, index);
};

class ValidatingPolicies implements WriteRule {
  readonly name = 'ValidatingAdmissionPolicy';
  private readonly compiler = new PolicyCompiler(CompiledValidatingPolicy.compile);

  constructor(
    private readonly deps: RuleDeps,
    private readonly index: PolicyIndex<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>,
  ) {}

  concerns(write: Write): boolean {
    return this.candidates(write).length > 0 && isAdmitted(write);
  }

  /** Waits only for a policy that takes long to compile, and for objects that a webhook must convert. */
  validate(write: Write): void | Promise<void> {
    const candidates = this.candidates(write);
    const pending = this.compiler.prepare(candidates.map(({ policy }) => policy));
    return pending ? pending.then(() => run(this.judge(write, candidates))) : run(this.judge(write, candidates));
  }

  private *judge(write: Write, candidates: Candidates): Steps<void> {
    const denied: AppError[] = [];
    const inputs = new Map<Kind, AdmissionInputs>();
    const annotations = new AuditAnnotations(write);
    for (const invocation of yield* invocationsOf(this.deps, write, candidates)) {
      const { policy, binding } = invocation;
      const found = yield* this.evaluate(write, invocation, inputs);
      const { validationActions = [] } = binding?.spec ?? {};
      for (const refusal of found.refusals) {
        if (!binding || refusal.always) denied.push(deniedBy(write, invocation, refusal));
        else {
          if (validationActions.includes('Deny')) denied.push(deniedBy(write, invocation, refusal));
          if (validationActions.includes('Warn')) warn(write, invocation, refusal);
          if (validationActions.includes('Audit')) annotations.failure(policy, binding, refusal);
        }
      }
      for (const [key, value] of found.annotations) annotations.add(policy, key, value);
    }
    if (denied[0]) throw denied[0];
  }

  private candidates(write: Write): Candidates {
    return this.index.candidates(write.kind, admittedOperation(write), write.subresource);
  }

  private *evaluate(
    write: Write,
    { policy, binding, seen, params }: Bound,
    known: Map<Kind, AdmissionInputs>,
  ): Steps<Evaluation> {
    if (params instanceof Error) {
      if (policy.spec?.failurePolicy === 'Ignore') return { refusals: [], annotations: [] };
      const what = binding ? 'binding' : 'policy';
      const message = `failed to configure ${what}: ${params.message}`;
      return { refusals: [{ message, reason: '', always: true }], annotations: [] };
    }
    const inputs =
      known.get(seen) ?? new AdmissionInputs(this.deps, write, seen, yield* settled(admittedForm(write, seen)));
    known.set(seen, inputs);
    return this.compiler.get(policy).evaluate(inputs, params, (limit) => budgetOf(write, limit));
  }
}

const nameOf = (object: { metadata?: { name?: string } }): string => object.metadata?.name ?? '';

/** Upstream's codes of the reasons that a validation may have. */
const codes: Readonly<Record<string, number>> = { Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 };

function deniedBy(write: Write, { policy, binding }: Bound, { message, reason }: Refusal): AppError {
  const who = `ValidatingAdmissionPolicy '${nameOf(policy)}'${binding ? ` with binding '${nameOf(binding)}'` : ''}`;
  const why = `${who} denied request: ${message}`;
  const forbidden = refusal(write, why);
  const shown = reason || 'Invalid';
  const details = { ...forbidden.details, causes: [{ message: why }] };
  return new StatusError(codes[shown] ?? 422, shown, forbidden.message, details);
}

function warn(write: Write, { policy, binding }: Bound, { message }: Refusal): void {
  const who = `ValidatingAdmissionPolicy '${nameOf(policy)}' with binding '${nameOf(binding ?? {})}'`;
  const text = `Validation failed for ${who}: ${message}`;
  // The rule may run several times for one request.
  if (!write.warnings.includes(text)) write.warnings.push(text);
}
