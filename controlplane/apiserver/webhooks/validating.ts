// ValidatingAdmissionWebhook: calls the validating webhooks in parallel, with the object that will be stored.
import type { Kind } from '../../api/kind';
import { validatingWebhookConfigurations } from '../../api/validating-webhook-configuration';
import { run, type Steps, settled } from '../../base/steps';
import type { OpenRule, RuleDeps, Write, WriteRule } from '../write/rule';
import { type AdmittedForm, admittedForm, admittedOperation, isAdmitted, ownForm } from './admitted';
import { type Caller, callWebhook } from './call';
import { openWebhooks } from './open';
import { type FormText, formText } from './review';
import { meetsConditions, selectorsMatch } from './select';
import type { Candidate, WebhookIndex } from './webhook-index';

export const validatingWebhooks: OpenRule = async (deps) => {
  const { index, ...caller } = await openWebhooks(deps, validatingWebhookConfigurations);
  return new ValidatingWebhooks(deps, index, caller);
};

class ValidatingWebhooks implements WriteRule {
  readonly name = 'ValidatingAdmissionWebhook';

  constructor(
    private readonly deps: RuleDeps,
    private readonly index: WebhookIndex,
    private readonly caller: Caller,
  ) {}

  concerns(write: Write): boolean {
    return isAdmitted(write) && this.candidates(write).length > 0;
  }

  /** Waits only when a webhook is selected, or when its form must be converted. */
  validate(write: Write): void | Promise<void> {
    return run(this.steps(write));
  }

  private *steps(write: Write): Steps<void> {
    const { deps } = this;
    const own = ownForm(write);
    const forms = new Map<Kind, AdmittedForm>([[write.kind, own]]);
    const texts = new Map<Kind, FormText>();
    const selected: Candidate[] = [];
    for (const candidate of this.candidates(write)) {
      const { hook, kind } = candidate;
      if (!selectorsMatch(hook, write, own, deps.cache)) continue;
      const form = forms.get(kind) ?? (yield* settled(admittedForm(write, kind)));
      forms.set(kind, form);
      if (!meetsConditions(candidate, write, form, deps)) continue;
      if (!texts.has(kind)) texts.set(kind, formText(form));
      selected.push(candidate);
    }
    if (selected.length > 0) yield this.callAll(write, selected, texts);
  }

  private candidates(write: Write): readonly Candidate[] {
    return this.index.candidates(write.kind, admittedOperation(write), write.subresource);
  }

  /** All are called, also after a refusal, as upstream. @throws the error of the first in their order */
  private async callAll(
    write: Write,
    selected: readonly Candidate[],
    texts: ReadonlyMap<Kind, FormText>,
  ): Promise<void> {
    const calls = selected.map((candidate) =>
      callWebhook(this.caller, write, candidate, texts.get(candidate.kind)!, false),
    );
    const began = performance.now();
    const results = await Promise.allSettled(calls);
    if (write.rest) write.rest.waits.webhookMs += performance.now() - began;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
