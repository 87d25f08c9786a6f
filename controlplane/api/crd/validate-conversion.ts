// The field rules of spec.conversion: which strategy, and where the webhook is. Field paths are those of upstream's internal type, as its
// errors show them.
import { X509Certificate } from 'node:crypto';
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1035Label } from '../validation/names';
import { validateClientConfig } from '../webhooks/validate-client';
import type { CrdConversion } from './types';

/** The versions of ConversionReview that this server sends, as upstream's. */
const reviewVersions = ['v1', 'v1beta1'];
const strategies = ['None', 'Webhook'];
const at = 'spec.conversion';

export interface ConversionContext {
  readonly old: CrdConversion | undefined;
  /** Whether the old definition is Established: until then its authorities may be unreadable. */
  readonly isEstablished: boolean;
}

export function validateConversion(conversion: CrdConversion | undefined, context: ConversionContext): FieldCause[] {
  if (!conversion) return [];
  const { strategy = '', webhook } = conversion;
  return [
    ...validateStrategy(strategy),
    ...(strategy === 'Webhook' ? validateWebhook(webhook, context) : validateNoWebhook(webhook)),
  ];
}

function validateStrategy(strategy: string): FieldCause[] {
  if (strategy === '') return [required(`${at}.strategy`)];
  return strategies.includes(strategy) ? [] : [notSupported(`${at}.strategy`, strategy, strategies)];
}

type Webhook = NonNullable<CrdConversion['webhook']>;

function validateNoWebhook(webhook: Webhook | undefined): FieldCause[] {
  const detail = 'should not be set when strategy is not set to Webhook';
  return [
    ...(webhook?.clientConfig ? [forbidden(`${at}.webhookClientConfig`, detail)] : []),
    ...(webhook?.conversionReviewVersions?.length ? [forbidden(`${at}.conversionReviewVersions`, detail)] : []),
  ];
}

function validateWebhook(webhook: Webhook | undefined, { old, isEstablished }: ConversionContext): FieldCause[] {
  const { clientConfig: config, conversionReviewVersions: versions = [] } = webhook ?? {};
  const field = `${at}.webhookClientConfig`;
  const before = old?.webhook;
  // An unreadable bundle may stay, so that other fields of the definition can still change.
  const checksBundle = isEstablished && unreadableBundle(before?.clientConfig?.caBundle) === undefined;
  return [
    ...(config ? validateClientConfig(config, field) : [required(field, 'required when strategy is set to Webhook')]),
    ...(checksBundle ? validateBundle(config?.caBundle, `${field}.caBundle`) : []),
    ...validateVersions(versions, isKnown(before?.conversionReviewVersions ?? [])),
  ];
}

const isKnown = (versions: readonly string[]): boolean =>
  versions.length === 0 || versions.some((version) => reviewVersions.includes(version));

function validateVersions(versions: readonly string[], needsKnown: boolean): FieldCause[] {
  const field = `${at}.conversionReviewVersions`;
  if (versions.length === 0) return [required(field)];
  const seen = new Set<string>();
  const causes = versions.flatMap((version, i) => {
    const item = `${field}[${i}]`;
    if (seen.has(version)) return [invalid(item, version, 'duplicate version')];
    seen.add(version);
    return invalidEach(item, version, dns1035Label(version));
  });
  if (!needsKnown || isKnown(versions)) return causes;
  return [...causes, invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`)];
}

function validateBundle(bundle: string | undefined, field: string): FieldCause[] {
  const why = unreadableBundle(bundle);
  return why === undefined ? [] : [invalid(field, bundle, `unable to load root certificates: ${why}`)];
}

const pemBlock = /-----BEGIN ([^-\n]*)-----\s[\s\S]*?-----END \1-----/g;

/** Why a bundle (base64 of PEM) has no authority, in the words of Go's client; undefined when it has one or is absent. */
export function unreadableBundle(bundle: string | undefined): string | undefined {
  if (!bundle) return undefined;
  const blocks = [...Buffer.from(bundle, 'base64').toString('latin1').matchAll(pemBlock)];
  if (blocks.length === 0) return 'unable to parse bytes as PEM block';
  let first: string | undefined;
  for (const [block, type] of blocks) {
    if (type !== 'CERTIFICATE') continue;
    try {
      new X509Certificate(block);
      return undefined;
    } catch {
      first ??= 'failed to parse certificate: x509: malformed certificate';
    }
  }
  return first ?? 'unable to parse bytes as PEM block';
}
