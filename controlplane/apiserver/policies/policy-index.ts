// The policies of one kind with their bindings, found by kind, operation and subresource. What a kind's writes have to evaluate is computed
// once per change of the policies, so a kind that no policy names costs one look-up.
import type { AdmissionPolicy, PolicyBinding } from '../../api/admission-policies/types';
import type { Catalog } from '../../api/catalog';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { Operation } from '../write/rule';
import { matchTarget, type TargetMatch } from './match-resources';

/** A policy whose rules match, with the bindings whose rules match. */
export interface PolicyCandidate<P, B> {
  readonly policy: P;
  readonly match: TargetMatch;
  readonly bindings: readonly { readonly binding: B; readonly match: TargetMatch }[];
}

const group = 'admissionregistration.k8s.io';
const exempt = new Set([
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

/** A policy concerns no policies: a wrong one could not be repaired. */
const isExempt = (kind: Kind): boolean => kind.group === group && exempt.has(kind.plural);

export class PolicyIndex<P extends AdmissionPolicy, B extends PolicyBinding> {
  private policies: ReadonlyMap<string, P> = new Map();
  private bindings: ReadonlyMap<string, B> = new Map();
  /** Policy → its bindings; both in the order of their names. */
  private active: readonly { policy: P; bindings: readonly B[] }[] = [];
  private readonly found = new Map<Kind, Map<string, readonly PolicyCandidate<P, B>[]>>();

  constructor(private readonly catalog: Catalog) {}

  /** Resolves when policies and bindings are loaded; follows them and the catalog until the signal is aborted. */
  async follow(cache: Cache, policies: Kind<P>, bindings: Kind<B>, signal: AbortSignal): Promise<void> {
    const forget = () => this.found.clear();
    signal.addEventListener('abort', this.catalog.onChange(forget), { once: true });
    const change = () => this.rebuild();
    const [all, allBindings] = await Promise.all([
      followKind(cache, policies, change, signal),
      followKind(cache, bindings, change, signal),
    ]);
    this.policies = all;
    this.bindings = allBindings;
    this.rebuild();
  }

  /** In the order in which they are evaluated; names and selectors are not compared here. */
  candidates(kind: Kind, operation: Operation, subresource: string): readonly PolicyCandidate<P, B>[] {
    if (this.active.length === 0) return [];
    const key = `${operation}/${subresource}`;
    const known = this.found.get(kind)?.get(key);
    if (known) return known;
    const candidates = isExempt(kind) ? [] : this.find(kind, operation, subresource);
    const ofKind = this.found.get(kind) ?? new Map<string, readonly PolicyCandidate<P, B>[]>();
    this.found.set(kind, ofKind.set(key, candidates));
    return candidates;
  }

  private rebuild(): void {
    const bound = new Map<string, B[]>();
    for (const binding of byName(this.bindings)) {
      const name = binding.spec?.policyName ?? '';
      const list = bound.get(name) ?? [];
      list.push(binding);
      bound.set(name, list);
    }
    // A policy without bindings does nothing.
    this.active = byName(this.policies).flatMap((policy) => {
      const bindings = bound.get(policy.metadata?.name ?? '');
      return bindings ? [{ policy, bindings }] : [];
    });
    this.found.clear();
  }

  private find(kind: Kind, operation: Operation, subresource: string): readonly PolicyCandidate<P, B>[] {
    const target = { kind, operation, subresource };
    return this.active.flatMap(({ policy, bindings }) => {
      const match = matchTarget(this.catalog, policy.spec?.matchConstraints ?? {}, target, 'none');
      if (!match) return [];
      const matching = bindings.flatMap((binding) => {
        const resources = binding.spec?.matchResources ?? {};
        const ofBinding = matchTarget(this.catalog, resources, target, 'all');
        return ofBinding ? [{ binding, match: ofBinding }] : [];
      });
      return matching.length > 0 ? [{ policy, match, bindings: matching }] : [];
    });
  }
}

const byName = <T extends KubeObject>(objects: ReadonlyMap<string, T>): readonly T[] =>
  [...objects.keys()].sort().map((name) => objects.get(name)!);
