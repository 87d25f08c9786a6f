// Where a kind, an object and its subresources live in the API's URL space.
import type { KindRef } from '../api/kind';
import { type ObjectKey, splitKey } from '../api/types';

/** /api/v1 or /apis/apps/v1. */
export const groupVersionPath = ({ group, version }: KindRef): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

/** The collection of a kind: of one namespace, or of all when `namespace` is absent. */
export function collectionPath(kind: KindRef, namespace?: string): string {
  const scope = kind.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupVersionPath(kind)}${scope}/${kind.plural}`;
}

export function objectPath(kind: KindRef, key: ObjectKey, subresource?: string): string {
  const { namespace, name } = splitKey(key);
  const path = `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
  return subresource ? `${path}/${subresource}` : path;
}

/** Appends the parameters that have a value. */
export function withQuery(
  path: string,
  params: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return path;
  return `${path}?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}
