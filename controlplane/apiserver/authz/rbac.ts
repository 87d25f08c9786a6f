// The RBAC authorizer: bindings indexed by subject, roles looked up at each decision, decisions kept until a role or binding
// changes.
import { clusterRoleBindings, clusterRoles, objectKey, type RoleBinding, roleBindings, roles } from '../../api/index';
import { compositeKey } from '../../base/composite-key';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { UserInfo } from '../request';
import type { Asked, Authorizer, ResourceAttributes } from './authorizer';
import { type PolicyRule, ruleAllowsPath, ruleAllowsResource } from './rules';

interface RoleRef {
  readonly kind: string;
  readonly name: string;
}
interface Grant {
  /** '' for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly role: RoleRef;
  readonly subject: Subject;
  readonly binding: RoleBinding;
}
interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** How many decisions are kept; at this many all are dropped. */
const maxDecisions = 20_000;

export class RbacAuthorizer implements Authorizer {
  /** By subject, `u:name` or `g:name`, and by binding: a binding that names a subject twice grants once. */
  private readonly grants = new Map<string, Map<string, Grant>>();
  private readonly decisions = new Map<string, boolean>();

  constructor(private readonly cache: Cache) {}

  /** Resolves when all roles and bindings are known; follows them until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    const forget = () => {
      this.decisions.clear();
    };
    const rebind = (previous: RoleBinding | undefined, current: RoleBinding | undefined) => {
      this.rebind(previous, current);
      forget();
    };
    await Promise.all([
      followKind(this.cache, roles, forget, signal),
      followKind(this.cache, clusterRoles, forget, signal),
      followKind(this.cache, roleBindings, rebind, signal),
      followKind(this.cache, clusterRoleBindings, rebind, signal),
    ]);
  }

  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean {
    const { verb, group, resource, subresource, namespace, name, selectedName = '' } = attributes;
    // In a review the caller chooses these texts, so two different questions must never have the same key.
    const asked = [verb, group, resource, subresource, namespace, name, selectedName];
    const key = compositeKey(user.name, ...user.groups, ...asked);
    const known = this.decisions.get(key);
    if (known !== undefined) return known;
    const allowed = this.rolesOf(user, namespace).some((rules) =>
      rules.some((rule) => ruleAllowsResource(rule, attributes)),
    );
    if (this.decisions.size >= maxDecisions) this.decisions.clear();
    this.decisions.set(key, allowed);
    return allowed;
  }

  allowsPath(user: UserInfo, verb: string, path: string): boolean {
    return this.rolesOf(user, '').some((rules) => rules.some((rule) => ruleAllowsPath(rule, verb, path)));
  }

  /** Every rule that applies to this user in this namespace; '' returns only cluster-wide rules. */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    return this.rolesOf(user, namespace).flat();
  }

  /** The rules of each role of the user, once even if many bindings name it: a role can have thousands of rules. */
  private rolesOf(user: UserInfo, namespace: string): readonly (readonly PolicyRule[])[] {
    const found = new Set(this.grantsOf(user, namespace).map((grant) => this.rulesOf(grant.role, grant.namespace)));
    return [...found];
  }

  /** The binding that allows it, in upstream's words. */
  explain(user: UserInfo, asked: Asked): string {
    const covers = (rule: PolicyRule) =>
      'path' in asked ? ruleAllowsPath(rule, asked.verb, asked.path) : ruleAllowsResource(rule, asked);
    const namespace = 'path' in asked ? '' : asked.namespace;
    const grant = this.grantsOf(user, namespace).find(({ role, namespace: of }) => this.rulesOf(role, of).some(covers));
    return grant ? `RBAC: allowed by ${describeGrant(grant)}` : '';
  }

  /** Names the roles of the user's bindings that do not exist: the binding looks right, and allows nothing. */
  explainDenial(user: UserInfo, asked: Asked): string {
    const missing = this.grantsOf(user, 'path' in asked ? '' : asked.namespace)
      .filter(({ role, namespace }) => this.findRules(role, namespace) === undefined)
      .map(({ role }) => `${role.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(role.name)} not found`);
    const names = [...new Set(missing)];
    if (names.length === 0) return '';
    return `RBAC: ${names.length === 1 ? names[0] : `[${names.join(', ')}]`}`;
  }

  private grantsOf(user: UserInfo, namespace: string): Grant[] {
    const keys = [`u:${user.name}`, ...user.groups.map((group) => `g:${group}`)];
    return keys
      .flatMap((key) => [...(this.grants.get(key)?.values() ?? [])])
      .filter((grant) => grant.namespace === '' || grant.namespace === namespace);
  }

  /** The rules of the role that a binding names; none when the role does not exist. */
  rulesOf(role: RoleRef, namespace: string): readonly PolicyRule[] {
    return this.findRules(role, namespace) ?? [];
  }

  /** As rulesOf, but undefined when the role does not exist. */
  findRules(role: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    const found =
      role.kind === 'ClusterRole'
        ? this.cache.kind(clusterRoles).get(role.name)
        : this.cache.kind(roles).get(`${namespace}/${role.name}`);
    return found && (found.object.rules ?? []);
  }

  /** Changes only the grants of one binding. */
  private rebind(previous: RoleBinding | undefined, current: RoleBinding | undefined): void {
    // Keys of ClusterRoleBindings have no namespace part, so no binding of the other kind has the same key.
    const id = objectKey((current ?? previous)!);
    const next = current ? grantsBy(current) : new Map<string, Grant>();
    for (const key of previous ? grantsBy(previous).keys() : []) {
      if (next.has(key)) continue;
      const grants = this.grants.get(key);
      grants?.delete(id);
      if (grants?.size === 0) this.grants.delete(key);
    }
    for (const [key, grant] of next) {
      const grants = this.grants.get(key);
      if (grants) grants.set(id, grant);
      else this.grants.set(key, new Map([[id, grant]]));
    }
  }
}

/** The grants of a binding by subject: of one that is named twice the first. */
function grantsBy(binding: RoleBinding): Map<string, Grant> {
  const namespace = binding.metadata?.namespace ?? '';
  const grants = new Map<string, Grant>();
  for (const subject of binding.subjects ?? []) {
    const key = subjectKey(subject, namespace);
    if (!grants.has(key)) grants.set(key, { namespace, role: binding.roleRef, subject, binding });
  }
  return grants;
}

/** An account without a namespace is in the binding's. Names are validated DNS subdomains, so no two accounts have the same user name. */
function subjectKey({ kind, name, namespace }: Subject, ofBinding: string): string {
  if (kind === 'Group') return `g:${name}`;
  if (kind === 'ServiceAccount') return `u:system:serviceaccount:${namespace || ofBinding}:${name}`;
  return `u:${name}`;
}

function describeGrant({ binding, namespace, role, subject }: Grant): string {
  const { kind, name, namespace: own = namespace } = subject;
  const to = `${kind} ${JSON.stringify(kind === 'ServiceAccount' ? `${name}/${own}` : name)}`;
  const title = binding.metadata?.name ?? '';
  const bound =
    namespace === ''
      ? `ClusterRoleBinding ${JSON.stringify(title)}`
      : `RoleBinding ${JSON.stringify(`${title}/${namespace}`)}`;
  return `${bound} of ${role.kind} ${JSON.stringify(role.name)} to ${to}`;
}
