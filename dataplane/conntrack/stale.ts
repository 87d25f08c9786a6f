// Which UDP flows must be deleted (pure). UDP has no end: as long as a client keeps sending, its entry keeps its first
// translation, whatever the rules say now. So an entry is deleted when its backend is no longer an endpoint of the Service, or
// when the entry is older than the Service. Every other entry is left alone.
import type { Flow } from './flow';

export interface UdpFrontend {
  /** An address of the Service, or 'node' for a node port on any address of this node. */
  readonly address: string;
  readonly port: number;
  /** Backends that answer (ready or serving), as `address:port`. */
  readonly backends: ReadonlySet<string>;
  /** Backends before this change; undefined: unknown, because this process has just started. */
  readonly before?: ReadonlySet<string>;
}

export const backendId = (address: string, port: number): string => `${address}:${port}`;

/** The stale flows among `flows`; `nodeAddresses` are this node's own, `isPod` knows addresses of the pod network. */
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
    // Not translated: the entry was created while there was no backend. It is stale only once there is a backend.
    return translated || frontend.backends.size > 0;
  }
  // A node port may carry flows of other programs too. So only two kinds of flows are stale: flows to backends that were the
  // Service's (after a start: backends in the pod network, which only Services use), and flows that no program on the node has
  // answered since the Service took the port over.
  if (!nodeAddresses.has(flow.destination)) return false;
  if (translated) return frontend.before?.has(backend) ?? isPod(flow.replySource);
  return frontend.backends.size > 0 && frontend.before?.size === 0;
}
