// Calls one webhook for one write: the dry run, the review, the failure policy and the refusal.

import { defaultTimeoutSeconds } from '../../api/webhooks/types';
import { describeError } from '../../base/errors';
import type { AdmissionMetrics, WebhookCall } from '../write/admission-metrics';
import type { Write } from '../write/rule';
import type { WebhookClient } from './client';
import { denied, dryRunUnsupported, internalError } from './errors';
import { type FormText, type ReviewAnswer, readReview, renderReview, reviewVersionOf } from './review';
import type { Candidate } from './webhook-index';

const internalErrorCode = 500;

/** Who calls, and what counts the calls. */
export interface Caller {
  readonly client: WebhookClient;
  readonly metrics?: Pick<AdmissionMetrics, 'called'> | undefined;
}

const withoutEffects = new Set(['None', 'NoneOnDryRun']);

/**
 * The answer that allows the write; undefined when the call failed and failurePolicy is Ignore.
 * @throws StatusError for a refusal or a failed call, BadRequest for a dry run that could have side effects
 */
export async function callWebhook(
  { client, metrics }: Caller,
  write: Write,
  { hook, kind }: Candidate,
  form: FormText,
  mutating: boolean,
): Promise<ReviewAnswer | undefined> {
  const { webhook } = hook;
  const { name } = webhook;
  if (write.dryRun && !withoutEffects.has(webhook.sideEffects)) throw dryRunUnsupported(name);
  const began = performance.now();
  const called = (outcome: WebhookCall['outcome'], code: number) => {
    const ms = performance.now() - began;
    // Validating webhooks are called at once: their caller measures them together.
    if (mutating && write.rest) write.rest.waits.webhookMs += ms;
    metrics?.called({ name, mutating, operation: write.operation, seconds: ms / 1000, code, outcome });
  };
  let answer: ReviewAnswer;
  try {
    const version = reviewVersionOf(webhook.admissionReviewVersions);
    const { uid, body } = renderReview(write, kind, form, version);
    const seconds = webhook.timeoutSeconds ?? defaultTimeoutSeconds;
    answer = readReview(await client.call(webhook.clientConfig, body, seconds), uid, version, mutating);
  } catch (err) {
    const ignored = webhook.failurePolicy === 'Ignore';
    called(ignored ? 'failed, ignored' : 'failed', internalErrorCode);
    if (ignored) return undefined;
    throw internalError(`failed calling webhook ${JSON.stringify(name)}: ${describeError(err)}`);
  }
  write.warnings.push(...answer.warnings);
  for (const [key, value] of answer.auditAnnotations) write.rest?.request.audit?.annotate(`${name}/${key}`, value);
  if (!answer.allowed) {
    const refused = denied(name, answer.status);
    called('denied', refused.status);
    throw refused;
  }
  called('allowed', 200);
  return answer;
}
