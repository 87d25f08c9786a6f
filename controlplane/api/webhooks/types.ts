// The parts of webhook configurations that both kinds share.
import type { V1MutatingWebhook, V1RuleWithOperations, V1ValidatingWebhook } from '@kubernetes/client-node';
import type { Wire } from '../types';

export type MutatingWebhook = Wire<V1MutatingWebhook>;
export type ValidatingWebhook = Wire<V1ValidatingWebhook>;
export type Webhook = ValidatingWebhook | MutatingWebhook;
export type WebhookRule = Wire<V1RuleWithOperations>;
export type WebhookClientConfig = Webhook['clientConfig'];

/** A port of a webhook's Service that the configuration does not name. */
export const defaultServicePort = 443;
export const defaultTimeoutSeconds = 10;

/** Fills in the defaults of one webhook in place. */
export function setWebhookDefaults(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= defaultTimeoutSeconds;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  const { service } = webhook.clientConfig ?? {};
  if (service) service.port ??= defaultServicePort;
}
