// Which UDP flows must be forgotten (pure). UDP has no end: as long as a client keeps sending, its entry keeps its first
// translation, whatever the rules say now. So an entry is deleted when its backend is not one of the Service any more, or when
// it was made before the Service existed. Every other entry is left alone.
import type { Flow } from './flow';

export interface UdpFrontend {
  /** An address of the Service, or 'node' for a node port on any address of this node. */
  readonly address: string;
  readonly port: number;
  /** Backends that take new flows, as `address:port`. */
  readonly backends: ReadonlySet<string>;
  /** Backends at the time before this change; undefined: not known, because this process has just started. */
  readonly before?: ReadonlySet<string>;
}

export const backendId = (address: string, port: number): string => `${address}:${port}`;

/** The flows of `flows` that lead nowhere; `nodeAddresses` are this node's own, `isPod` knows addresses of the pod network. */
export function staleFlows(
  flows: readonly Flow[],
  frontends: readonly UdpFrontend[],
  nodeAddresses: ReadonlySet<string>,
  isPod: (address: string) => boolean,
): Flow[] {
  const byPort = Map.groupBy(frontends, (frontend) => frontend.port);
  return flows.filter((flow) =>
    (byPort.get(flow.destinationPort) ?? []).some((frontend) => isStale(flow, frontend, nodeAddresses, isPod)),
  );
}

function isStale(
  flow: Flow,
  frontend: UdpFrontend,
  nodeAddresses: ReadonlySet<string>,
  isPod: (address: string) => boolean,
): boolean {
  const backend = backendId(flow.replySource, flow.replySourcePort);
  if (frontend.backends.has(backend)) return false;
  const translated = flow.replySource !== flow.destination || flow.replySourcePort !== flow.destinationPort;
  if (frontend.address !== 'node') {
    if (flow.destination !== frontend.address) return false;
    // Not translated: made while there was no backend. It is in the way only once there is one.
    return translated || frontend.backends.size > 0;
  }
  // A node port may carry flows of other programs too: only backends known to have been ours are, or, after a start, those in
  // the pod network, where only Services lead; and flows that a program on the node itself has not answered for since the
  // Service took the port over.
  if (!nodeAddresses.has(flow.destination)) return false;
  if (translated) return frontend.before?.has(backend) ?? isPod(flow.replySource);
  return frontend.backends.size > 0 && frontend.before?.size === 0;
}
