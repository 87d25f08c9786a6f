// The wire types of API objects: the types of @kubernetes/client-node (Kubernetes 1.36), but with dates as strings, as in JSON,
// and with the original names of the fields that its generator renamed.
import type { V1LabelSelector, V1ListMeta, V1ObjectMeta, V1OwnerReference, V1Status } from '@kubernetes/client-node';

/** `_continue` is `continue` on the wire. */
type WireName<K> = K extends `_${infer Name}` ? Name : K;

/** The wire form of a client-node model. */
export type Wire<T> = T extends Date
  ? string
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends ReadonlyArray<infer Item>
      ? Wire<Item>[]
      : T extends (...args: never[]) => unknown
        ? never
        : { [K in keyof T as WireName<K>]: Wire<T[K]> };

export type ObjectMeta = Wire<V1ObjectMeta>;
export type OwnerReference = Wire<V1OwnerReference>;
export type LabelSelector = Wire<V1LabelSelector>;
export type ListMeta = Wire<V1ListMeta>;
export type Status = Wire<V1Status>;

/** The fields of every stored object. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

export interface KubeList<T> {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: T[];
}

/** One watch event in wire form; BOOKMARK has only metadata.resourceVersion, ERROR has a Status. */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/** `namespace/name`, or `name` for cluster-scoped objects. Validation allows no slash in either. */
export type ObjectKey = string;

export function objectKey(object: KubeObject): ObjectKey {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : name;
}

/** The parts of an object key. */
export function splitKey(key: ObjectKey): { namespace?: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
