// Which tokens of Secrets are marked invalid, and which are deleted. Pure. Source: KEP-2799. Only those that an old control plane made for
// accounts count: their accounts name them. Days are texts such as 2026-01-31, whose order is that of their dates.
import type { Pod, Secret, ServiceAccount } from '../../api/index';
import { podReferences } from '../../api/pods/references';
import {
  accountOf,
  invalidSinceLabel,
  isDay,
  lastUsedLabel,
  serviceAccountTokenType,
} from '../../api/service-account-token';
import { isDeleting, metaOf } from '../shared/owner';

const dayMs = 24 * 3_600_000;
/** How long a token must be unused, and then how long invalid. As upstream. */
export const unusedMs = 365 * dayMs;

export type TokenStep =
  | { readonly action: 'invalidate'; readonly secret: Secret; readonly day: string }
  | { readonly action: 'delete'; readonly secret: Secret };

export interface CleanerFacts {
  readonly secrets: readonly Secret[];
  readonly account: (key: string) => ServiceAccount | undefined;
  readonly podsIn: (namespace: string) => readonly Pod[];
  /** The day since which uses are recorded; undefined: they are not. */
  readonly trackedSince: string | undefined;
  readonly now: number;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export function planCleaning({ secrets, account, podsIn, trackedSince, now }: CleanerFacts): readonly TokenStep[] {
  const limitMs = now - unusedMs;
  const limit = dayOf(limitMs);
  // The whole first day counts as not recorded.
  if (!isDay(trackedSince) || Date.parse(trackedSince) + dayMs > limitMs) return [];
  const used = new Map<string, ReadonlySet<string>>();
  const usedIn = (namespace: string) => {
    const known = used.get(namespace) ?? secretsOf(podsIn(namespace));
    used.set(namespace, known);
    return known;
  };
  return secrets.flatMap((secret): TokenStep[] => {
    const { name, namespace = '' } = metaOf(secret);
    if (!isUnused(secret, limitMs, limit) || !isGenerated(secret, account)) return [];
    if (usedIn(namespace).has(name)) return [];
    const since = secret.metadata?.labels?.[invalidSinceLabel];
    if (!isDay(since)) return [{ action: 'invalidate', secret, day: dayOf(now) }];
    return since < limit ? [{ action: 'delete', secret }] : [];
  });
}

function isUnused(secret: Secret, limitMs: number, limit: string): boolean {
  if (secret.type !== serviceAccountTokenType || isDeleting(secret)) return false;
  if (!(Date.parse(secret.metadata?.creationTimestamp ?? '') < limitMs)) return false;
  const lastUsed = secret.metadata?.labels?.[lastUsedLabel];
  // A text that is no day says nothing about the last use.
  return lastUsed === undefined || (isDay(lastUsed) && lastUsed < limit);
}

function isGenerated(secret: Secret, account: CleanerFacts['account']): boolean {
  const { name, uid } = accountOf(secret);
  const found = name === '' ? undefined : account(`${secret.metadata?.namespace}/${name}`);
  if (!found || (uid !== '' && uid !== found.metadata?.uid)) return false;
  return (found.secrets ?? []).some((reference) => reference.name === secret.metadata?.name);
}

const secretsOf = (pods: readonly Pod[]): ReadonlySet<string> =>
  new Set(
    pods.flatMap((pod) => podReferences(pod).flatMap(({ resource, name }) => (resource === 'secrets' ? name : []))),
  );
