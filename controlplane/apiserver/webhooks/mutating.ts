// MutatingAdmissionWebhook: calls the mutating webhooks one after another, each with what the others before it made of the object. After
// a change all mutating rules run once more; then a webhook is called again only if it asks for that (reinvocationPolicy IfNeeded) and
// the object changed after its call.
import { mutatingWebhookConfigurations } from '../../api/mutating-webhook-configuration';
import { Reinvocation } from '../write/reinvocation';
import type { OpenRule, RuleDeps, Write, WriteRule } from '../write/rule';
import { type AdmittedForm, admittedForm, admittedOperation, isAdmitted, mutableForm } from './admitted';
import { callWebhook } from './call';
import type { WebhookClient } from './client';
import { openWebhooks } from './open';
import { applyWebhookPatch } from './patched-object';
import { formText } from './review';
import { selects } from './select';
import type { Candidate, WebhookIndex } from './webhook-index';

export const mutatingWebhooks: OpenRule = async (deps) => {
  const { index, client } = await openWebhooks(deps, mutatingWebhookConfigurations);
  return new MutatingWebhooks(deps, index, client);
};

class MutatingWebhooks implements WriteRule {
  readonly name = 'MutatingAdmissionWebhook';
  private readonly passes = new WeakMap<Write, Reinvocation>();

  constructor(
    private readonly deps: RuleDeps,
    private readonly index: WebhookIndex,
    private readonly client: WebhookClient,
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
    // Nothing can change the object before the first webhook that is selected.
    const from = candidates.findIndex((candidate) => this.selected(write, candidate) !== undefined);
    if (from >= 0) return this.firstPass(write, candidates.slice(from));
  }

  private candidates(write: Write): readonly Candidate[] {
    return this.index.candidates(write.kind, admittedOperation(write), write.subresource);
  }

  private async firstPass(write: Write, candidates: readonly Candidate[]): Promise<'again' | undefined> {
    const pass = new Reinvocation();
    this.passes.set(write, pass);
    const changed = await this.pass(write, candidates, pass);
    pass.endFirst(write.object);
    return changed ? 'again' : undefined;
  }

  private async secondPass(write: Write, candidates: readonly Candidate[], pass: Reinvocation): Promise<void> {
    await this.pass(write, candidates, pass);
  }

  private async pass(write: Write, candidates: readonly Candidate[], pass: Reinvocation): Promise<boolean> {
    let changed = false;
    for (const candidate of candidates) {
      const { id, webhook } = candidate.hook;
      if (!pass.isDue(id)) continue;
      const outcome = await this.call(write, candidate);
      if (outcome === 'not called') continue;
      if (outcome === 'changed') changed = true;
      pass.called(id, webhook.reinvocationPolicy === 'IfNeeded', outcome === 'changed');
    }
    return changed;
  }

  private async call(write: Write, candidate: Candidate): Promise<'not called' | 'same' | 'changed'> {
    const form = this.selected(write, candidate);
    if (!form) return 'not called';
    const answer = await callWebhook(this.client, write, candidate, formText(form), true);
    if (answer?.patch === undefined) return 'same';
    return applyWebhookPatch(this.deps.schemas, write, candidate, form, answer.patch) ? 'changed' : 'same';
  }

  /** What the webhook sees, if its selectors match. */
  private selected(write: Write, candidate: Candidate): AdmittedForm | undefined {
    const form = admittedForm(write, candidate.kind);
    if (!selects(candidate, write, form, this.deps)) return undefined;
    return mutableForm(write, form);
  }
}
