// What both webhook rules need: the index of their configurations, and the client that calls webhooks.
import type { Kind } from '../../api/kind';
import type { RuleDeps } from '../write/rule';
import type { Caller } from './call';
import { WebhookClient } from './client';
import { type Configuration, WebhookIndex } from './webhook-index';

export interface OpenWebhooks extends Caller {
  readonly index: WebhookIndex;
}

/** Resolves when the configurations of the kind are loaded. The client is closed when the signal is aborted. */
export async function openWebhooks<T extends Configuration>(
  { cache, catalog, random, signal, metrics }: RuleDeps,
  kind: Kind<T>,
): Promise<OpenWebhooks> {
  const index = new WebhookIndex(catalog);
  const client = new WebhookClient(cache, random);
  signal.addEventListener('abort', () => client.close(), { once: true });
  await index.follow(cache, kind, signal);
  return { index, client, metrics };
}
