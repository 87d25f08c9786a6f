// A node with two pods, a second node on its link, and a third one behind it, for tests of hops. Made by `ip`, in the shape that the
// kubelet gives it: nothing repairs what a test breaks.
//
//   a 10.244.1.5 ─┐
//                 ├ cni0 node eth0 192.0.2.1 ── 192.0.2.2 eth0 near eth1 198.51.100.254 ── 198.51.100.2 eth0 far
//   b 10.244.1.6 ─┘
//   Behind near are the pods 10.244.2.0/24, by its address; behind far 10.244.3.0/24, by VXLAN.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { HopAnswer, HopQuestion } from '../../controlplane/base/hops';
import type { Scope } from '../../controlplane/base/scope';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import type { LocalPod } from '../../dataplane/hops/pod-view';
import { inNetns } from '../../dataplane/netns/named';
import type { TestNetns } from './netns';
import { scopedNetns, serve, startPod } from './pod-lab';

export type HopsPlace = 'node' | 'near' | 'far' | 'a' | 'b';

const tcp = { protocol: 'tcp', source: '', destinationPort: 8080 } as const;
const fromA = { kind: 'pod', pod: 'shop/a' } as const;
const fromNear = { kind: 'machine', address: '192.0.2.2' } as const;

/** Healthy ways. A program listens on port 8080 everywhere. */
export const ways = {
  pods: { from: fromA, packet: { ...tcp, destination: '10.244.1.6' } },
  pods6: { from: fromA, packet: { ...tcp, destination: 'fd00:244:1::6' } },
  near: { from: fromA, packet: { ...tcp, destination: '10.244.2.7' } },
  near6: { from: fromA, packet: { ...tcp, destination: 'fd00:244:2::7' } },
  far: { from: fromA, packet: { ...tcp, destination: '10.244.3.7' } },
  service: { from: fromA, packet: { ...tcp, destination: '10.96.0.10', destinationPort: 80 } },
  fromNode: { from: { kind: 'node' }, packet: { ...tcp, destination: '10.244.2.7' } },
  nodeToPod: { from: { kind: 'node' }, packet: { ...tcp, destination: '10.244.1.6' } },
  nodeToPod6: { from: { kind: 'node' }, packet: { ...tcp, destination: 'fd00:244:1::6' } },
  podToNode: { from: fromA, packet: { ...tcp, destination: '192.0.2.1' } },
  toNode: { from: fromNear, packet: { ...tcp, source: '192.0.2.2', destination: '192.0.2.1' } },
  toNode6: {
    from: { kind: 'machine', address: '2001:db8::2' },
    packet: { ...tcp, source: '2001:db8::2', destination: '2001:db8::1' },
  },
  outside: { from: fromNear, packet: { ...tcp, source: '203.0.113.50', destination: '10.244.1.6' } },
  outside6: {
    from: { kind: 'machine', address: '2001:db8::2' },
    packet: { ...tcp, source: '2001:db8:50::1', destination: 'fd00:244:1::6' },
  },
  fromFar: {
    from: { kind: 'machine', address: '198.51.100.2', tunnel: true },
    packet: { ...tcp, source: '10.244.3.7', destination: '10.244.1.6' },
  },
} satisfies Readonly<Record<string, HopQuestion>>;
export type Way = keyof typeof ways;

export interface HopsLab {
  readonly at: Readonly<Record<HopsPlace, TestNetns>>;
  readonly pods: readonly LocalPod[];
  /** Asks the node. `pods`: in place of its own ones. */
  ask(question: HopQuestion, pods?: readonly LocalPod[]): Promise<HopAnswer>;
  /** Runs the lines, words between blanks, each in `place`. */
  run(place: HopsPlace, ...lines: string[]): Promise<void>;
}

const exec = new SystemExec();
const tunnelMac = '02:00:00:00:03:00';
const nodeTunnelMac = '02:00:00:00:01:00';

const links: readonly (readonly [HopsPlace, string])[] = [
  [
    'node',
    `link add cni0 address 02:00:00:00:01:01 type bridge
     link set cni0 up
     address add 10.244.1.1/24 dev cni0
     address add fd00:244:1::1/64 dev cni0
     link add vetha type veth peer name eth0 netns A
     link add vethb type veth peer name eth0 netns B
     link set vetha master cni0 up mtu 1450
     link set vethb master cni0 up mtu 1450
     link add eth0 type veth peer name eth0 netns NEAR
     link set eth0 up
     address add 192.0.2.1/24 dev eth0
     address add 2001:db8::1/64 dev eth0`,
  ],
  ['a', pod('5')],
  ['b', pod('6')],
  [
    'near',
    `link add eth1 type veth peer name eth0 netns FAR
     link set eth0 up
     link set eth1 up
     address add 192.0.2.2/24 dev eth0
     address add 2001:db8::2/64 dev eth0
     address add 198.51.100.254/24 dev eth1
     address add 10.244.2.7/32 dev lo
     address add fd00:244:2::7/128 dev lo
     address add 203.0.113.50/32 dev lo
     address add 2001:db8:50::1/128 dev lo
     route add 10.244.1.0/24 via 192.0.2.1
     route add fd00:244:1::/64 via 2001:db8::1`,
  ],
  [
    'far',
    `link set eth0 up
     address add 198.51.100.2/24 dev eth0
     route add default via 198.51.100.254
     address add 10.244.3.7/32 dev lo
     link add k8ts-vxlan mtu 1450 address ${tunnelMac} type vxlan id 84 dstport 8472 local 198.51.100.2 nolearning
     link set k8ts-vxlan up
     neighbour add 10.244.1.0 lladdr ${nodeTunnelMac} dev k8ts-vxlan nud permanent
     route add 10.244.1.0/24 via 10.244.1.0 dev k8ts-vxlan onlink src 10.244.3.7`,
  ],
  [
    'node',
    `route add default via 192.0.2.2
     route add ::/0 via 2001:db8::2
     route add 10.244.2.0/24 via 192.0.2.2
     route add fd00:244:2::/64 via 2001:db8::2
     link add k8ts-vxlan mtu 1450 address ${nodeTunnelMac} type vxlan id 84 dstport 8472 local 192.0.2.1 nolearning
     link set k8ts-vxlan up
     neighbour add 10.244.3.0 lladdr ${tunnelMac} dev k8ts-vxlan nud permanent
     route add 10.244.3.0/24 via 10.244.3.0 dev k8ts-vxlan onlink`,
  ],
];

function pod(last: string): string {
  return `link set lo up
     link set eth0 up mtu 1450
     address add 10.244.1.${last}/32 dev eth0
     address add fd00:244:1::${last}/128 dev eth0
     route add default via 10.244.1.1 dev eth0 onlink
     route add ::/0 via fd00:244:1::1 dev eth0 onlink`;
}

const settings = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  // Addresses of IPv6 are usable at once.
  'net.ipv6.conf.default.accept_dad=0',
];

export async function openHopsLab(scope: Scope): Promise<HopsLab> {
  const [a, b] = [await startPod(scope), await startPod(scope)];
  const at = {
    node: await scopedNetns(scope),
    near: await scopedNetns(scope),
    far: await scopedNetns(scope),
    a: a.netns,
    b: b.netns,
  };
  for (const netns of Object.values(at)) await netns.run('sysctl', '-qw', ...settings);
  for (const [place, lines] of links) {
    const input = lines
      .replace(/^ +/gm, '')
      .replace(/netns ([A-Z]+)$/gm, (_, name: string) => `netns ${at[name.toLowerCase() as HopsPlace].name}`);
    await exec.run(['ip', '-n', at[place].name, '-batch', '-'], { input });
  }
  await at.node.run('bridge', 'fdb', 'append', tunnelMac, 'dev', 'k8ts-vxlan', 'dst', '198.51.100.2');
  await at.far.run('bridge', 'fdb', 'append', nodeTunnelMac, 'dev', 'k8ts-vxlan', 'dst', '192.0.2.1');
  for (const netns of Object.values(at)) await serve(scope, netns);
  const pods: LocalPod[] = [
    { key: 'shop/a', pid: a.pid, addresses: ['10.244.1.5', 'fd00:244:1::5'] },
    { key: 'shop/b', pid: b.pid, addresses: ['10.244.1.6', 'fd00:244:1::6'] },
  ];
  const path = await startServer(at.node, scope);
  return {
    at,
    pods,
    ask: async (question, others) => {
      const socket = connectTo(path);
      await once(socket, 'connect');
      socket.end(JSON.stringify({ pods: others ?? pods, question }));
      const { answer, error } = (await json(socket)) as { answer?: HopAnswer; error?: string };
      if (answer === undefined) throw new Error(error);
      return answer;
    },
    run: async (place, ...lines) => {
      for (const line of lines) await at[place].run(...line.split(' '));
    },
  };
}

/** The path of its socket. */
async function startServer(node: TestNetns, scope: Scope): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'k8ts-hops-'));
  scope.defer(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'socket');
  const said: string[] = [];
  const program = [process.execPath, '-r', 'ts-node/register/transpile-only', join(__dirname, 'hops-server.ts'), path];
  await new Promise<void>((resolve, reject) => {
    const onOutput = (chunk: Buffer) => {
      said.push(chunk.toString());
      if (said.join('').includes('ready\n')) resolve();
    };
    startProgram(inNetns(node, program), { cwd: join(__dirname, '..', '..'), onOutput }).then((daemon) => {
      scope.defer(async () => {
        daemon.kill('SIGKILL');
        await daemon.exited;
      });
      void daemon.exited.then(() => reject(new Error(`the server of hops ended: ${said.join('')}`)));
    }, reject);
  });
  return path;
}
