// A user who writes a role or binding must have every permission that it grants, unless the user may `escalate` or `bind` the
// role. Source: "Privilege escalation prevention and bootstrapping" in the RBAC reference.
import {
  type ClusterRole,
  clusterRoleBindings,
  clusterRoles,
  type RoleBinding,
  roleBindings,
  roles,
} from '../../api/index';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Authorizer } from '../authz/authorizer';
import { formatRules, type PolicyRule, rulesNotCovered } from '../authz/rules';
import type { UserInfo } from '../request';
import { equalJson } from '../rest/equal';
import { notFound } from '../status';
import { type OpenRule, type RuleDeps, refusal, type Write } from '../write/rule';

type EscalationDeps = Pick<RuleDeps, 'rbac' | 'authorizer'>;

const superusers = 'system:masters';
/** An aggregated role may later get any permission. */
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];
const roleKinds = new Set([roles.prefix, clusterRoles.prefix]);
const bindingKinds = new Set([roleBindings.prefix, clusterRoleBindings.prefix]);

export const rbacEscalation: OpenRule = (deps) => ({
  name: 'RBACEscalation',
  concerns: ({ operation, kind: { prefix } }) =>
    operation !== 'delete' && (roleKinds.has(prefix) || bindingKinds.has(prefix)),
  mutate(write) {
    const { kind, object, old, user } = write;
    if (!object || user.groups.includes(superusers) || (old && onlyForCollection(object, old))) return;
    if (roleKinds.has(kind.prefix)) confirmRole(deps, write, object as ClusterRole);
    else confirmBinding(deps, write, object as RoleBinding);
  },
});

function confirmRole(deps: EscalationDeps, write: Write, role: ClusterRole): void {
  const { kind, name, namespace, old, user } = write;
  if (mayDo(deps.authorizer, user, 'escalate', kind, namespace, name)) return;
  confirm(deps, write, role.rules ?? []);
  // Without its aggregationRule a role would keep what it has collected.
  if (!role.aggregationRule && !(old as ClusterRole | undefined)?.aggregationRule) return;
  if (rulesNotCovered(deps.rbac.rulesFor(user, namespace), everything).length === 0) return;
  throw refusal(write, 'must have cluster-admin privileges to use the aggregationRule');
}

function confirmBinding(deps: EscalationDeps, write: Write, { roleRef }: RoleBinding): void {
  const { namespace, user } = write;
  // Validation reports a missing reference.
  if (!roleRef?.name) return;
  const kind = roleRef.kind === 'Role' ? roles : clusterRoles;
  if (mayDo(deps.authorizer, user, 'bind', kind, namespace, roleRef.name)) return;
  const rules = deps.rbac.findRules(roleRef, namespace);
  // Upstream names the kind of the binding, not that of the role.
  if (!rules) throw notFound(write.kind, roleRef.name);
  confirm(deps, write, rules);
}

/** @throws Forbidden naming what the user lacks */
function confirm({ rbac }: EscalationDeps, write: Write, rules: readonly PolicyRule[]): void {
  const { namespace, user } = write;
  const missing = rulesNotCovered(rbac.rulesFor(user, namespace), rules);
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  throw refusal(
    write,
    `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n` +
      formatRules(missing).join('\n'),
  );
}

function mayDo(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  { group, plural }: Kind,
  namespace: string,
  name: string,
): boolean {
  return authorizer.allowsResource(user, { verb, group, resource: plural, subresource: '', namespace, name });
}

/** True for the garbage collector's updates, which change only owner references and finalizers: they grant nothing. */
function onlyForCollection(object: KubeObject, old: KubeObject): boolean {
  const strip = ({ metadata, ...rest }: KubeObject) => {
    const { ownerReferences: _, finalizers: __, resourceVersion: ___, managedFields: ____, ...kept } = metadata ?? {};
    return { ...rest, metadata: kept };
  };
  return equalJson(strip(object), strip(old));
}
