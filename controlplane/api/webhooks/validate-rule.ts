// The field rules of a webhook's rules: which wildcards may stand next to other values.
import type { FieldCause } from '../../base/errors';
import { invalid, notSupported, required } from '../validation/causes';
import { oneOf } from '../validation/selectors';
import type { WebhookRule } from './types';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];

export function validateWebhookRule(rule: WebhookRule, at: string): FieldCause[] {
  const { apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  return [
    ...validateOperations(rule.operations ?? [], `${at}.operations`),
    ...listed(apiGroups, `${at}.apiGroups`, 'API groups'),
    ...listed(apiVersions, `${at}.apiVersions`, 'API versions'),
    ...apiVersions.flatMap((version, i) => (version === '' ? [required(`${at}.apiVersions[${i}]`)] : [])),
    ...validateResources(resources, `${at}.resources`),
    ...oneOf(`${at}.scope`, scope, scopes),
  ];
}

function validateOperations(asked: readonly string[], field: string): FieldCause[] {
  return [
    ...listed(asked, field, 'operations'),
    ...asked.flatMap((one, i) => (operations.includes(one) ? [] : [notSupported(`${field}[${i}]`, one, operations)])),
  ];
}

/** At least one value; a wildcard stands alone. */
function listed(values: readonly string[], field: string, what: string): FieldCause[] {
  if (values.length === 0) return [required(field)];
  if (values.length === 1 || !values.includes('*')) return [];
  return [invalid(field, values, `if '*' is present, must not specify other ${what}`)];
}

function validateResources(resources: readonly string[], field: string): FieldCause[] {
  if (resources.length === 0) return [required(field)];
  // Upstream compares each entry with the wildcards before it.
  const allOf = new Set<string>();
  const ofAll = new Set<string>();
  let plain = false;
  const causes: FieldCause[] = [];
  for (const [i, text] of resources.entries()) {
    const at = `${field}[${i}]`;
    const slash = text.indexOf('/');
    if (text === '') causes.push(required(at));
    if (text === '' || slash < 0) {
      // Upstream looks at the last entry without a subresource only.
      if (text !== '') plain = text !== '*';
      continue;
    }
    const resource = text.slice(0, slash);
    const subresource = text.slice(slash + 1);
    if (allOf.has(resource)) causes.push(invalid(at, text, `if '${resource}/*' is present, must not specify ${text}`));
    if (ofAll.has(subresource)) {
      causes.push(invalid(at, text, `if '*/${subresource}' is present, must not specify ${text}`));
    }
    if (subresource === '*') allOf.add(resource);
    if (resource === '*') ofAll.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    causes.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && plain) {
    causes.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return causes;
}
