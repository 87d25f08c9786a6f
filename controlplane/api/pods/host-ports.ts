// Ports of its node that a pod occupies: one rule for the scheduler, which avoids a clash, and the kubelet, which refuses one.
import { lastingContainers } from './facts';
import type { PodSpec } from './types';

export interface HostPort {
  readonly protocol: string;
  /** 0.0.0.0 means every address. */
  readonly ip: string;
  readonly port: number;
}

/** On the node's network each port of a container is one of the node's. */
export function hostPortsOf(spec: PodSpec): HostPort[] {
  return lastingContainers(spec).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP }) => {
      const port = hostPort || (spec.hostNetwork ? containerPort : 0);
      return port ? [{ protocol, ip: hostIP || '0.0.0.0', port }] : [];
    }),
  );
}

export const hostPortsClash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');
