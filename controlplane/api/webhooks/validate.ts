// The field rules of webhooks: upstream's checks, messages and field paths.
import type { FieldCause } from '../../base/errors';
import { validateMatchConditions } from '../admission-policies/validate-match';
import { duplicate, invalid, invalidEach, required } from '../validation/causes';
import { dns1035Label, dns1123Subdomain } from '../validation/names';
import { oneOf, validateLabelSelector } from '../validation/selectors';
import type { MutatingWebhook, Webhook } from './types';
import { validateClientConfig } from './validate-client';
import { validateWebhookRule } from './validate-rule';

const failurePolicies = ['Fail', 'Ignore'];
const matchPolicies = ['Equivalent', 'Exact'];
const reinvocationPolicies = ['IfNeeded', 'Never'];
const sideEffectClasses = ['None', 'NoneOnDryRun'];
const reviewVersions = ['v1', 'v1beta1'];
const maxTimeoutSeconds = 30;

/** All webhooks of one configuration. */
export function validateWebhooks(webhooks: readonly Webhook[] = []): FieldCause[] {
  const names = new Set<string>();
  return webhooks.flatMap((webhook, i) => {
    const at = `webhooks[${i}]`;
    const { name = '' } = webhook;
    const repeated = name !== '' && names.has(name);
    names.add(name);
    return [
      ...validateWebhook(webhook, at),
      ...validateVersions(webhook.admissionReviewVersions ?? [], `${at}.admissionReviewVersions`),
      ...(repeated ? [duplicate(`${at}.name`, name)] : []),
    ];
  });
}

function validateWebhook(webhook: Webhook, at: string): FieldCause[] {
  const { name, rules = [], failurePolicy, matchPolicy, sideEffects, timeoutSeconds: seconds } = webhook;
  return [
    ...fullyQualifiedName(name ?? '', `${at}.name`),
    ...rules.flatMap((rule, i) => validateWebhookRule(rule, `${at}.rules[${i}]`)),
    ...oneOf(`${at}.failurePolicy`, failurePolicy, failurePolicies),
    ...oneOf(`${at}.matchPolicy`, matchPolicy, matchPolicies),
    ...(sideEffects !== undefined
      ? oneOf(`${at}.sideEffects`, sideEffects, sideEffectClasses)
      : [required(`${at}.sideEffects`, `must specify one of ${sideEffectClasses.join(', ')}`)]),
    ...(seconds !== undefined && (seconds > maxTimeoutSeconds || seconds < 1)
      ? [
          invalid(
            `${at}.timeoutSeconds`,
            seconds,
            `the timeout value must be between 1 and ${maxTimeoutSeconds} seconds`,
          ),
        ]
      : []),
    ...validateLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${at}.objectSelector`),
    ...oneOf(`${at}.reinvocationPolicy`, (webhook as MutatingWebhook).reinvocationPolicy, reinvocationPolicies),
    ...validateClientConfig(webhook.clientConfig, `${at}.clientConfig`),
    ...validateMatchConditions(webhook.matchConditions ?? [], `${at}.matchConditions`),
  ];
}

/** At least three segments: a webhook has a name of its own domain. */
function fullyQualifiedName(name: string, field: string): FieldCause[] {
  if (name === '') return [required(field)];
  const errors = dns1123Subdomain(name);
  if (errors.length > 0) return [invalid(field, name, errors.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalid(field, name, 'should be a domain with at least three segments separated by dots')];
}

function validateVersions(versions: readonly string[], field: string): FieldCause[] {
  const listed = reviewVersions.join(', ');
  if (versions.length === 0) return [required(field, `must specify one of ${listed}`)];
  const seen = new Set<string>();
  const causes = versions.flatMap((version, i) => {
    const at = `${field}[${i}]`;
    if (seen.has(version)) return [invalid(at, version, 'duplicate version')];
    seen.add(version);
    return invalidEach(at, version, dns1035Label(version));
  });
  const known = versions.some((version) => reviewVersions.includes(version));
  return known ? causes : [...causes, invalid(field, versions, `must include at least one of ${listed}`)];
}
