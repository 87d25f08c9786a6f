// MutatingAdmissionWebhook: calls the mutating webhooks one after another, each with what the others before it made of the object. After
// a change all mutating rules run once more; then a webhook is called again only if it asks for that (reinvocationPolicy IfNeeded) and
// the object changed after its call.
import { mutatingWebhookConfigurations } from '../../api/mutating-webhook-configuration';
import type { KubeObject } from '../../api/types';
import type { OpenRule, RuleDeps, Write, WriteRule } from '../write/rule';
import { type AdmittedForm, admittedForm, admittedOperation, isAdmitted } from './admitted';
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

/** What the first pass leaves for the second one. */
interface FirstPass {
  /** Webhooks with IfNeeded that were called and have seen all changes since. */
  readonly current: Set<string>;
  /** Webhooks with IfNeeded that were called before another change. */
  readonly outdated: Set<string>;
  /** The object after the last webhook, as text. */
  readonly output: string;
}

class MutatingWebhooks implements WriteRule {
  readonly name = 'MutatingAdmissionWebhook';
  private readonly firstPasses = new WeakMap<Write, FirstPass>();

  constructor(
    private readonly deps: RuleDeps,
    private readonly index: WebhookIndex,
    private readonly client: WebhookClient,
  ) {}

  concerns(write: Write): boolean {
    return isAdmitted(write) && this.candidates(write).length > 0;
  }

  /** Waits only when a webhook is selected. */
  mutate(write: Write): void | Promise<void> | Promise<'again' | undefined> {
    const candidates = this.candidates(write);
    const first = this.firstPasses.get(write);
    if (first) {
      this.firstPasses.delete(write);
      return this.secondPass(write, candidates, first);
    }
    // Nothing can change the object before the first webhook that is selected.
    const from = candidates.findIndex((candidate) => this.selected(write, candidate) !== undefined);
    if (from >= 0) return this.firstPass(write, candidates.slice(from));
  }

  private candidates(write: Write): readonly Candidate[] {
    return this.index.candidates(write.kind, admittedOperation(write), write.subresource);
  }

  private async firstPass(write: Write, candidates: readonly Candidate[]): Promise<'again' | undefined> {
    const current = new Set<string>();
    const outdated = new Set<string>();
    let changed = false;
    for (const candidate of candidates) {
      const outcome = await this.call(write, candidate);
      if (outcome === 'not called') continue;
      if (outcome === 'changed') {
        changed = true;
        for (const id of current) outdated.add(id);
        current.clear();
      }
      if (candidate.hook.webhook.reinvocationPolicy === 'IfNeeded') current.add(candidate.hook.id);
    }
    if (!changed) return undefined;
    this.firstPasses.set(write, { current, outdated, output: textOf(write.object) });
    return 'again';
  }

  /** A webhook that was not called in the first pass is not called now, even if it is selected by now. */
  private async secondPass(write: Write, candidates: readonly Candidate[], first: FirstPass): Promise<void> {
    const { current, outdated, output } = first;
    const again = new Set(outdated);
    if (current.size > 0 && textOf(write.object) !== output) for (const id of current) again.add(id);
    for (const candidate of candidates) {
      if (!again.has(candidate.hook.id)) continue;
      // A change outdates the webhooks that had seen all changes. Those that come later in the list are called again.
      if ((await this.call(write, candidate)) !== 'changed') continue;
      for (const id of current) again.add(id);
    }
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
    return write.operation === 'create' && write.context && form.object
      ? { ...form, object: asSent(form.object) }
      : form;
  }
}

const textOf = (object: KubeObject | undefined): string => JSON.stringify(object ?? null);

/** A new object without the fields that the server has set already: upstream sets them after these webhooks. */
function asSent(object: KubeObject): KubeObject {
  const { uid: _, creationTimestamp: __, generation: ___, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}
