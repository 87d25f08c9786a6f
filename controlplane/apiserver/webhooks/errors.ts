// The errors of webhooks, with upstream's messages: a refusal by the webhook, and a webhook that cannot be called.
import { BadRequest } from '../../base/errors';
import { StatusError } from '../status';

/** The Status in the answer of a webhook. */
export interface WebhookStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: Record<string, unknown>;
}

/** The refusal keeps code, reason and details of the answer; a code that means success becomes 400. */
export function denied(name: string, status: WebhookStatus | undefined): StatusError {
  const { code = 0, reason = '', message = '', details = {} } = status ?? {};
  const why = message !== '' ? `: ${message}` : reason !== '' ? `: ${reason}` : ' without explanation';
  const text = `admission webhook ${JSON.stringify(name)} denied the request${why}`;
  return new StatusError(code >= 400 && code <= 599 ? code : 400, reason, text, details, { verbatim: true });
}

/** With the text of the error as its cause, as upstream's errors of this kind have. */
export const internalError = (message: string): StatusError =>
  new StatusError(500, 'InternalError', message, { causes: [{ message }] });

export const dryRunUnsupported = (name: string): BadRequest =>
  new BadRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
