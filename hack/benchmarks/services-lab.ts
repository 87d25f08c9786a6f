// The network of the Services benchmark: a node between a client and a server, in the roles of pods of this and another node,
// and the cost of a connection through it.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Scope } from '../../controlplane/base/scope';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { connectInNetns } from '../../dataplane/netns/connect';
import { ensureNamedNetns, inNetns, removeNamedNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';

export const client = '10.244.1.2';
export const server = '10.244.2.2';
export const port = 8080;
/** Every address in this range is the server. */
const serverRange = '10.244.64.0/20';
export const serverAddress = (i: number): string => `10.244.${64 + (i >> 8)}.${i & 255}`;

const exec = new SystemExec();

export interface Lab {
  readonly nodeName: string;
  readonly client: Netns;
}

export async function openLab(scope: Scope): Promise<Lab> {
  const name = (role: string) => `k8ts-bench-${process.pid}-${role}`;
  const make = async (role: string) => {
    scope.defer(() => removeNamedNetns(exec, name(role)));
    return await ensureNamedNetns(exec, name(role));
  };
  const at = { node: await make('node'), client: await make('client'), server: await make('server') };
  const inside = (netns: Netns, ...argv: string[]) => exec.run(inNetns(netns, argv));
  await inside(at.node, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  for (const [role, ip] of [
    ['client', client],
    ['server', server],
  ] as const) {
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', name(role)];
    await exec.run(['ip', '-n', name('node'), 'link', 'add', role, ...peer]);
    await inside(at.node, 'ip', 'address', 'add', '10.244.1.1/32', 'dev', role);
    await inside(at.node, 'ip', 'link', 'set', role, 'up');
    await inside(at.node, 'ip', 'route', 'add', `${ip}/32`, 'dev', role);
    await inside(at[role], 'ip', 'address', 'add', `${ip}/32`, 'dev', 'eth0');
    await inside(at[role], 'ip', 'link', 'set', 'eth0', 'up');
    await inside(at[role], 'ip', 'route', 'add', '10.244.1.1', 'dev', 'eth0');
    await inside(at[role], 'ip', 'route', 'add', 'default', 'via', '10.244.1.1');
  }
  await inside(at.server, 'ip', 'route', 'add', 'local', serverRange, 'dev', 'lo');
  await inside(at.node, 'ip', 'route', 'add', serverRange, 'via', server, 'dev', 'server', 'onlink');
  // A Service address must have a route before it can be translated.
  await inside(at.node, 'ip', 'route', 'add', 'default', 'via', server, 'dev', 'server', 'onlink');
  const listener = createServer((socket) => socket.on('error', () => {}).destroy());
  const listening = once(listener, 'listening');
  at.server.enter(() => listener.listen({ port, backlog: 4_096 }));
  await listening;
  scope.defer(() => new Promise((resolve) => listener.close(resolve)));
  return { nodeName: name('node'), client: at.client };
}

/** Connection tracking must be active for the bare figure too, or rules would be compared with routing alone. */
export async function trackConnections({ nodeName }: Lab, program: string): Promise<void> {
  const node = ['ip', 'netns', 'exec', nodeName, program];
  await exec.run([...node, '-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT']);
  await exec.run([...node, '-t', 'nat', '-A', 'PREROUTING', '-s', '192.0.2.1', '-j', 'RETURN']);
}

/** A SYN sent before the rules exist is dropped silently: an attempt's time-out is the resolution of the figure. */
const attemptMs = 8;
/** A measurement that takes longer than this is discarded. */
const giveUpMs = 120_000;

/** Milliseconds until connecting to `ip` succeeds, or is refused. A silently dropped attempt counts as neither. */
export async function until(lab: Lab, ip: string, wanted: 'connected' | 'refused'): Promise<number> {
  const start = performance.now();
  for (;;) {
    const outcome = await attempt(lab, ip);
    const ms = performance.now() - start;
    if (outcome === wanted) return ms;
    if (ms > giveUpMs) throw new Error(`${ip} is not ${wanted} after ${giveUpMs / 1000} s, but ${outcome}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function attempt(lab: Lab, ip: string): Promise<'connected' | 'refused' | 'lost'> {
  try {
    const signal = AbortSignal.timeout(attemptMs);
    (await connectInNetns(lab.client, { host: ip, port, signal })).destroy();
    return 'connected';
  } catch (err) {
    const cause = err instanceof Error ? (err.cause as NodeJS.ErrnoException | undefined) : undefined;
    return cause?.code === 'ECONNREFUSED' ? 'refused' : 'lost';
  }
}

/**
 * Connects one after the other and resets each connection, which leaves no TIME_WAIT; prints µs per connection, and how many
 * were not established within three seconds: the mean excludes these, and the run waits no longer for them.
 */
const connectLoop = `
use strict; use Socket; use Time::HiRes 'time';
my ($n, $port, @hosts) = @ARGV;
for my $host (@hosts) {
  my $to = pack_sockaddr_in($port, inet_aton($host)); my ($spent, $good, $stalled) = (0, 0, 0);
  for (1 .. $n) {
    socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
    setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    setsockopt($s, SOL_SOCKET, SO_SNDTIMEO, pack('l!l!', 3, 0));
    my $t = time;
    if (connect($s, $to)) { $spent += time - $t; $good++; }
    elsif ($!{EINPROGRESS} || $!{EAGAIN} || $!{ETIMEDOUT}) { last if ++$stalled >= 3; }
    else { die $!; }
    close $s;
  }
  printf "%.2f %d\\n", $good ? $spent / $good * 1e6 : 0, $stalled;
}`;

/** Connections per figure, in rounds that alternate between the ways, so that other work of the machine slows all ways alike. */
export const connections = 2_000;
export const connectionRounds = 5;

export interface ConnectionCost {
  /** The best of the rounds: noise only adds time. */
  readonly micros: number;
  /** Connections that were not established. */
  readonly stalled: number;
}

export async function connectionCost(lab: Lab, hosts: readonly string[]): Promise<ConnectionCost[]> {
  const costs = hosts.map(() => ({ micros: Number.POSITIVE_INFINITY, stalled: 0 }));
  const loop = async (count: number, ways: readonly string[]) => {
    const argv = ['perl', '-e', connectLoop, String(count), String(port), ...ways];
    return (await exec.run(inNetns(lab.client, argv), { timeoutMs: giveUpMs })).stdout.trim().split('\n');
  };
  for (let round = 0; round < connectionRounds; round++) {
    // Each way is first in every other round, after a short run that does not count.
    const order = [...hosts.keys()];
    if (round % 2 === 1) order.reverse();
    const ways = order.map((i) => hosts[i]!);
    await loop(20, ways);
    const lines = await loop(Math.round(connections / connectionRounds), ways);
    for (const [at, line] of lines.entries()) {
      const cost = costs[order[at]!]!;
      const [micros = 0, stalled = 0] = line.split(' ').map(Number);
      cost.micros = Math.min(cost.micros, micros);
      cost.stalled += stalled;
    }
  }
  return costs;
}
