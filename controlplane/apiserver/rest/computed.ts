// What kinds whose objects the server computes at each read share: which stored objects a request chooses, and the form of an answer.
import type { KubeObject } from '../../api/types';
import type { Cache, CachedObject } from '../cache/cache';
import type { RestRequest } from './context';
import { parseSelection } from './selection';

/** Objects of another kind, chosen by the selectors of the request: metadata is all that these can name. */
export async function selected<T extends KubeObject>(
  cache: Cache,
  of: Parameters<Cache['kind']>[0],
  { route, query }: RestRequest,
): Promise<readonly T[]> {
  const selection = parseSelection(route.kind, route.namespace, '', query);
  const { items } = await cache
    .kind(of)
    .list(selection.namespace === undefined ? {} : { namespace: selection.namespace });
  const objects = items.map(({ object }) => object as T);
  return objects.filter(
    (object) =>
      (selection.name === undefined || object.metadata?.name === selection.name) &&
      (selection.matches?.(object) ?? true),
  );
}

export const computed = (object: KubeObject): CachedObject => ({
  key: '',
  object,
  json: Buffer.from(JSON.stringify(object)),
  revision: 0,
});
