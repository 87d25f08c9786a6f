// NodeRestriction: a kubelet writes its own Node, its own Lease and the pods bound to its node, and nothing of others.
import { leases, nodes, type Pod, pods, serviceAccounts } from '../../api/index';
import { nodeNameOf } from '../authz/node';
import type { Cache } from '../cache/cache';
import { forbidden } from '../status';
import type { AdmissionPlugin, Write } from './admission';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const reservedLabelPrefix = 'node-restriction.kubernetes.io/';

export function nodeRestriction(cache: Cache): AdmissionPlugin {
  return (write) => {
    const node = nodeNameOf(write.user);
    if (node === undefined) return;
    switch (write.kind.prefix) {
      case nodes.prefix:
        admitNode(write, node);
        break;
      case pods.prefix:
        admitPod(write, node, cache);
        break;
      case leases.prefix:
        if (write.name !== node)
          throw forbidden(
            write.kind,
            write.name,
            `can only access node lease with the same name as the requesting node`,
          );
        break;
      case serviceAccounts.prefix:
        if (write.subresource === 'token') admitToken(write, node, cache);
        break;
    }
  };
}

function admitNode(write: Write, node: string): void {
  const { kind, name, object, old } = write;
  const named = name === '' ? object?.metadata?.name : name;
  if (named !== node) throw forbidden(kind, name, `node "${node}" is not allowed to modify node "${named ?? ''}"`);
  const before = old?.metadata?.labels ?? {};
  for (const [label, value] of Object.entries(object?.metadata?.labels ?? {})) {
    const reserved = (label.split('/')[0] ?? '').endsWith(reservedLabelPrefix.slice(0, -1)) && label.includes('/');
    if (reserved && before[label] !== value) {
      throw forbidden(kind, name, `is not allowed to modify labels: ${label}`);
    }
  }
}

function admitPod(write: Write, node: string, cache: Cache): void {
  const { kind, name, namespace, operation, subresource, object, old } = write;
  if (operation === 'create' && subresource === '') {
    const pod = object as Pod;
    if (!pod.metadata?.annotations?.[mirrorAnnotation]) {
      throw forbidden(
        kind,
        name,
        `pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`,
      );
    }
    if (pod.spec?.nodeName !== node)
      throw forbidden(kind, name, `node "${node}" can only create pods with spec.nodeName set to itself`);
    return;
  }
  const existing = (old as Pod | undefined) ?? cache.kind(pods).get(`${namespace}/${name}`)?.object;
  if (existing && existing.spec?.nodeName !== node) {
    throw forbidden(kind, name, `node "${node}" can only modify pods with spec.nodeName set to itself`);
  }
}

/** Tokens only for a pod that runs here and uses this account. */
function admitToken({ kind, name, namespace, object }: Write, node: string, cache: Cache): void {
  const bound = (object as { spec?: { boundObjectRef?: { kind?: string; name?: string; uid?: string } } } | undefined)
    ?.spec?.boundObjectRef;
  if (bound?.kind !== 'Pod' || !bound.name) throw forbidden(kind, name, `node requested token not bound to a pod`);
  if (!bound.uid) throw forbidden(kind, name, 'node requested token with a pod binding without a uid');
  const pod = cache.kind(pods).get(`${namespace}/${bound.name}`)?.object;
  if (!pod || pod.metadata?.uid !== bound.uid) {
    throw forbidden(
      kind,
      name,
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record`,
    );
  }
  if (pod.spec?.nodeName !== node)
    throw forbidden(kind, name, 'node requested token bound to a pod scheduled on a different node');
  if ((pod.spec.serviceAccountName ?? 'default') !== name) {
    throw forbidden(kind, name, 'node requested token of a service account that the pod does not use');
  }
}
