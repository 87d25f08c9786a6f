// Which lost requests are allowed, and why. Pure. README.md explains the rules for readers.
import type { EndedPod, Fault, RequestEnd, Run } from './accounts';

/** A node is NotReady after 40 s without its kubelet; controller and kube-proxies then need a moment. */
export const nodeGraceMs = 50_000;
/** An announcer is dead after three missed beacons; the next node answers within 3 s (dataplane/announce), more on a busy machine. */
export const announceMs = 8_000;
/** A pod that ends closes its kept connections within its grace period, and its name stays in answers that were under way. */
export const endingMs = 60_000;

/** A request under way between the two times, in milliseconds of the run. */
const overlaps = ({ at, tookMs }: RequestEnd, from: number, until: number): boolean =>
  at <= until && at + tookMs >= from;

const endOf = ({ until }: Fault): number => until ?? Number.POSITIVE_INFINITY;

/** The reason why this loss is allowed, or undefined. */
export function judge(request: RequestEnd, run: Run): string | undefined {
  return (
    toKilledPod(request, run) ??
    throughKilledIngress(request, run) ??
    throughLostNode(request, run) ??
    whileAddressMoves(request, run) ??
    closedByEndingPod(request, run)
  );
}

/** The kernel sent it to a pod that was killed without grace, or a kept connection was one to this pod. */
function toKilledPod(request: RequestEnd, { faults }: Run): string | undefined {
  const killed = faults.flatMap((fault) => (fault.killed ?? []).map((pod) => ({ fault, pod })));
  const isTo = ({ name, address }: EndedPod) =>
    request.target === address || (request.pod === name && isKept(request) && request.way !== 'Ingress');
  const found = killed.find(
    ({ fault, pod }) => isTo(pod) && overlaps(request, pod.at, Math.max(pod.at + nodeGraceMs, endOf(fault))),
  );
  if (found) return 'to a pod that was killed without grace';
  // The Ingress opens the connection to the pod, so the client's kernel does not know the pod.
  const dead = killed.find(({ pod }) => overlaps(request, pod.at, pod.at + nodeGraceMs));
  return dead && request.way === 'Ingress' && isBadGateway(request)
    ? 'the Ingress was sending it to a pod that was killed without grace'
    : undefined;
}

const isKept = ({ connection }: RequestEnd): boolean => connection === 'kept';
const isBadGateway = ({ outcome, detail = '' }: RequestEnd): boolean =>
  outcome === 'wrong answer' && /^status (502|504)/.test(detail);

/** Its connection was one of the killed process, or no process listened until the next one did. */
function throughKilledIngress(request: RequestEnd, { faults }: Run): string | undefined {
  if (request.way !== 'Ingress') return undefined;
  const found = faults.some(
    (fault) => fault.kind === 'ingress' && fault.node === request.via && overlaps(request, fault.from, endOf(fault)),
  );
  return found ? 'through the killed ingress' : undefined;
}

/** The client named an address of the node. */
function throughLostNode(request: RequestEnd, { faults }: Run): string | undefined {
  const found = faults.some(
    (fault) => fault.kind === 'node-loss' && fault.node === request.via && overlaps(request, fault.from, endOf(fault)),
  );
  return found ? 'through the lost node' : undefined;
}

/**
 * The load balancer's address moves from a node that was lost, or whose kube-proxy was killed: connections that are kept through it
 * end, because the other node does not know them. New connections are lost only with the node, until the next node answers.
 */
function whileAddressMoves(request: RequestEnd, { faults }: Run): string | undefined {
  if (request.way !== 'LoadBalancer') return undefined;
  const found = faults.find(
    (fault) =>
      fault.announcer === fault.node &&
      (fault.kind === 'node-loss' || (fault.kind === 'kube-proxy' && isKept(request))) &&
      overlaps(request, fault.from, fault.from + announceMs),
  );
  return found ? "the load balancer's address moves" : undefined;
}

/**
 * A pod that ends in order closes its idle connections; a request that crosses this close on its way is sent again. Not for the
 * Ingress, whose connections do not end with a pod.
 */
function closedByEndingPod(request: RequestEnd, { ended }: Run): string | undefined {
  if (request.outcome !== 'ok' || !request.sentAgain || request.way === 'Ingress') return undefined;
  const found = ended.some(({ name, at }) => name === request.pod && overlaps(request, at, at + endingMs));
  return found ? 'sent again after an ending pod closed its kept connection' : undefined;
}
