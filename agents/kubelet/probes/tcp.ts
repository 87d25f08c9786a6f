// One TCP connection attempt.
import { connect } from 'node:net';
import type { ProbeOutcome } from './http';

/** Succeeds when the connection is accepted. Never rejects. */
export function tcpProbe(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (success: boolean, output: string) => {
      socket.destroy();
      resolve({ success, output });
    };
    socket.setTimeout(timeoutMs, () => finish(false, `dial tcp ${host}:${port}: i/o timeout`));
    socket.on('connect', () => finish(true, ''));
    socket.on('error', (err: NodeJS.ErrnoException) => {
      const why = err.code === 'ECONNREFUSED' ? 'connect: connection refused' : err.message;
      finish(false, `dial tcp ${host}:${port}: ${why}`);
    });
  });
}
