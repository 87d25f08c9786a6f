// The patch that `kubectl apply` would send: what the manifest says, and what it said last time and says no more, to be removed. Pure.
import type { KubeObject } from '../../controlplane/api/types';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined: the object was not made by `kubectl apply`. */
export function lastApplied({ metadata }: KubeObject): Fields | undefined {
  const text = metadata?.annotations?.[annotation];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    // Not by kubectl.
    return undefined;
  }
}

/** Lists that a strategic patch merges item by item, as far as they have a part in the way of a packet. Others are replaced. */
const mergeKeys: Readonly<Record<string, string>> = {
  'Service spec.ports': 'port',
  'spec.template.spec.containers': 'name',
  'spec.template.spec.initContainers': 'name',
};

/** A strategic merge patch. */
export function patchFor(object: KubeObject, before: KubeObject): Fields {
  const { status: _, ...wanted } = object as KubeObject & Fields;
  return withRemovals(wanted, lastApplied(before) ?? {}, '', object.kind ?? '');
}

function withRemovals(wanted: Fields, last: Fields, path: string, kind: string): Fields {
  const result: Record<string, unknown> = { ...wanted };
  for (const [key, old] of Object.entries(last)) {
    const now = wanted[key];
    const at = path === '' ? key : `${path}.${key}`;
    if (now === undefined) result[key] = null;
    else if (isFields(now) && isFields(old)) result[key] = withRemovals(now, old, at, kind);
    else if (Array.isArray(now) && Array.isArray(old)) result[key] = [...now, ...removedItems(now, old, at, kind)];
  }
  return result;
}

function removedItems(now: readonly unknown[], old: readonly unknown[], path: string, kind: string): readonly Fields[] {
  const name = mergeKeys[`${kind} ${path}`] ?? mergeKeys[path];
  if (name === undefined) return [];
  const kept = new Set(now.map((item) => (isFields(item) ? item[name] : undefined)));
  return old.flatMap((item) =>
    isFields(item) && !kept.has(item[name]) ? [{ $patch: 'delete', [name]: item[name] }] : [],
  );
}
