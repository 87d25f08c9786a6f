// Data that the real kube-apiserver wrote into the same store. k8ts does not read it: its keys are other ones, and most of its values are
// protobuf. Pure.
import { Unsupported } from '../base/errors';

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

/** @throws Unsupported for a value that kube-apiserver wrote in protobuf */
export function refuseProtobuf(key: string, value: Buffer): void {
  if (!isProtobuf(value)) return;
  throw new Unsupported(
    `cannot read ${key}: kube-apiserver wrote it in protobuf. Give k8ts a store of its own, and copy the objects with kubectl`,
  );
}
