// A real etcd of one member for a run: Debian's etcd-server on loopback, with its data in the folder of the run.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { type Daemon, startProgram } from '../../../dataplane/exec/system-exec';
import type { EtcdProcess } from './apply-faults';
import { freePort } from './ports';

export interface RunningEtcd extends EtcdProcess {
  /** Of its clients, on loopback. */
  readonly port: number;
  close(): Promise<void>;
}

/** @throws NotFound when etcd is not installed */
export async function startEtcd(folder: string): Promise<RunningEtcd> {
  const port = await freePort();
  const [client, peer] = [`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`];
  const log = createWriteStream(join(folder, 'etcd.log'));
  const argv = [
    'etcd',
    '--name=run',
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=http://${client}`,
    `--advertise-client-urls=http://${client}`,
    `--listen-peer-urls=http://${peer}`,
    `--initial-advertise-peer-urls=http://${peer}`,
    `--initial-cluster=run=http://${peer}`,
    '--logger=zap',
    '--log-level=warn',
  ];
  const start = () => startProgram(argv, { onOutput: (chunk) => log.write(chunk) });
  let daemon: Daemon = await start();
  const end = async () => {
    daemon.kill('SIGKILL');
    await daemon.exited;
  };
  return {
    port,
    signal: (signal) => daemon.kill(signal),
    kill: async () => {
      await end();
      daemon = await start();
    },
    close: async () => {
      await end();
      log.end();
    },
  };
}
