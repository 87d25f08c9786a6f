// Strategy Webhook of a definition: a program outside the server converts the objects. One call for all objects of a batch; nothing is
// repeated, and nothing is kept here (cache/conversions.ts keeps what was converted).
import { randomUUID } from 'node:crypto';
import { ConversionFailed } from '../../../api/crd/conversion-failed';
import { type ConvertObjects, keepsFields } from '../../../api/crd/kinds-of';
import type { CustomResourceDefinition } from '../../../api/crd/types';
import type { Kind } from '../../../api/kind';
import type { KubeObject } from '../../../api/types';
import { describeError } from '../../../base/errors';
import type { WebhookClient } from '../../webhooks/client';
import type { ConversionMetrics } from './metrics';
import { AnswerRefused, describeKind, readReview, renderReview, reviewVersionOf } from './review';

/** Upstream's. */
const timeoutSeconds = 30;

export interface ConversionDeps {
  readonly client: WebhookClient;
  readonly metrics: ConversionMetrics;
}

/** How objects of the definition change their version. */
export function conversionOf(definition: CustomResourceDefinition, deps: ConversionDeps): ConvertObjects {
  const { strategy, webhook } = definition.spec.conversion ?? {};
  if (strategy !== 'Webhook' || !webhook?.clientConfig) return keepsFields(definition);
  const { conversionReviewVersions } = webhook;
  const clientConfig = withoutBlankBundle(webhook.clientConfig);
  const version = reviewVersionOf(conversionReviewVersions);
  const name = definition.metadata?.name ?? '';
  return async (objects: readonly KubeObject[], to: Kind) => {
    const { apiVersion: from = '', kind = '' } = objects[0]!;
    const began = performance.now();
    const observe = (failure?: AnswerRefused['type']) => {
      const versions = { name, from: from.slice(from.indexOf('/') + 1), to: to.version };
      deps.metrics.observe(versions, (performance.now() - began) / 1000, failure);
    };
    try {
      const uid = randomUUID();
      const texts = objects.map((object) => JSON.stringify(object));
      const body = renderReview(uid, texts, to.apiVersion, version);
      const answer = await call(deps.client, clientConfig, body);
      const converted = readReview(answer, { uid, version, objects, to });
      observe();
      return converted;
    } catch (err) {
      if (!(err instanceof AnswerRefused)) throw err;
      observe(err.type);
      const message = err.isWhole ? err.message : `conversion webhook for ${describeKind(from, kind)} ${err.message}`;
      throw new ConversionFailed(message, err);
    }
  };
}

/** As upstream, a bundle of blanks counts as absent. */
function withoutBlankBundle({ caBundle, ...config }: Config): Config {
  const isBlank = !caBundle || Buffer.from(caBundle, 'base64').toString('latin1').trim() === '';
  return isBlank ? config : { ...config, caBundle };
}

type Config = Parameters<WebhookClient['post']>[0];

async function call(client: WebhookClient, config: Config, body: string): Promise<Buffer> {
  try {
    return await client.post(config, body, timeoutSeconds);
  } catch (err) {
    throw new AnswerRefused('conversion_webhook_call_failure', `failed: ${describeError(err)}`);
  }
}
