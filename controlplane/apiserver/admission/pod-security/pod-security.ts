// PodSecurity: pods must keep to the level of the Pod Security Standards that their namespace sets. A violating pod is refused or
// causes a warning, a violating template of a workload only causes a warning, and labels of namespaces are validated. Mode audit
// annotates the record of the request in the audit log.
import { type Namespace, namespaces, type Pod, pods } from '../../../api/index';
import type { PodSpec, PodTemplate } from '../../../api/pods/types';
import type { Cache } from '../../cache/cache';
import { invalid } from '../../status';
import { type OpenRule, refusal, type Write, type WriteRule } from '../../write/rule';
import type { PodSecurityConfig } from './config';
import { judgedPod } from './control';
import { describeViolations, violations } from './evaluate';
import { exemptionWarning } from './exemption';
import { isRelaxed, warnOfPods } from './namespace';
import { formatLevel, isFullyPrivileged, isPrivileged, type NamespacePolicy, policyOf } from './policy';

/** Writes that cannot change what a pod may do. */
const ignoredSubresources = new Set(['attach', 'binding', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'status']);

interface KnownPolicy extends NamespacePolicy {
  /** True when the policy can neither refuse nor warn. */
  readonly idle: boolean;
}

export const podSecurity: OpenRule = ({ cache, podSecurity }) => new PodSecurity(cache, podSecurity);

export class PodSecurity implements WriteRule {
  readonly name = 'PodSecurity';
  /** Cached objects never change, so a policy is read from the labels of a namespace once. */
  private readonly known = new WeakMap<object, KnownPolicy>();
  private readonly unlabeled: KnownPolicy;

  constructor(
    private readonly cache: Cache,
    private readonly config: PodSecurityConfig,
    /** Milliseconds of a monotonic clock. */
    private readonly now: () => number = () => performance.now(),
  ) {
    this.unlabeled = this.read(undefined);
  }

  concerns({ operation, kind, subresource }: Write): boolean {
    if (operation !== 'create' && operation !== 'update') return false;
    if (kind.prefix === pods.prefix) return !ignoredSubresources.has(subresource);
    return subresource === '' && (kind.prefix === namespaces.prefix || kind.options.podTemplate !== undefined);
  }

  /** @throws Forbidden, Invalid for labels of a namespace */
  validate(write: Write): void {
    const { kind } = write;
    if (kind.prefix === pods.prefix) this.judgePod(write);
    else if (kind.prefix === namespaces.prefix) this.judgeNamespace(write);
    else this.judgeTemplate(write, kind.options.podTemplate?.of(write.object ?? {}));
  }

  private read(labels: Readonly<Record<string, string>> | undefined): KnownPolicy {
    const read = policyOf(labels, this.config.defaults);
    return { ...read, idle: read.causes.length === 0 && isFullyPrivileged(read.policy) };
  }

  private policyFor(namespace: string): KnownPolicy {
    const labels = this.cache.kind(namespaces).get(namespace)?.object.metadata?.labels;
    if (!labels) return this.unlabeled;
    const known = this.known.get(labels) ?? this.read(labels);
    this.known.set(labels, known);
    return known;
  }

  private isExempt(write: Write, { runtimeClassName = '' }: PodSpec): boolean {
    const { namespaces, usernames, runtimeClasses } = this.config.exemptions;
    const why = namespaces.has(write.namespace)
      ? 'namespace'
      : usernames.has(write.user.name)
        ? 'user'
        : runtimeClasses.has(runtimeClassName)
          ? 'runtimeClass'
          : undefined;
    if (why !== undefined) annotate(write, 'exempt', why);
    return why !== undefined;
  }

  private hasExemptClass({ runtimeClassName = '' }: PodSpec): boolean {
    return this.config.exemptions.runtimeClasses.has(runtimeClassName);
  }

  private judgePod(write: Write): void {
    const { policy, idle } = this.policyFor(write.namespace);
    if (idle) return;
    const { metadata, spec } = write.object as Pod;
    const old = write.old as Pod | undefined;
    if (!spec || (old?.spec && !isSignificant(spec, old.spec)) || this.isExempt(write, spec)) return;
    const pod = judgedPod(metadata, spec);
    annotate(write, 'enforce-policy', formatLevel(policy.enforce));
    this.noteViolations(write, pod);
    const found = violations(policy.enforce, pod);
    if (found.length > 0) {
      throw refusal(write, `violates PodSecurity "${formatLevel(policy.enforce)}": ${describeViolations(found)}`);
    }
    this.warn(write, pod);
  }

  private judgeTemplate(write: Write, template: PodTemplate | undefined): void {
    const { policy, idle } = this.policyFor(write.namespace);
    if (idle || !template?.spec || (isPrivileged(policy.warn) && isPrivileged(policy.audit))) return;
    if (this.isExempt(write, template.spec)) return;
    const pod = judgedPod(template.metadata, template.spec);
    this.noteViolations(write, pod);
    if (!isPrivileged(policy.warn)) this.warn(write, pod);
  }

  /** Mode audit, only for a request that is recorded. */
  private noteViolations(write: Write, pod: ReturnType<typeof judgedPod>): void {
    const { audit } = this.policyFor(write.namespace).policy;
    if (!write.rest?.request.audit || isPrivileged(audit)) return;
    const found = violations(audit, pod);
    if (found.length === 0) return;
    annotate(
      write,
      'audit-violations',
      `would violate PodSecurity "${formatLevel(audit)}": ${describeViolations(found)}`,
    );
  }

  private warn({ namespace, warnings }: Write, pod: ReturnType<typeof judgedPod>): void {
    const { warn } = this.policyFor(namespace).policy;
    const found = violations(warn, pod);
    if (found.length > 0)
      warnings.push(`would violate PodSecurity "${formatLevel(warn)}": ${describeViolations(found)}`);
  }

  private judgeNamespace({ kind, name, object, old, warnings }: Write): void {
    const { labels } = (object as Namespace).metadata ?? {};
    const { policy, causes } = this.read(labels);
    const before = old ? this.read(old.metadata?.labels) : undefined;
    // A label that was wrong before must not block changes of other fields.
    if (causes.length > 0 && JSON.stringify(causes) !== JSON.stringify(before?.causes)) {
      throw invalid(kind, name, causes);
    }
    if (before && isRelaxed(policy.enforce, before.policy.enforce)) return;
    if (this.config.exemptions.namespaces.has(name)) {
      const warning = exemptionWarning(name, labels ?? {}, policy, this.config.defaults);
      if (warning !== undefined) warnings.push(warning);
      return;
    }
    if (!before) return;
    const existing = this.cache
      .kind(pods)
      .current({ namespace: name })
      .map((entry) => entry.object)
      .filter(({ spec }) => spec && !this.hasExemptClass(spec));
    warnings.push(...warnOfPods(name, policy.enforce, existing, this.now));
  }
}

/** Of the fields an update may change, only images and added containers can cause a new violation. */
function isSignificant(spec: PodSpec, old: PodSpec): boolean {
  const changed = (list: 'containers' | 'initContainers') => {
    const [now, before] = [spec[list] ?? [], old[list] ?? []];
    return now.length !== before.length || now.some(({ image }, i) => image !== before[i]?.image);
  };
  if (changed('containers') || changed('initContainers')) return true;
  return (spec.ephemeralContainers ?? []).some(({ name, image }) => {
    const before = (old.ephemeralContainers ?? []).find((one) => one.name === name);
    return !before || before.image !== image;
  });
}

const annotate = ({ rest }: Write, key: string, value: string): void =>
  rest?.request.audit?.annotate(`pod-security.kubernetes.io/${key}`, value);
