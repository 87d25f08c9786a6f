// PodSecurity: pods must keep to the level of the Pod Security Standards that their namespace sets. A violating pod is refused or
// causes a warning, a violating template of a workload only causes a warning, and labels of namespaces are validated. Mode audit
// has no other effect than validation, since this server writes no audit log.
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

  private isExempt({ namespace, user }: Write): boolean {
    const { namespaces, usernames } = this.config.exemptions;
    return namespaces.has(namespace) || usernames.has(user.name);
  }

  private hasExemptClass({ runtimeClassName = '' }: PodSpec): boolean {
    return this.config.exemptions.runtimeClasses.has(runtimeClassName);
  }

  private judgePod(write: Write): void {
    const { policy, idle } = this.policyFor(write.namespace);
    if (idle || this.isExempt(write)) return;
    const { metadata, spec } = write.object as Pod;
    const old = write.old as Pod | undefined;
    if (!spec || (old?.spec && !isSignificant(spec, old.spec)) || this.hasExemptClass(spec)) return;
    const pod = judgedPod(metadata, spec);
    const found = violations(policy.enforce, pod);
    if (found.length > 0) {
      throw refusal(write, `violates PodSecurity "${formatLevel(policy.enforce)}": ${describeViolations(found)}`);
    }
    this.warn(write, pod);
  }

  private judgeTemplate(write: Write, template: PodTemplate | undefined): void {
    const { policy, idle } = this.policyFor(write.namespace);
    if (idle || isPrivileged(policy.warn) || !template?.spec) return;
    if (this.isExempt(write) || this.hasExemptClass(template.spec)) return;
    this.warn(write, judgedPod(template.metadata, template.spec));
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
