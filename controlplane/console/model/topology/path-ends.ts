// What a box is called in a question about a path: `k8ts path FROM TO`.
import { hashOf } from '../routes';
import type { Box } from './boxes';

export interface PathEnds {
  readonly from?: string;
  readonly to?: string;
}

/** undefined where no packet begins or ends. `port`: of the connections that were seen. */
export function endOf(box: Box, port?: number): PathEnds | undefined {
  const { kind, namespace, name, pods } = box;
  switch (kind) {
    case 'outside':
      return { from: 'outside' };
    case 'node':
      return { from: `node/${name}` };
    case 'service':
      return { to: withPort(`svc/${namespace}/${name}`, port ?? box.ports[0]) };
    case 'ingress':
      return box.facts[0] === undefined || box.facts[0] === '*' ? undefined : { to: `http://${box.facts[0]}/` };
    case 'workload': {
      const pod = pods.find(({ isReady }) => isReady) ?? pods[0];
      return pod && { from: pod.key, to: withPort(`pod/${namespace}/${pod.name}`, port) };
    }
    case 'elsewhere':
      return undefined;
  }
}

const withPort = (text: string, port: number | undefined): string => (port === undefined ? text : `${text}:${port}`);

/** The page of the question. `ask`: it is asked at once; `probe`: `no` packet is sent. */
export const pathHash = (query: PathEnds & { readonly ask?: string; readonly probe?: 'no' }): string =>
  hashOf({ view: 'path', namespace: '', query: { ...query } });
