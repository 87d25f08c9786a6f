// A real etcd of one member for tests: Debian's etcd-server, on loopback, with its data in a folder of the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Test } from 'tap';
import { type Endpoint, EtcdConnection } from '../../controlplane/store/etcd/connection';

export interface TestEtcd {
  readonly endpoint: Endpoint;
  /** For --store. */
  readonly url: string;
  /** Removes all keys; revisions go on. */
  clear(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** After kill(): starts it again with its data. */
  start(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export async function startEtcd(t: Test, options: readonly string[] = []): Promise<TestEtcd> {
  const dir = t.testdir();
  const [client, peer] = await freePorts(2);
  const endpoint = { host: '127.0.0.1', port: client! };
  const clientUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const argv = [
    '--name=test',
    `--data-dir=${dir}/etcd`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=test=${peerUrl}`,
    '--logger=zap',
    '--log-level=error',
    ...options,
  ];
  let process: ChildProcess | undefined;
  const start = async () => {
    process = spawn('etcd', argv, { stdio: 'ignore' });
    await once(process, 'spawn');
    // A read is repeated until a member answers, which needs a leader.
    const etcd = await EtcdConnection.open({ endpoints: [endpoint], limits: { outageMs: 30_000 } });
    try {
      await etcd.read('Range', { key: Buffer.from('any') });
    } finally {
      etcd.close();
    }
  };
  const kill = async () => {
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  };
  t.teardown(kill);
  await start();
  return {
    endpoint,
    url: `etcd://${endpoint.host}:${endpoint.port}`,
    clear: () => clear(endpoint),
    kill,
    start,
    signal: (name) => void process?.kill(name),
  };
}

async function clear(endpoint: Endpoint): Promise<void> {
  const etcd = await EtcdConnection.open({ endpoints: [endpoint] });
  try {
    const all = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
    await etcd.write('Txn', { compare: [], success: [{ requestDeleteRange: all }], failure: [] });
  } finally {
    etcd.close();
  }
}

/** Ports that are free now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
