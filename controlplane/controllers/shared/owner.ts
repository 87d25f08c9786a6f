// The owners of an object: one way to read and write metadata.ownerReferences.
import type { KubeObject, ObjectMeta, OwnerReference } from '../../api/types';

/** The one owner that manages the object, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

/** A reference that makes `owner` the controller of an object; a foreground deletion of the owner waits for that object. */
export function controllerReference(
  kind: { readonly apiVersion: string; readonly kind: string },
  owner: KubeObject,
): OwnerReference {
  const { name = '', uid = '' } = owner.metadata ?? {};
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export const isDeleting = ({ metadata }: KubeObject): boolean => metadata?.deletionTimestamp !== undefined;

/** The metadata of an object from the API. @throws TypeError when there is none: an error in the program */
export function metaOf(object: KubeObject): ObjectMeta & { name: string; uid: string } {
  const { metadata } = object;
  if (metadata?.name === undefined) throw new TypeError('an object from the API must have metadata.name');
  return metadata as ObjectMeta & { name: string; uid: string };
}
