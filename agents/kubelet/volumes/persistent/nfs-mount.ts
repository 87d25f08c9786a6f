// How an NFS export is mounted. Pure. Source: nfs(5).
import { isIPv6 } from 'node:net';
import type { ProgramMount } from '../../../../dataplane/mount/mount-program';

export interface NfsSource {
  readonly server: string;
  readonly path: string;
}

export const nfsMount = ({ server, path }: NfsSource, target: string, options: readonly string[]): ProgramMount => ({
  type: 'nfs',
  source: `${isIPv6(server) ? `[${server}]` : server}:${path}`,
  target,
  options,
});
