// Condition Programmed of a Service, and the receipts of nodes it is made from. Nodes write the receipts, a controller the
// condition; this is what both have to agree on. Pure.
import type { Lease } from '../lease';
import type { Service } from '../service';
import { isExternalName, isHeadless } from './types';

/** As Gateway API names it: what was asked for has been sent to the data plane. */
export const programmedType = 'Programmed';
/** Beside the nodes' own Leases, and away from those that leaders are elected by: kube-proxy may write Leases here alone. */
export const receiptNamespace = 'kube-node-lease';
const receiptLabel = 'k8ts.io/receipt-of-node';
const servicesAnnotation = 'k8ts.io/programmed-services';
const slicesAnnotation = 'k8ts.io/programmed-endpointslices';
/** A Service with this label is served by some other proxy. */
const otherProxyLabel = 'service.kubernetes.io/service-proxy-name';

/**
 * How far the kernel of a node is: every change of a Service up to revision `services`, and of an EndpointSlice up to
 * revision `slices`, is in it. Two numbers, however many Services there are: revisions count the writes of a whole store.
 */
export interface Receipt {
  readonly services: number;
  readonly slices: number;
}

/** True while the condition does not say yes for the spec there is: nodes then report, and the controller counts. */
export function awaitsProgramming({ metadata, status }: Service): boolean {
  const condition = status?.conditions?.find(({ type }) => type === programmedType);
  return condition?.status !== 'True' || condition.observedGeneration !== metadata?.generation;
}

/** Undefined where nodes have work to do; else why they have none. */
export function nothingToProgram({ metadata, spec }: Service): string | undefined {
  if (!spec || isExternalName(spec)) return 'ExternalName: DNS alone answers for it';
  if (metadata?.labels?.[otherProxyLabel] !== undefined) return `another proxy serves it (label ${otherProxyLabel})`;
  return isHeadless(spec) ? 'headless: clients reach its pods directly' : undefined;
}

export const receiptName = (node: string): string => `kube-proxy-${node}`;

/** A Lease, because every API server has that kind, it is small and few watch it; kubelets use one in the same way. */
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
      // Goes with the node.
      ...(uid === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: { holderIdentity: node, renewTime },
  };
}

/** Undefined for a Lease that is no receipt. */
export function parseReceipt({ metadata }: Lease): (Receipt & { readonly node: string }) | undefined {
  const node = metadata?.labels?.[receiptLabel];
  if (metadata?.namespace !== receiptNamespace || node === undefined) return undefined;
  const number = (annotation: string) => Number(metadata.annotations?.[annotation] ?? 0) || 0;
  return { node, services: number(servicesAnnotation), slices: number(slicesAnnotation) };
}
