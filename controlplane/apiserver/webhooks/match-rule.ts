// Does a rule of a webhook match a request? Group, version, resource, subresource, operation and scope. Pure.
import type { Kind } from '../../api/kind';
import type { WebhookRule } from '../../api/webhooks/types';
import type { Operation } from '../write/rule';

export interface RuleTarget {
  readonly kind: Pick<Kind, 'group' | 'version' | 'plural' | 'namespaced'>;
  readonly operation: Operation;
  readonly subresource: string;
}

export function ruleMatches(rule: WebhookRule, { kind, operation, subresource }: RuleTarget): boolean {
  return (
    lists(rule.operations, operation.toUpperCase()) &&
    lists(rule.apiGroups, kind.group) &&
    lists(rule.apiVersions, kind.version) &&
    scopeMatches(rule.scope, kind.namespaced) &&
    (rule.resources ?? []).some((text) => resourceMatches(text, kind.plural, subresource))
  );
}

const lists = (values: readonly string[] = [], value: string): boolean =>
  values.includes('*') || values.includes(value);

/** Subresources have the scope of their resource. Namespaces are cluster-scoped. */
const scopeMatches = (scope = '*', namespaced: boolean): boolean =>
  scope === '*' || (scope === 'Namespaced') === namespaced;

/** `pods` and `*` mean no subresource; the star of `pods/*` is also the object itself. */
function resourceMatches(text: string, plural: string, subresource: string): boolean {
  const [resource, of = ''] = text.split('/', 2);
  return (resource === '*' || resource === plural) && (of === '*' || of === subresource);
}
