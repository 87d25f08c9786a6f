// MutatingAdmissionPolicy: evaluates the policies that are bound to a request, one after another, each on what the others before it made of
// the object. After a change all mutating rules run once more; then a policy is evaluated again only if it asks for that.
import type { Kind } from '../../api/kind';
import { type MutatingAdmissionPolicy, mutatingAdmissionPolicies } from '../../api/mutating-admission-policy';
import {
  type MutatingAdmissionPolicyBinding,
  mutatingAdmissionPolicyBindings,
} from '../../api/mutating-admission-policy-binding';
import { run, type Steps, settled } from '../../base/steps';
import { StatusError } from '../status';
import { type AdmittedForm, admittedForm, admittedOperation, isAdmitted, mutableForm } from '../webhooks/admitted';
import { putBack, schemaOf } from '../webhooks/patched-object';
import { Reinvocation } from '../write/reinvocation';
import { type OpenRule, type RuleDeps, refusal, type Write, type WriteRule } from '../write/rule';
import { AdmissionInputs } from './environment';
import { type Invocation, invocationsOf } from './invocations';
import { CompiledMutatingPolicy, MutationError } from './mutations';
import type { Params } from './params';
import { PolicyCompiler } from './policy-compiler';
import { type PolicyCandidate, PolicyIndex } from './policy-index';
import { budgetOf } from './request-budget';

type Candidates = readonly PolicyCandidate<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>[];
type Bound = Invocation<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>;

/** Why an evaluation failed; a wrong configuration has no reason. */
interface PolicyError {
  readonly message: string;
  readonly reason: '' | 'Invalid';
}

export const mutatingPolicies: OpenRule = async (deps) => {
  const index = new PolicyIndex<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>(deps.catalog);
  await index.follow(deps.cache, mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings, deps.signal);
  return new MutatingPolicies(deps, index);
};

class MutatingPolicies implements WriteRule {
  readonly name = 'MutatingAdmissionPolicy';
  private readonly compiler = new PolicyCompiler(CompiledMutatingPolicy.compile);
  private readonly passes = new WeakMap<Write, Reinvocation>();

  constructor(
    private readonly deps: RuleDeps,
    private readonly index: PolicyIndex<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>,
  ) {}

  concerns(write: Write): boolean {
    return write.operation !== 'delete' && this.candidates(write).length > 0 && isAdmitted(write);
  }

  /**
   * Waits only for a policy that takes long to compile, and for objects that a webhook must convert. After a change it returns a promise in any
   * case: then the caller restores what the write may not change.
   */
  mutate(write: Write, second: boolean): undefined | Promise<'again' | undefined> {
    const candidates = this.candidates(write);
    const pending = this.compiler.prepare(candidates.map(({ policy }) => policy));
    const pass = () => run(this.pass(write, candidates, second));
    const changed = pending ? pending.then(pass) : pass();
    const answer = (again: boolean) => (again && !second ? 'again' : undefined);
    if (changed instanceof Promise) return changed.then(answer);
    return changed ? Promise.resolve(answer(true)) : undefined;
  }

  /** True when a policy changed the object. */
  private *pass(write: Write, candidates: Candidates, second: boolean): Steps<boolean> {
    const pass = (second ? this.passes.get(write) : undefined) ?? new Reinvocation();
    if (second) pass.beginSecond(write.object);
    this.passes.set(write, pass);
    const errors: string[] = [];
    let reason = '';
    let changed = false;
    for (const invocation of yield* invocationsOf(this.deps, write, candidates)) {
      const outcome = yield* this.invoke(write, invocation, pass);
      if (outcome.changed) changed = true;
      if (invocation.policy.spec?.failurePolicy === 'Ignore') continue;
      for (const error of outcome.errors) {
        if (errors.length === 0) reason = error.reason;
        errors.push(deniedBy(invocation, error.message));
      }
    }
    if (errors.length > 0) throw denied(write, errors, reason);
    // Upstream evaluates all that ask for it again, also the one that made the change.
    if (!second) pass.endFirst(write.object, changed);
    return changed;
  }

  private candidates(write: Write): Candidates {
    return this.index.candidates(write.kind, admittedOperation(write), write.subresource);
  }

  private *invoke(write: Write, { policy, binding, seen, params }: Bound, pass: Reinvocation): Steps<Outcome> {
    if (params instanceof Error) {
      const what = binding ? 'binding' : 'policy';
      return { changed: false, errors: [{ message: `failed to configure ${what}: ${params.message}`, reason: '' }] };
    }
    const compiled = this.compiler.get(policy);
    const budgetFor = (limit: number) => budgetOf(write, limit);
    const form = yield* formOf(write, seen);
    const matches = compiled.matches(this.inputs(write, seen, form), params, budgetFor);
    if (typeof matches === 'string') return { changed: false, errors: [{ message: matches, reason: 'Invalid' }] };
    const id = idOf(policy, binding, params);
    if (!matches || !pass.isDue(id)) return { changed: false, errors: [] };
    const outcome = yield* this.mutateOnce(write, compiled, seen, params);
    pass.called(id, policy.spec?.reinvocationPolicy === 'IfNeeded', outcome.changed);
    return outcome;
  }

  /** Each mutation sees the object after the one before it; one that fails does not stop the next. */
  private *mutateOnce(write: Write, compiled: CompiledMutatingPolicy, seen: Kind, params: Params): Steps<Outcome> {
    const errors: PolicyError[] = [];
    let changed = false;
    for (const mutation of compiled.mutations) {
      const form = yield* formOf(write, seen);
      const { object } = form;
      if (!object) continue;
      try {
        const schema = schemaOf(this.deps.schemas, write, seen);
        if (!schema) throw new MutationError(`Resource kind ${form.kind.kind} has no schema`);
        const inputs = this.inputs(write, seen, form);
        const next = compiled.mutate(mutation, object, schema, inputs, params, (limit) => budgetOf(write, limit));
        if (yield* settled(putBack(write, seen, object, next))) changed = true;
      } catch (err) {
        if (!(err instanceof MutationError)) throw err;
        errors.push({ message: err.message, reason: 'Invalid' });
      }
    }
    return { changed, errors };
  }

  private inputs(write: Write, seen: Kind, form: AdmittedForm): AdmissionInputs {
    return new AdmissionInputs(this.deps, write, seen, form);
  }
}

interface Outcome {
  readonly changed: boolean;
  readonly errors: readonly PolicyError[];
}

function* formOf(write: Write, seen: Kind): Steps<AdmittedForm> {
  return mutableForm(write, yield* settled(admittedForm(write, seen)));
}

const nameOf = (object: { metadata?: { name?: string; namespace?: string } } | undefined): string =>
  object?.metadata?.name ?? '';

const idOf = (
  policy: MutatingAdmissionPolicy,
  binding: MutatingAdmissionPolicyBinding | undefined,
  { object }: Params,
) => JSON.stringify([nameOf(policy), nameOf(binding), object?.metadata?.namespace ?? '', nameOf(object)]);

const deniedBy = ({ policy, binding }: Bound, message: string): string =>
  binding
    ? `policy '${nameOf(policy)}' with binding '${nameOf(binding)}' denied request: ${message}`
    : `policy "${nameOf(policy)}" denied request: ${message}`;

/** Upstream keeps the code 403, whatever the reason is, and shows the first message without the object. */
function denied(write: Write, errors: readonly string[], reason: string): StatusError {
  const { details } = refusal(write, '');
  const causes = errors.map((message) => ({ message }));
  return new StatusError(403, reason || 'Forbidden', errors[0]!, { ...details, causes }, { verbatim: true });
}
