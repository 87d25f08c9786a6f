// MutatingAdmissionWebhook: calls the mutating webhooks one after another, each with what the others before it made of the object. After
// a change all mutating rules run once more; then a webhook is called again only if it asks for that (reinvocationPolicy IfNeeded) and
// the object changed after its call.
import { mutatingWebhookConfigurations } from '../../api/mutating-webhook-configuration';
import { Reinvocation } from '../write/reinvocation';
import type { OpenRule, RuleDeps, Write, WriteRule } from '../write/rule';
import { type AdmittedForm, admittedForm, admittedOperation, isAdmitted, mutableForm, ownForm } from './admitted';
import { type Caller, callWebhook } from './call';
import { openWebhooks } from './open';
import { applyWebhookPatch } from './patched-object';
import { formText } from './review';
import { meetsConditions, selectorsMatch } from './select';
import type { Candidate, WebhookIndex } from './webhook-index';

export const mutatingWebhooks: OpenRule = async (deps) => {
  const { index, ...caller } = await openWebhooks(deps, mutatingWebhookConfigurations);
  return new MutatingWebhooks(deps, index, caller);
};

class MutatingWebhooks implements WriteRule {
  readonly name = 'MutatingAdmissionWebhook';
  private readonly passes = new WeakMap<Write, Reinvocation>();

  constructor(
    private readonly deps: RuleDeps,
    private readonly index: WebhookIndex,
    private readonly caller: Caller,
  ) {}

  concerns(write: Write): boolean {
    return isAdmitted(write) && this.candidates(write).length > 0;
  }

  /** Waits only when a webhook is selected. */
  mutate(write: Write, second: boolean): void | Promise<void> | Promise<'again' | undefined> {
    const candidates = this.candidates(write);
    if (second) {
      const pass = this.passes.get(write);
      // A webhook that was not called in the first pass is not called now, even if it is selected by now.
      if (!pass) return;
      pass.beginSecond(write.object);
      return this.secondPass(write, candidates, pass);
    }
    // Nothing can change the object before the first webhook that is selected, or that must wait to know.
    for (const [i, candidate] of candidates.entries()) {
      const form = this.selected(write, candidate);
      if (form) return this.firstPass(write, candidates.slice(i), form);
    }
  }

  private candidates(write: Write): readonly Candidate[] {
    return this.index.candidates(write.kind, admittedOperation(write), write.subresource);
  }

  /** `form` is that of the first candidate. */
  private async firstPass(
    write: Write,
    candidates: readonly Candidate[],
    form: Selected,
  ): Promise<'again' | undefined> {
    const pass = new Reinvocation();
    this.passes.set(write, pass);
    const changed = await this.pass(write, candidates, pass, form);
    pass.endFirst(write.object);
    return changed ? 'again' : undefined;
  }

  private async secondPass(write: Write, candidates: readonly Candidate[], pass: Reinvocation): Promise<void> {
    await this.pass(write, candidates, pass);
  }

  private async pass(
    write: Write,
    candidates: readonly Candidate[],
    pass: Reinvocation,
    first?: Selected,
  ): Promise<boolean> {
    let changed = false;
    for (const [i, candidate] of candidates.entries()) {
      const { id, webhook } = candidate.hook;
      if (!pass.isDue(id)) continue;
      const outcome = await this.call(write, candidate, i === 0 ? first : undefined);
      if (outcome === 'not called') continue;
      if (outcome === 'changed') changed = true;
      pass.called(id, webhook.reinvocationPolicy === 'IfNeeded', outcome === 'changed');
    }
    return changed;
  }

  private async call(
    write: Write,
    candidate: Candidate,
    known: Selected | undefined,
  ): Promise<'not called' | 'same' | 'changed'> {
    const form = await (known ?? this.selected(write, candidate));
    if (!form) return 'not called';
    const answer = await callWebhook(this.caller, write, candidate, formText(form), true);
    if (answer?.patch === undefined) return 'same';
    const changed = await applyWebhookPatch(this.deps.schemas, write, candidate, form, answer.patch);
    return changed ? 'changed' : 'same';
  }

  /** What the webhook sees, if it is to be called. A promise when its form must be converted. */
  private selected(write: Write, candidate: Candidate): Selected {
    if (!selectorsMatch(candidate.hook, write, ownForm(write), this.deps.cache)) return undefined;
    const form = admittedForm(write, candidate.kind);
    const seen = (one: AdmittedForm) =>
      meetsConditions(candidate, write, one, this.deps) ? mutableForm(write, one) : undefined;
    return form instanceof Promise ? form.then(seen) : seen(form);
  }
}

type Selected = AdmittedForm | undefined | Promise<AdmittedForm | undefined>;
