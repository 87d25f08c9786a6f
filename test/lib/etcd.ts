// Real etcd for tests: Debian's etcd-server, on loopback, with its data in a folder of the test.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Test } from 'tap';
import { type Endpoint, EtcdConnection, type EtcdTls } from '../../controlplane/store/etcd/connection';
import { type Daemon, startProgram } from '../../dataplane/exec/system-exec';

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

/** @param tls for clients; `options` then hold the files of the member itself */
export async function startEtcd(t: Test, options: readonly string[] = [], tls?: EtcdTls): Promise<TestEtcd> {
  return (await startEtcdCluster(t, 1, options, tls))[0]!;
}

/** Members of one cluster, all started. */
export async function startEtcdCluster(
  t: Test,
  size: number,
  options: readonly string[] = [],
  tls?: EtcdTls,
): Promise<TestEtcd[]> {
  const dir = t.testdir();
  const ports = await freePorts(2 * size);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const names = Array.from({ length: size }, (_, i) => `m${i}`);
  const cluster = names.map((name, i) => `${name}=${urls[size + i]}`).join(',');
  const members = names.map((name, i) => {
    const [plainUrl, peerUrl] = [urls[i]!, urls[size + i]!];
    // With TLS at a second address, too, which the certificate may lack.
    const clientUrl = tls ? `https://127.0.0.1:${ports[i]},https://127.0.0.2:${ports[i]}` : plainUrl;
    const argv = [
      'etcd',
      `--name=${name}`,
      `--data-dir=${dir}/${name}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=${cluster}`,
      '--logger=zap',
      '--log-level=error',
      ...options,
    ];
    return member(t, argv, { host: '127.0.0.1', port: ports[i]! }, tls);
  });
  await Promise.all(members.map((each) => each.start()));
  return members;
}

function member(t: Test, argv: readonly string[], endpoint: Endpoint, tls: EtcdTls | undefined): TestEtcd {
  let process: Daemon | undefined;
  const kill = async () => {
    process?.kill('SIGKILL');
    await process?.exited;
    process = undefined;
  };
  t.teardown(kill);
  return {
    endpoint,
    url: `etcd://${endpoint.host}:${endpoint.port}`,
    clear: () => clear(endpoint),
    kill,
    start: async () => {
      process = await startProgram(argv);
      await answers(endpoint, tls);
    },
    signal: (name) => void process?.kill(name),
  };
}

/** Resolves when the member answers a read, for which its cluster needs a leader. */
async function answers(endpoint: Endpoint, tls: EtcdTls | undefined): Promise<void> {
  const etcd = await EtcdConnection.open({
    endpoints: [endpoint],
    ...(tls ? { tls } : {}),
    limits: { outageMs: 30_000 },
  });
  try {
    await etcd.read('Range', { key: Buffer.from('any') });
  } finally {
    etcd.close();
  }
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
