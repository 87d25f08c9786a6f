// A kubelet's writes of pods: it may create mirror pods on its node that refer to no other object, delete and evict pods of its
// node, and write their status. A part of NodeRestriction.
import { isDeepStrictEqual } from 'node:util';
import { nodes, type Pod, pods } from '../../api/index';
import { podReferences } from '../../api/pods/references';
import type { OwnerReference } from '../../api/types';
import type { Cache } from '../cache/cache';
import { forbidden, notFound } from '../status';
import type { Write } from '../write/rule';

export const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** @throws Forbidden */
export function admitNodePod(write: Write, node: string, cache: Cache): void {
  const refuse = (why: string) => forbidden(write.kind, write.name, why);
  const { operation, subresource } = write;
  if (subresource === '') {
    if (operation === 'create') {
      const refusal = mirrorRefusal(write.object as Pod, node, cache);
      if (refusal) throw refuse(refusal);
    } else if (operation === 'delete') {
      bindsTo(write, node, cache, 'delete pods');
    } else {
      throw refuse(
        `unexpected operation "${operation.toUpperCase()}", node "${node}" can only create and delete mirror pods`,
      );
    }
  } else if (subresource === 'status') {
    bindsTo(write, node, cache, 'update pod status for pods');
    const refusal = statusRefusal(write.object as Pod, write.old as Pod, node);
    if (refusal) throw refuse(refusal);
  } else if (subresource === 'eviction') {
    bindsTo(write, node, cache, 'evict pods', node);
  } else {
    throw refuse(`unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`);
  }
}

/** @throws Forbidden unless the pod is bound to the node */
function bindsTo(
  { kind, namespace, name, old }: Write,
  node: string,
  cache: Cache,
  what: string,
  // Upstream's words differ by quotation marks.
  shown = JSON.stringify(node),
): void {
  const pod = (old as Pod | undefined) ?? cache.kind(pods).get(`${namespace}/${name}`)?.object;
  if (!pod) throw notFound(kind, name);
  if (pod.spec?.nodeName === node) return;
  throw forbidden(kind, name, `node ${shown} can only ${what} with spec.nodeName set to itself`);
}

/** A pod that a node creates must give the node no new access: it is bound to this node and refers to no other object. */
function mirrorRefusal(pod: Pod, node: string, cache: Cache): string | undefined {
  const { metadata, spec } = pod;
  if (metadata?.annotations?.[mirrorAnnotation] === undefined) {
    return `pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`;
  }
  if (spec?.nodeName !== node) return `node "${node}" can only create pods with spec.nodeName set to itself`;
  const refusal = ownerRefusal(metadata.ownerReferences ?? [], node, cache);
  if (refusal) return refusal;
  const [reference] = podReferences(pod);
  return reference && `node "${node}" can not create pods that reference ${reference.what}`;
}

function ownerRefusal(owners: readonly OwnerReference[], node: string, cache: Cache): string | undefined {
  const only = `node "${node}" can only create pods with`;
  const [owner] = owners;
  if (owners.length > 1) return `${only} a single owner reference set to itself`;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `${only} an owner reference set to itself`;
  }
  if (!owner.controller) return `${only} a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion) return `node "${node}" must not set blockOwnerDeletion on an owner reference`;
  const uid = cache.kind(nodes).get(node)?.object.metadata?.uid;
  if (uid === undefined) throw notFound(nodes, node);
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`;
}

/**
 * A write of the status must change nothing else: with new labels the pod would join Services and policies. Upstream does not
 * protect annotations and finalizers; this server does.
 */
function statusRefusal(pod: Pod, old: Pod, node: string): string | undefined {
  for (const field of ['labels', 'annotations', 'finalizers'] as const) {
    const [before, after] = [old.metadata?.[field] ?? {}, pod.metadata?.[field] ?? {}];
    if (Object.keys(before).length + Object.keys(after).length > 0 && !isDeepStrictEqual({ ...before }, { ...after })) {
      return `node "${node}" cannot update ${field} through pod status`;
    }
  }
  const claims = [old, pod].map(({ status }) => status?.resourceClaimStatuses ?? []);
  return isDeepStrictEqual(claims[0], claims[1]) ? undefined : `node "${node}" cannot update resource claim statues`;
}
