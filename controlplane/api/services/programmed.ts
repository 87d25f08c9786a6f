// Condition Programmed of a Service, and the receipts from which it is computed. Nodes write the receipts, a controller the
// condition; both use this file. Pure.
import type { Lease } from '../lease';
import type { Service } from '../service';
import { isExternalName, isHeadless } from './types';

/** The name of Gateway API: the desired state has been sent to the data plane. */
export const programmedType = 'Programmed';
/** The namespace of the nodes' Leases, not that of leader election: kube-proxy may write Leases only here. */
export const receiptNamespace = 'kube-node-lease';
const receiptLabel = 'k8ts.io/receipt-of-node';
const servicesAnnotation = 'k8ts.io/programmed-services';
const slicesAnnotation = 'k8ts.io/programmed-endpointslices';
/** A Service with this label is served by some other proxy. */
const otherProxyLabel = 'service.kubernetes.io/service-proxy-name';

/**
 * Which changes the kernel of a node has: all of Services up to revision `services`, and all of EndpointSlices up to revision
 * `slices`. Two numbers suffice for any number of Services, since revisions count all writes of the store.
 */
export interface Receipt {
  readonly services: number;
  readonly slices: number;
}

/** True until the condition is True for the present spec: until then nodes report and the controller counts. */
export function awaitsProgramming({ metadata, status }: Service): boolean {
  const condition = status?.conditions?.find(({ type }) => type === programmedType);
  return condition?.status !== 'True' || condition.observedGeneration !== metadata?.generation;
}

/** Why nodes have nothing to program; undefined when they have. */
export function nothingToProgram({ metadata, spec }: Service): string | undefined {
  if (!spec || isExternalName(spec)) return 'ExternalName: DNS alone answers for it';
  if (metadata?.labels?.[otherProxyLabel] !== undefined) return `another proxy serves it (label ${otherProxyLabel})`;
  return isHeadless(spec) ? 'headless: clients reach its pods directly' : undefined;
}

export const receiptName = (node: string): string => `kube-proxy-${node}`;

/** A Lease, because every API server has this kind, it is small and few clients watch it; kubelets use Leases in the same way. */
export function renderReceipt(node: string, uid: string | undefined, receipt: Receipt, renewTime: string): Lease {
  const owner = { apiVersion: 'v1', kind: 'Node', name: node, uid: uid ?? '' };
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: receiptName(node),
      namespace: receiptNamespace,
      labels: { [receiptLabel]: node },
      annotations: { [servicesAnnotation]: String(receipt.services), [slicesAnnotation]: String(receipt.slices) },
      // The garbage collector deletes the Lease with its node.
      ...(uid === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: { holderIdentity: node, renewTime },
  };
}

/** Undefined for a Lease that is not a receipt. */
export function parseReceipt({ metadata }: Lease): (Receipt & { readonly node: string }) | undefined {
  const node = metadata?.labels?.[receiptLabel];
  if (metadata?.namespace !== receiptNamespace || node === undefined) return undefined;
  const number = (annotation: string) => Number(metadata.annotations?.[annotation] ?? 0) || 0;
  return { node, services: number(servicesAnnotation), slices: number(slicesAnnotation) };
}
