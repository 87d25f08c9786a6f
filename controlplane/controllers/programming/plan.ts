// The condition Programmed of a Service, from the receipts of the nodes. Pure: time is an argument.
import { isReady } from '../../api/conditions';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Node } from '../../api/node';
import type { Service } from '../../api/service';
import { nothingToProgram, type Receipt } from '../../api/services/programmed';

/** Nodes that are done sooner lead to one write. The message of a Service that waits longer names the nodes. */
export const patienceMs = 5_000;
/** How many nodes a message names. */
const maxNamed = 5;

/** A Service whose condition is not true yet. */
export interface Pending {
  readonly sinceMs: number;
  /** The revision that nodes must have reached: that of the last change that alters their rules. */
  readonly services: number;
  /** The same for its EndpointSlices, as far as the Service waits for them. */
  readonly slices: number;
}

export interface Facts {
  readonly pending: Pending;
  /** Whether it has EndpointSlices yet; a Service without a selector may never have any. */
  readonly hasSlices: boolean;
  readonly nodes: readonly Node[];
  readonly receipts: ReadonlyMap<string, Receipt>;
}

export interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason:
    | 'Programmed'
    | 'NothingToProgram'
    | 'NodesPending'
    | 'NoNodes'
    | 'EndpointsPending'
    | 'AddressNotAssigned';
  readonly message: string;
}

/**
 * The Service does not wait for nodes that are not ready, but the message names them: one dead machine must not delay every Service. A
 * load balancer without its address is not programmed, as in Gateway API.
 */
export function judge(service: Service, { pending, hasSlices, nodes, receipts }: Facts): Verdict {
  const nothing = nothingToProgram(service);
  if (nothing !== undefined) return { status: 'True', reason: 'NothingToProgram', message: nothing };
  const ready = nodes.filter(isReady).map(nameOf).sort();
  const unready = nodes.filter((node) => !isReady(node)).map(nameOf);
  const waiting = ready.filter((node) => {
    const receipt = receipts.get(node);
    return !receipt || receipt.services < pending.services || receipt.slices < pending.slices;
  });
  const left = unready.length === 0 ? '' : `; not ready and not waited for: ${list(unready)}`;
  const count = `${ready.length - waiting.length} of ${nodes.length} nodes`;
  const no = (reason: Verdict['reason'], message: string): Verdict => ({ status: 'False', reason, message });
  if (ready.length === 0) return no('NoNodes', `no node is ready${left}`);
  if (waiting.length > 0) return no('NodesPending', `${count}; waiting for ${list(waiting)}${left}`);
  const selects = Object.keys(service.spec?.selector ?? {}).length > 0;
  if (selects && !hasSlices) return no('EndpointsPending', `${count}; its EndpointSlices do not exist yet${left}`);
  if (service.spec?.type === 'LoadBalancer' && !service.status?.loadBalancer?.ingress?.length) {
    return no('AddressNotAssigned', `${count}; no load balancer address yet${left}`);
  }
  return { status: 'True', reason: 'Programmed', message: `${count}${left}` };
}

/** The revision of Services that all ready nodes have reached; Infinity without ready nodes. */
export function lowestReceipt(nodes: readonly Node[], receipts: ReadonlyMap<string, Receipt>): number {
  return nodes
    .filter(isReady)
    .reduce((least, node) => Math.min(least, receipts.get(nameOf(node))?.services ?? 0), Number.POSITIVE_INFINITY);
}

/** The fields from which nodes make rules: after a change the Service needs new receipts. */
export function relevantParts({ metadata, spec, status }: Service): string {
  return JSON.stringify([metadata?.generation, metadata?.labels, spec, status?.loadBalancer]);
}

/**
 * The revision of slices that the Service waits for. Slices that appear soon after the Service raise it, so that the Service is not
 * done before it has slices. Later slices do not, or a Service whose pods change often would never be done.
 */
export function withSlices(pending: Pending, slices: readonly EndpointSlice[], now: number): Pending {
  if (now - pending.sinceMs >= patienceMs && pending.slices > 0) return pending;
  const newest = slices.reduce((most, { metadata }) => Math.max(most, Number(metadata?.resourceVersion ?? 0)), 0);
  return newest > pending.slices ? { ...pending, slices: newest } : pending;
}

const nameOf = ({ metadata }: Node): string => metadata?.name ?? '';

function list(names: readonly string[]): string {
  const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
  return `${[...names].sort().slice(0, maxNamed).join(', ')}${more}`;
}
