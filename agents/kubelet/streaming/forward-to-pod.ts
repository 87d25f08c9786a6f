// The far side of a port-forward: a connection to the pod's own loopback, opened inside its network namespace.
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connectInNetns } from '../../../dataplane/netns/connect';
import { netnsOfProcess } from '../../../dataplane/netns/system-netns';

export interface PodPort {
  /** A process in the pod's namespace: the pause container's. */
  readonly pid: number;
  readonly port: number;
}

/**
 * Carries bytes between `connection` and 127.0.0.1:port in the pod until both directions have ended. Half-closing one
 * direction leaves the other open. When either side breaks the connection, it ends without a failure: kubectl ends all its
 * connections after one reported failure. @throws NotFound when the pod has ended, Unavailable when no process listens.
 */
export async function forwardToPod({ pid, port }: PodPort, connection: Duplex, signal: AbortSignal): Promise<void> {
  const socket = await connectInNetns(netnsOfProcess(pid), { host: '127.0.0.1', port, signal });
  try {
    await Promise.all([pipeline(connection, socket, { signal }), pipeline(socket, connection, { signal })]);
  } catch (err) {
    connection.destroy(err instanceof Error ? err : undefined);
  } finally {
    socket.destroy();
  }
}
