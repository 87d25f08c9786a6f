// A client, a router and a server, each in a namespace, for tests of probes and of what is seen of them; and servers of all kinds.
//
//   client 192.0.2.2, 2001:db8:1::2 eth0 ── near router far ── eth0 server 198.51.100.2, 2001:db8:2::2
import { closeSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import koffi from 'koffi';
import type { Scope } from '../../controlplane/base/scope';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../dataplane/libc/constants';
import { libc } from '../../dataplane/libc/libc';
import { familyNumber, maxAddressBytes, writePeer } from '../../dataplane/udp/socket-address';
import { connect, type TestNetns } from './netns';
import { scopedNetns } from './pod-lab';

export const client4 = '192.0.2.2';
export const client6 = '2001:db8:1::2';
export const server4 = '198.51.100.2';
export const server6 = '2001:db8:2::2';

export interface ProbeLab {
  readonly client: TestNetns;
  readonly router: TestNetns;
  readonly server: TestNetns;
}

/** Each of the three has a route to each other one. The router has no rules. */
export async function openProbeLab(scope: Scope): Promise<ProbeLab> {
  const [client, router, server] = [await scopedNetns(scope), await scopedNetns(scope), await scopedNetns(scope)];
  // Link-local addresses are usable at once, so that neighbour discovery delays no packet.
  for (const netns of [client, router, server]) await netns.run('sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
  await join(client, { address: client4, address6: client6 }, router, {
    link: 'near',
    net: '192.0.2',
    net6: '2001:db8:1',
  });
  await join(server, { address: server4, address6: server6 }, router, {
    link: 'far',
    net: '198.51.100',
    net6: '2001:db8:2',
  });
  await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  return { client, router, server };
}

/** A wire from `eth0` of a host to a link of the router, which is the host's default gateway. */
async function join(
  host: TestNetns,
  own: { readonly address: string; readonly address6: string },
  router: TestNetns,
  { link, net, net6 }: { readonly link: string; readonly net: string; readonly net6: string },
): Promise<void> {
  await connect(
    { netns: host, link: 'eth0', address: `${own.address}/24` },
    { netns: router, link, address: `${net}.1/24` },
  );
  // nodad: the address is usable at once.
  await host.run('ip', '-6', 'address', 'add', `${own.address6}/64`, 'dev', 'eth0', 'nodad');
  await router.run('ip', '-6', 'address', 'add', `${net6}::1/64`, 'dev', link, 'nodad');
  await host.run('ip', 'route', 'add', 'default', 'via', `${net}.1`);
  await host.run('ip', '-6', 'route', 'add', 'default', 'via', `${net6}::1`);
}

/** Listens inside the namespace, for both families, until the scope closes. */
export async function listenIn(netns: TestNetns, server: Server, port: number, scope: Scope): Promise<void> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => netns.enter(() => server.listen(port, resolve)));
  scope.defer(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
}

/** A listening socket from which no process accepts, with room for one connection more than `backlog`. */
export function listenWithoutAccept(
  netns: TestNetns,
  { backlog = 0, ...at }: { readonly address: string; readonly port: number; readonly backlog?: number },
  scope: Scope,
): void {
  const { socket, bind } = libc();
  const listen = koffi.load('libc.so.6').func('int listen(int fd, int backlog)');
  const fd = netns.enter(() => socket(familyNumber(at.address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  scope.defer(() => closeSync(fd));
  const bytes = Buffer.alloc(maxAddressBytes);
  if (bind(fd, bytes, writePeer(bytes, at)) < 0 || listen(fd, backlog) < 0)
    throw new Error(`cannot listen on ${at.port}`);
}
