// A node with two pods, a pod of another node and a client outside, each in a namespace of its own, for kernel tests of Services.
//
//   outside 192.168.57.1, 198.51.100.7 ── eth0 192.168.57.11 node ─┬─ a 10.244.1.5
//                                                                  ├─ b 10.244.1.6
//                                                                  └─ far 10.244.2.9 (stands for a pod of another node)
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Scope } from '../../controlplane/base/scope';
import type { Exec, RunOptions, RunResult } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { connectInNetns } from '../../dataplane/netns/connect';
import { inNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';
import { connect, createNetns, type TestNetns } from './netns';

export const addresses = {
  node: '192.168.57.11',
  outside: '198.51.100.7',
  a: '10.244.1.5',
  b: '10.244.1.6',
  far: '10.244.2.9',
} as const;
/** The program that writes the rules, and thereby the kernel's tables. */
export type ProxyMode = 'iptables-nft' | 'iptables-legacy' | 'nftables';
export type Place = 'node' | 'outside' | 'a' | 'b' | 'far';
export const serverPort = 8080;

/** Runs programs inside a namespace. */
export class NetnsExec implements Exec {
  private readonly exec = new SystemExec();
  constructor(private readonly netns: Netns) {}
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.exec.run(inNetns(this.netns, argv), options);
  }
}

export class ServiceLab {
  private constructor(
    readonly at: Readonly<Record<Place, TestNetns>>,
    readonly exec: Exec,
    readonly mode: ProxyMode,
    private readonly scope: Scope,
  ) {}

  /** `scope` undoes everything. Servers at a, b, far and node answer `PLACE SOURCE` on TCP and UDP port 8080. */
  static async open(scope: Scope, mode: ProxyMode = 'iptables-nft'): Promise<ServiceLab> {
    const make = async () => {
      const netns = await createNetns();
      scope.defer(() => netns.teardown());
      return netns;
    };
    const at = { node: await make(), outside: await make(), a: await make(), b: await make(), far: await make() };
    await connect(
      { netns: at.node, link: 'eth0', address: `${addresses.node}/24` },
      { netns: at.outside, link: 'eth0', address: '192.168.57.1/24' },
    );
    await at.outside.run('ip', 'address', 'add', `${addresses.outside}/32`, 'dev', 'lo');
    await at.outside.run('ip', 'route', 'add', 'default', 'via', addresses.node, 'src', addresses.outside);
    // The client has one address towards all nodes. Load balancer addresses are routed here, not announced.
    await at.outside.run('ip', 'route', 'add', `${addresses.node}/32`, 'dev', 'eth0', 'src', addresses.outside);
    await at.outside.run('ip', 'route', 'add', '192.168.57.240/28', 'via', addresses.node, 'src', addresses.outside);
    await at.node.run('ip', 'route', 'add', 'default', 'via', '192.168.57.1');
    await at.node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    for (const place of ['a', 'b', 'far'] as const) {
      await connect(
        { netns: at.node, link: `to-${place}` },
        { netns: at[place], link: 'eth0', address: `${addresses[place]}/32` },
      );
      await at.node.run('ip', 'address', 'add', '10.244.1.1/32', 'dev', `to-${place}`);
      await at.node.run('ip', 'route', 'add', `${addresses[place]}/32`, 'dev', `to-${place}`);
      await at[place].run('ip', 'route', 'add', '10.244.1.1', 'dev', 'eth0');
      await at[place].run('ip', 'route', 'add', 'default', 'via', '10.244.1.1');
    }
    const lab = new ServiceLab(at, new NetnsExec(at.node), mode, scope);
    for (const place of ['a', 'b', 'far', 'node'] as const) await lab.serve(place);
    return lab;
  }

  /** The server's answer `PLACE SOURCE`, or the error code of the attempt: ECONNREFUSED, or TIMEOUT after `timeoutMs`. */
  async ask(from: Place, host: string, port: number, timeoutMs = 2_000): Promise<string> {
    try {
      const socket = await connectInNetns(this.at[from], { host, port, signal: AbortSignal.timeout(timeoutMs) });
      let text = '';
      for await (const chunk of socket) text += chunk;
      socket.destroy();
      return text;
    } catch (err) {
      const cause = (err as { cause?: NodeJS.ErrnoException }).cause;
      return cause?.code === undefined || typeof cause.code !== 'string' ? 'TIMEOUT' : cause.code;
    }
  }

  /** Calls `undo` when the lab ends. */
  defer(undo: () => Promise<void> | void): void {
    this.scope.defer(undo);
  }

  /** A UDP socket with a port of its own at `place`; closed by the scope. */
  async udp(place: Place): Promise<UdpSocket> {
    return await bindUdp(this.at[place], 0, this.scope);
  }

  /** The answer to one datagram from `socket`. */
  async askUdp(socket: UdpSocket, host: string, port: number): Promise<string> {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(3_000) });
    socket.send('?', port, host);
    const [message] = (await answer) as [Buffer];
    return message.toString();
  }

  /** The complete answer to a GET over HTTP/1.1; '' without an answer. */
  async fetch(from: Place, host: string, port: number, path: string, timeoutMs = 2_000): Promise<string> {
    const connecting = connectInNetns(this.at[from], { host, port, signal: AbortSignal.timeout(timeoutMs) });
    const socket = await connecting.catch(() => undefined);
    if (!socket) return '';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    socket.destroy();
    return text;
  }

  /** One more server at a place, on TCP and UDP, with the same answers. */
  async serve(place: Place, port = serverPort): Promise<void> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${place} ${socket.remoteAddress?.replace('::ffff:', '')}`);
    });
    await new Promise<void>((resolve) => this.at[place].enter(() => server.listen(port, resolve)));
    this.scope.defer(() => new Promise((resolve) => server.close(resolve)));
    const udp = await bindUdp(this.at[place], port, this.scope);
    udp.on('message', (_data, from) => udp.send(`${place} ${from.address}`, from.port, from.address));
  }
}

/** Node opens the socket in bind(), which is synchronous only when the look-up is. */
async function bindUdp(netns: Netns, port: number, scope: Scope): Promise<UdpSocket> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  const bound = once(socket, 'listening');
  netns.enter(() => socket.bind(port, '0.0.0.0'));
  scope.defer(() => socket.close());
  await bound;
  return socket;
}
