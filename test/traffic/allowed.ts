// Which lost requests are allowed, and why. Pure. README.md explains the rules for readers.
import type { EndedPod, Excuse, Fault, RequestEnd, Run } from './accounts';

/** A node is NotReady after 40 s without its kubelet; controller and kube-proxies then need a moment. */
export const nodeGraceMs = 50_000;
/** An announcer is dead after three missed beacons; the next node answers within 3 s (dataplane/announce), more on a busy machine. */
export const announceMs = 8_000;
/** After a pod that was killed is ready again, a proxy may still be about to send a request to its old address. */
export const noticeMs = 2_000;
/**
 * The kernel keeps the translation of an unanswered connection for this long (nf_conntrack_tcp_timeout_syn_sent). A client that uses
 * the same port for the same address again meanwhile is sent to the same dead pod.
 */
export const unansweredMs = 120_000;
/** Around the moment at which the move was seen. */
export const moveMs = 1_500;
/** A pod that ends closes its kept connections within its grace period. */
export const endingMs = 60_000;

/** A request under way between the two times, in milliseconds of the run. */
const overlaps = ({ at, tookMs }: RequestEnd, from: number, until: number): boolean =>
  at <= until && at + tookMs >= from;

const endOf = ({ until }: Fault): number => until ?? Number.POSITIVE_INFINITY;

/** The reason why this loss is allowed, or undefined. */
export function judge(request: RequestEnd, run: Run): Excuse | undefined {
  return (
    throughLostNode(request, run) ??
    toKilledPod(request, run) ??
    throughKilledProcess(request, run) ??
    whileAddressMoves(request, run) ??
    fromIngressToKilledPod(request, run) ??
    closedByEndingPod(request, run)
  );
}

interface Killed {
  readonly fault: Fault;
  readonly pod: EndedPod;
  /** From then on no proxy sends requests to it. */
  readonly untilMs: number;
}
const killedPods = ({ faults }: Run): readonly Killed[] =>
  faults.flatMap((fault) =>
    (fault.killed ?? []).map((pod) => ({
      fault,
      pod,
      // Its node says at once that a pod of a living node is dead; of a lost node the controller says it.
      untilMs: fault.kind === 'node-loss' ? Math.max(pod.at + nodeGraceMs, endOf(fault)) : endOf(fault) + noticeMs,
    })),
  );

/** NAT sent it to a pod that was killed without grace, or a kept connection was one to this pod. */
function toKilledPod(request: RequestEnd, run: Run): Excuse | undefined {
  const isTo = ({ name, address }: EndedPod) =>
    request.target === address || (request.pod === name && isKept(request) && request.way !== 'Ingress');
  const found = killedPods(run).find(
    ({ pod, untilMs }) => isTo(pod) && overlaps(request, pod.at, untilMs + unansweredMs),
  );
  return found && { why: 'to a pod that was killed without grace', fault: found.fault.kind };
}

/** The Ingress opens the connection to the pod, so the client does not know which pod it was. */
function fromIngressToKilledPod(request: RequestEnd, run: Run): Excuse | undefined {
  if (request.way !== 'Ingress' || !isUnanswered(request)) return undefined;
  const found = killedPods(run).find(({ pod, untilMs }) => overlaps(request, pod.at, untilMs));
  return found && { why: 'the Ingress sent it to a pod that was killed without grace', fault: found.fault.kind };
}

const isKept = ({ connection }: RequestEnd): boolean => connection === 'kept';
/** The Ingress accepted it, and got no answer for it. */
const isUnanswered = ({ outcome, detail = '' }: RequestEnd): boolean =>
  outcome === 'timed out' || (outcome === 'wrong answer' && /^status (502|504)/.test(detail));

/**
 * Its connection was one of the killed ingress, or no process listened until the next one did. Likewise a lookup that began while
 * the dns of the client's node was down: the kernel refuses one query a second at once, and a resolver then spends its second
 * attempt at once too.
 */
function throughKilledProcess(request: RequestEnd, { faults }: Run): Excuse | undefined {
  const isLookup = (request.way === 'DNS' || request.way === 'headless name') && request.target === undefined;
  if (request.outcome === 'wrong answer' || !(isLookup || request.way === 'Ingress')) return undefined;
  const kind = isLookup ? 'dns' : 'ingress';
  const isThrough = (fault: Fault) =>
    isLookup ? request.at >= fault.from && request.at <= endOf(fault) : overlaps(request, fault.from, endOf(fault));
  const found = faults.some((fault) => fault.kind === kind && fault.node === request.via && isThrough(fault));
  return found ? { why: `through the killed ${kind}`, fault: kind } : undefined;
}

/** The client named an address of the node. */
function throughLostNode(request: RequestEnd, { faults }: Run): Excuse | undefined {
  if (request.via === undefined) return undefined;
  const found = faults.some(
    (fault) => fault.kind === 'node-loss' && fault.node === request.via && overlaps(request, fault.from, endOf(fault)),
  );
  return found ? { why: 'through the lost node', fault: 'node-loss' } : undefined;
}

/**
 * The load balancer's address moves from a node that was lost, or whose kube-proxy was killed, and moves back when this node is
 * there again. The other node does not know the connections, so those that are under way or kept at the move end. A lost node
 * answers no new connection either, until the next node does.
 */
function whileAddressMoves(request: RequestEnd, { faults, moves }: Run): Excuse | undefined {
  if (request.way !== 'LoadBalancer') return undefined;
  for (const { at, from, to } of moves) {
    const fault = faults.find(
      (each) =>
        (each.kind === 'node-loss' || each.kind === 'kube-proxy') &&
        at >= each.from &&
        ((each.node === from && at <= each.from + announceMs) ||
          (each.node === to && at <= ableAgain(each, faults) + announceMs)),
    );
    if (!fault) continue;
    const begin = fault.kind === 'node-loss' && fault.node === from ? fault.from : at - moveMs;
    if (overlaps(request, begin, at + moveMs)) return { why: "the load balancer's address moves", fault: fault.kind };
  }
  return undefined;
}

/** A kube-proxy that was started while no API server answered announces nothing before one does. */
const ableAgain = (fault: Fault, faults: readonly Fault[]): number =>
  faults
    .filter(
      ({ kind, from, until }) => kind === 'api-down' && from <= endOf(fault) && (until ?? fault.from) >= fault.from,
    )
    .reduce((last, down) => Math.max(last, endOf(down)), endOf(fault));

/**
 * A pod that ends in order closes its idle connections; a request that crosses this close on its way is sent again. Not for the
 * Ingress, whose connections do not end with a pod.
 */
function closedByEndingPod(request: RequestEnd, { ended, faults }: Run): Excuse | undefined {
  if (request.outcome !== 'ok' || !request.sentAgain || request.way === 'Ingress') return undefined;
  const found = ended.find(({ name, at }) => name === request.pod && overlaps(request, at, at + endingMs));
  if (!found) return undefined;
  const fault = faults.find((each) => each.kind === 'drain' && found.at >= each.from && found.at <= endOf(each));
  return { why: 'sent again: an ending pod closed its kept connection', fault: fault?.kind ?? 'rollout' };
}
