// A Client that reports every write that passes through it.
import type { KindRef } from '../../controlplane/api/kind';
import { type KubeObject, objectKey } from '../../controlplane/api/types';
import type { Client } from '../../controlplane/client/client';

/** Calls `onWrite` before each write, with its description: `patch pods a/b status`. */
export function countingClient(client: Client, onWrite: (what: string) => void): Client {
  const note = (verb: string, { plural }: KindRef, key: string, subresource = '') =>
    onWrite(`${verb} ${plural} ${key} ${subresource}`.trim());
  return {
    get: (kind, key, signal) => client.get(kind, key, signal),
    list: (kind, params, signal) => client.list(kind, params, signal),
    watch: (kind, params, signal) => client.watch(kind, params, signal),
    create(kind, object, params) {
      note('create', kind, keyOf(object), params?.subresource);
      return client.create(kind, object, params);
    },
    update(kind, object, params) {
      note('update', kind, keyOf(object), params?.subresource);
      return client.update(kind, object, params);
    },
    patch(kind, key, type, patch, params) {
      note('patch', kind, key, params?.subresource);
      return client.patch(kind, key, type, patch, params);
    },
    delete(kind, key, params) {
      note('delete', kind, key);
      return client.delete(kind, key, params);
    },
    post(kind, key, subresource, body, signal) {
      note('post', kind, key, subresource);
      return client.post(kind, key, subresource, body, signal);
    },
  };
}

const keyOf = (object: KubeObject): string =>
  object.metadata?.name === undefined ? (object.metadata?.generateName ?? 'unnamed') : objectKey(object);
