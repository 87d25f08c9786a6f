// The webhooks of all configurations of one kind, found by resource, operation and subresource. What a kind's writes have to call is
// computed once per change of the configurations, so a kind that no rule names costs one look-up.
import type { Catalog } from '../../api/catalog';
import { type Kind, subresourceOf } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { MutatingWebhook, Webhook } from '../../api/webhooks/types';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { Expression } from '../policies/expressions';
import type { Operation } from '../write/rule';
import { matchCondition } from './match-conditions';
import { ruleMatches } from './match-rule';
import { type Selectors, selectorsOf } from './select';

export interface IndexedWebhook extends Selectors {
  /** The name of the configuration and of the webhook: a name is unique in its configuration only. */
  readonly id: string;
  readonly webhook: Webhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;
  readonly conditions: readonly Expression[];
}

/** A webhook to call, and the kind in whose form it sees the object. */
export interface Candidate {
  readonly hook: IndexedWebhook;
  readonly kind: Kind;
}

export interface Configuration extends KubeObject {
  readonly webhooks?: readonly Webhook[];
}

/** Webhook configurations and admission policies are never sent to webhooks: a wrong one could not be repaired. */
const exemptGroup = 'admissionregistration.k8s.io';
const none: readonly Candidate[] = [];

export class WebhookIndex {
  private hooks: readonly IndexedWebhook[] = [];
  private readonly found = new Map<Kind, Map<string, readonly Candidate[]>>();

  constructor(private readonly catalog: Catalog) {}

  /** Resolves when the configurations are loaded; follows them and the catalog until the signal is aborted. */
  async follow<T extends Configuration>(cache: Cache, kind: Kind<T>, signal: AbortSignal): Promise<void> {
    const byName = new Map<string, readonly IndexedWebhook[]>();
    const change = (previous: T | undefined, current: T | undefined) => {
      const name = (current ?? previous)?.metadata?.name ?? '';
      if (current)
        byName.set(
          name,
          (current.webhooks ?? []).map((webhook) => indexed(name, webhook)),
        );
      else byName.delete(name);
      this.replace(byName);
    };
    signal.addEventListener(
      'abort',
      this.catalog.onChange(() => this.found.clear()),
      { once: true },
    );
    await followKind(cache, kind, change, signal);
  }

  /** The webhooks whose rules match, in the order in which they are called; selectors are not compared here. */
  candidates(kind: Kind, operation: Operation, subresource: string): readonly Candidate[] {
    if (this.hooks.length === 0 || kind.group === exemptGroup) return none;
    const key = `${operation}/${subresource}`;
    const known = this.found.get(kind)?.get(key);
    if (known) return known;
    const candidates = this.find(kind, operation, subresource);
    const ofKind = this.found.get(kind) ?? new Map<string, readonly Candidate[]>();
    this.found.set(kind, ofKind.set(key, candidates));
    return candidates;
  }

  /** In the order of the configurations' names, then of their lists. */
  private replace(byName: ReadonlyMap<string, readonly IndexedWebhook[]>): void {
    const names = [...byName.keys()].sort((a, b) => (a < b ? -1 : 1));
    this.hooks = names.flatMap((name) => byName.get(name)!);
    this.found.clear();
  }

  private find(kind: Kind, operation: Operation, subresource: string): readonly Candidate[] {
    const others = this.catalog
      .kinds()
      .filter((one) => one !== kind && one.prefix === kind.prefix)
      .filter((one) => subresource === '' || subresourceOf(one, subresource) !== undefined);
    return this.hooks.flatMap((hook) => {
      const { rules = [], matchPolicy } = hook.webhook;
      const matches = (one: Kind) => rules.some((rule) => ruleMatches(rule, { kind: one, operation, subresource }));
      if (matches(kind)) return [{ hook, kind }];
      if (matchPolicy === 'Exact') return [];
      // The same objects in another version or group: the first rule that names one decides in which form.
      for (const rule of rules) {
        const other = others.find((one) => ruleMatches(rule, { kind: one, operation, subresource }));
        if (other) return [{ hook, kind: other }];
      }
      return [];
    });
  }
}

function indexed(configuration: string, webhook: Webhook): IndexedWebhook {
  return {
    id: `${configuration}/${webhook.name}`,
    webhook,
    ...selectorsOf(webhook),
    conditions: (webhook.matchConditions ?? []).map(({ expression }) => matchCondition(expression)),
  };
}
