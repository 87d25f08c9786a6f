// AdmissionPolicies: refuses a policy with an expression that does not compile, and a policy or a binding whose writer may not read the
// parameters. The kinds cannot check this themselves: controlplane/cel imports controlplane/api, and permissions are the server's.
import { isDeepStrictEqual } from 'node:util';
import type { AdmissionPolicy, ParamKind, PolicyBinding } from '../../api/admission-policies/types';
import type { Kind } from '../../api/kind';
import { mutatingAdmissionPolicies } from '../../api/mutating-admission-policy';
import { mutatingAdmissionPolicyBindings } from '../../api/mutating-admission-policy-binding';
import type { KubeObject } from '../../api/types';
import { validatingAdmissionPolicies } from '../../api/validating-admission-policy';
import { validatingAdmissionPolicyBindings } from '../../api/validating-admission-policy-binding';
import { forbidden } from '../../api/validation/causes';
import type { FieldCause } from '../../base/errors';
import type { UserInfo } from '../request';
import { invalid } from '../status';
import type { OpenRule, RuleDeps, Write, WriteRule } from '../write/rule';
import { checkMutatingPolicy, checkValidatingPolicy } from './check-expressions';
import { runInTurns } from './in-turns';

/** Binding → its policy. */
const policiesOf: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [validatingAdmissionPolicyBindings.prefix, validatingAdmissionPolicies],
  [mutatingAdmissionPolicyBindings.prefix, mutatingAdmissionPolicies],
]);
const prefixes = new Set([validatingAdmissionPolicies.prefix, mutatingAdmissionPolicies.prefix, ...policiesOf.keys()]);

export const admissionPolicies: OpenRule = (deps) => new AdmissionPolicies(deps);

class AdmissionPolicies implements WriteRule {
  readonly name = 'AdmissionPolicies';

  constructor(private readonly deps: RuleDeps) {}

  concerns({ operation, kind, subresource }: Write): boolean {
    return prefixes.has(kind.prefix) && subresource === '' && (operation === 'create' || operation === 'update');
  }

  /** Permissions are checked when everything else is right. */
  async validate(write: Write): Promise<void> {
    const { kind, object, old, user } = write;
    if (!object || (old && isDeepStrictEqual(specOf(old), specOf(object)))) return;
    const policyKind = policiesOf.get(kind.prefix);
    const causes = policyKind ? [] : await this.expressionCauses(kind, object);
    if (causes.length === 0) {
      causes.push(
        ...(policyKind ? this.paramRefCauses(user, policyKind, object, old) : this.paramKindCauses(user, object, old)),
      );
    }
    if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? '', causes);
  }

  private async expressionCauses(kind: Kind, object: KubeObject): Promise<FieldCause[]> {
    const check = kind.prefix === validatingAdmissionPolicies.prefix ? checkValidatingPolicy : checkMutatingPolicy;
    const causes: FieldCause[] = [];
    await runInTurns(check(object), (found) => causes.push(...found));
    return causes;
  }

  /** The policy reads parameters for every writer: so its own writer must be allowed to read all of them. */
  private paramKindCauses(user: UserInfo, object: AdmissionPolicy, old: AdmissionPolicy | undefined): FieldCause[] {
    const paramKind = object.spec?.paramKind;
    if (!paramKind || isDeepStrictEqual(paramKind, old?.spec?.paramKind)) return [];
    if (this.mayGet(user, paramKind, '*', '*')) return [];
    const { kind = '', apiVersion = '' } = paramKind;
    const why =
      `user ${goText(user)} must have "get" permission on all objects of the referenced paramKind ` +
      `(kind=${kind}, apiVersion=${apiVersion})`;
    return [forbidden('spec.paramKind', why)];
  }

  private paramRefCauses(
    user: UserInfo,
    policyKind: Kind,
    { spec }: PolicyBinding,
    old: PolicyBinding | undefined,
  ): FieldCause[] {
    const ref = spec?.paramRef;
    const isSame = isDeepStrictEqual(ref, old?.spec?.paramRef) && spec?.policyName === old?.spec?.policyName;
    if (!ref || isSame) return [];
    const policy: AdmissionPolicy | undefined = this.deps.cache.kind(policyKind).get(spec?.policyName ?? '')?.object;
    if (this.mayGet(user, policy?.spec?.paramKind, ref.namespace ?? '', ref.name ?? '')) return [];
    const why = `user ${goText(user)} does not have "get" permission on the object referenced by paramRef`;
    return [forbidden('spec.paramRef', why)];
  }

  /** An unknown kind needs permission for all kinds of the group; an unknown policy for all groups. */
  private mayGet(user: UserInfo, paramKind: ParamKind | undefined, namespace: string, name: string): boolean {
    const { apiVersion = '', kind = '' } = paramKind ?? {};
    const found = this.deps.catalog.byKind(apiVersion, kind);
    const group = paramKind ? (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '') : '*';
    return this.deps.authorizer.allowsResource(user, {
      ...{ verb: 'get', group, resource: found?.plural ?? '*', subresource: '' },
      ...{ namespace, name },
    });
  }
}

const specOf = (object: KubeObject): unknown => (object as AdmissionPolicy).spec;

/** A user as Go prints it: upstream's message has this form. */
function goText({ name, uid = '', groups, extra = {} }: UserInfo): string {
  const keys = Object.keys(extra).sort();
  return `&{${name} ${uid} [${groups.join(' ')}] map[${keys.map((key) => `${key}:[${extra[key]!.join(' ')}]`).join(' ')}]}`;
}
