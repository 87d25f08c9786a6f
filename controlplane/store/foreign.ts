// Data that the real kube-apiserver wrote into the same store. k8ts does not read it: its keys are other ones, and most of its values are
// protobuf. Pure but for the reads of refuseForeign.
import { Unsupported } from '../base/errors';
import type { Store } from './store';

const root = '/registry/';
/** The first bytes of every value in protobuf. Source: apimachinery, pkg/runtime/serializer/protobuf. */
const protobufMagic = Buffer.from('k8s\0');

export const isProtobuf = (value: Buffer): boolean => value.subarray(0, protobufMagic.length).equals(protobufMagic);

/** Groups without a dot. Every other group has one. */
const shortGroups: ReadonlySet<string> = new Set(['core', 'apps', 'batch', 'policy', 'autoscaling']);

/** `/registry/pods/default/web`: kube-apiserver has no group in the keys of its own kinds. Undefined for keys of k8ts. */
export function foreignKey(key: string): string | undefined {
  const group = key.slice(root.length, key.indexOf('/', root.length));
  if (!key.startsWith(root) || shortGroups.has(group) || group.includes('.')) return undefined;
  return 'it is a key of kube-apiserver';
}

/**
 * Looks at one key of each group. @throws Unsupported for the data of kube-apiserver: two servers that do not read each other's objects
 * would give the same addresses twice
 */
export async function refuseForeign(store: Pick<Store, 'range'>): Promise<void> {
  for (let after = ''; ; ) {
    const { items } = await store.range(root, { limit: 1, after });
    const key = items[0]?.key;
    if (key === undefined) return;
    if (foreignKey(key) !== undefined) {
      throw new Unsupported(
        `the store has ${key}, which kube-apiserver wrote: k8ts does not read its data. Give k8ts a store of its own, and copy the objects with kubectl`,
      );
    }
    // The first key after all keys of the group: "0" follows "/".
    after = `${key.slice(0, key.indexOf('/', root.length))}0`;
  }
}

/** @throws Unsupported for a value that kube-apiserver wrote in protobuf */
export function refuseProtobuf(key: string, value: Buffer): void {
  if (!isProtobuf(value)) return;
  throw new Unsupported(
    `cannot read ${key}: kube-apiserver wrote it in protobuf. Give k8ts a store of its own, and copy the objects with kubectl`,
  );
}
