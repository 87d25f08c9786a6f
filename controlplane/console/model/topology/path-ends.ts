// What boxes and connections are called in a question about a path: `k8ts path FROM TO`.
import { hashOf } from '../routes';
import type { Box } from './boxes';
import type { Flow } from './traffic';

export interface PathEnds {
  readonly from?: string;
  readonly to?: string;
}

/** undefined where no packet begins or ends. */
export function endOf(box: Box): PathEnds | undefined {
  const { kind, namespace, name, pods } = box;
  switch (kind) {
    case 'outside':
      return { from: 'outside' };
    case 'node':
      return { from: `node/${name}` };
    case 'service':
      return box.ports[0] === undefined ? undefined : { to: `svc/${namespace}/${name}:${box.ports[0]}` };
    case 'ingress':
      return box.facts[0] === undefined || box.facts[0] === '*' ? undefined : { to: `http://${box.facts[0]}/` };
    case 'workload': {
      const pod = pods.find(({ isReady }) => isReady) ?? pods[0];
      return pod && { from: pod.key };
    }
    default:
      return undefined;
  }
}

/** The way of this connection: from the pod that has its source, to the address that its client has written. */
export function endsOfFlow(
  from: Box,
  { protocol, source, destination, port }: Pick<Flow, 'protocol' | 'source' | 'destination' | 'port'>,
): PathEnds | undefined {
  const pod = from.pods.find(({ addresses }) => addresses.includes(source));
  const sender =
    pod?.key ?? (from.kind === 'node' ? `node/${from.name}` : from.kind === 'outside' ? source : undefined);
  if (sender === undefined) return undefined;
  const address = destination.includes(':') && port !== undefined ? `[${destination}]` : destination;
  const at = port === undefined ? address : `${address}:${port}`;
  return { from: sender, to: protocol === 'tcp' ? at : `${at}/${protocol}` };
}

/** The page of the question. `ask`: it is asked at once; `probe`: `no` packet is sent. */
export const pathHash = (query: PathEnds & { readonly ask?: string; readonly probe?: 'no' }): string =>
  hashOf({ view: 'path', namespace: '', query: { ...query } });
