// Pods that send real frames from foreign addresses: no such frame arrives, and honest frames arrive. Without the check all of these
// frames arrive, so each of them would show a hole in the check.
import t from 'tap';
import { bridgeName, macOf, vethName } from '../../agents/kubelet/network/names';
import { checkMs, type PodSourcesDeps } from '../../agents/kubelet/network/pod-sources';
import { formatMac } from '../../dataplane/link/mac';
import { ensureSysctls, readSysctl } from '../../dataplane/link/sysctl';
import { vxlanPort } from '../../dataplane/overlay/vxlan';
import { linkLocalOf } from '../../dataplane/pod-sources/ports';
import { sourcesRemoval } from '../../dataplane/pod-sources/text';
import { FakeClock } from '../lib/fake-clock';
import { skipWithoutKernel } from '../lib/netns';
import { ask, FakeNodes, LabNode, type LabPod, podSources, scopedNetns, serve, withScope } from '../lib/pod-lab';
import {
  allNodes,
  arpFrame,
  broadcastMac,
  ethernet,
  FrameTap,
  icmp6Frame,
  ipInIpFrame,
  neighbourBody,
  routerBody,
  tagged,
  udpFrame,
} from '../lib/raw-frames';

t.setTimeout(180_000);

const gateway = { ip: '10.244.1.1', ip6: 'fd00:10:244:1::1', mac: macOf('10.244.1.1') };
/** Addresses of a pod on another node: no port of this bridge has them. */
const elsewhere = { ip: '10.244.2.9', ip6: 'fd00:10:244:2::9' };

type Place = 'pod' | 'node';
interface Sent {
  readonly name: string;
  readonly frame: Buffer;
  readonly at: Place;
  /** The bytes that arrive unchanged: routers and VLAN tags change the other bytes. */
  readonly mark: Buffer;
}

interface Host {
  readonly ip: string;
  readonly ip6: string;
  readonly local: string;
  readonly mac: string;
}
const hostOf = ({ ips }: LabPod): Host => {
  const mac = macOf(ips[0]!);
  return { ip: ips[0]!, ip6: ips[1]!, mac, local: linkLocalOf(mac) };
};

type Ends = Parameters<typeof udpFrame>[0];
let marks = 0;
const nextMark = () => Buffer.from(`k8ts frame ${String(marks++).padStart(6, '0')}.`);

/** Frames that pod `own` sends. Its neighbours on the bridge are `peer`, which listens, and `victim`. */
function framesOf(own: Host, peer: Host, victim: Host): { readonly forged: Sent[]; readonly honest: Sent[] } {
  const udp = (name: string, mac: Ends, ip: Ends, port?: number): Sent => {
    const mark = nextMark();
    return { name, frame: udpFrame(mac, ip, mark, port), at: 'pod', mark };
  };
  const whole = (name: string, at: Place, frame: Buffer): Sent => ({ name, frame, at, mark: frame.subarray(14) });
  const changed = (sent: Sent, name: string, change: (frame: Buffer) => Buffer): Sent => ({
    ...sent,
    name,
    frame: change(sent.frame),
  });
  const toGateway = { from: own.mac, to: gateway.mac };
  const toPeer = { from: own.mac, to: peer.mac };
  const toAll = { from: own.mac, to: broadcastMac };
  const toAllNodes = { from: own.mac, to: allNodes.mac };
  const arp = (operation: 1 | 2, sender: { mac: string; ip: string }, target: { mac?: string; ip: string }) => ({
    operation,
    sender,
    target,
  });
  const advertisement = (target: string, mac: string) =>
    ({ type: 'neighbourAdvertisement', body: neighbourBody(target, mac, 2) }) as const;
  const solicitation = (target: string, mac: string) =>
    ({ type: 'neighbourSolicitation', body: neighbourBody(target, mac, 1, 0) }) as const;
  const local = { from: own.local, to: allNodes.ip };
  const bySource = { from: victim.ip, to: peer.ip };
  const straight = udp('UDP as the neighbour, straight to another pod', toPeer, bySource);
  const forged: Sent[] = [
    udp('UDP as the neighbour, by the gateway', toGateway, bySource),
    straight,
    udp('UDP as the gateway', toPeer, { from: gateway.ip, to: peer.ip }),
    udp('UDP as a pod of another node', toPeer, { from: elsewhere.ip, to: peer.ip }),
    udp('UDP with a MAC of the neighbour', { from: victim.mac, to: peer.mac }, { from: own.ip, to: peer.ip }),
    udp("to the port of the nodes' tunnel", toGateway, { from: own.ip, to: peer.ip }, vxlanPort),
    udp("to the port of the nodes' tunnel, IPv6", toGateway, { from: own.ip6, to: peer.ip6 }, vxlanPort),
    udp('DHCP', toAll, { from: '0.0.0.0', to: '255.255.255.255' }),
    changed(straight, 'with a priority tag', (frame) => tagged(frame, 0)),
    changed(straight, 'with a VLAN tag', (frame) => tagged(frame, 5)),
    changed(straight, 'with two tags', (frame) => tagged(frame, 7, 0)),
    whole('another protocol', 'pod', ethernet(toPeer, 0x88b5, nextMark())),
    whole('a length in place of the protocol', 'pod', ethernet(toPeer, 20, nextMark())),
    whole('ARP answer for the neighbour', 'node', arpFrame(toGateway, arp(2, { ...own, ip: victim.ip }, gateway))),
    whole('ARP answer for the gateway', 'pod', arpFrame(toPeer, arp(2, { ...own, ip: gateway.ip }, peer))),
    whole('ARP answer with the MAC of the neighbour', 'pod', arpFrame(toPeer, arp(2, { ...victim, ip: own.ip }, peer))),
    whole('gratuitous ARP, request', 'pod', arpFrame(toAll, arp(1, { ...own, ip: victim.ip }, { ip: victim.ip }))),
    whole(
      'gratuitous ARP, reply',
      'node',
      arpFrame(toAll, arp(2, { ...own, ip: victim.ip }, { ip: victim.ip, mac: broadcastMac })),
    ),
    whole('ARP question as the neighbour', 'pod', arpFrame(toAll, arp(1, { ...own, ip: victim.ip }, peer))),
    whole('ARP answer without a sender', 'pod', arpFrame(toPeer, arp(2, { ...own, ip: '0.0.0.0' }, peer))),
    udp('UDP6 as the neighbour, by the gateway', toGateway, { from: victim.ip6, to: peer.ip6 }),
    udp('UDP6 as a pod of another node', toPeer, { from: elsewhere.ip6, to: peer.ip6 }),
    udp('UDP6 as the neighbour on the link', toPeer, { from: victim.local, to: peer.local }),
    udp('UDP6 without a source', toPeer, { from: '::', to: peer.local }),
    whole(
      'advertisement as the neighbour',
      'pod',
      icmp6Frame(toAllNodes, { from: victim.ip6, to: allNodes.ip }, advertisement(victim.ip6, own.mac)),
    ),
    whole(
      'advertisement for the neighbour',
      'node',
      icmp6Frame(toAllNodes, { from: own.ip6, to: allNodes.ip }, advertisement(victim.ip6, own.mac)),
    ),
    whole(
      'advertisement for the neighbour on the link',
      'pod',
      icmp6Frame(toAllNodes, local, advertisement(victim.local, own.mac)),
    ),
    whole(
      'advertisement for the neighbour behind options',
      'pod',
      icmp6Frame(toAllNodes, local, {
        ...advertisement(victim.ip6, own.mac),
        behind: ['hopByHop', 'destinationOptions'],
      }),
    ),
    whole(
      'solicitation as the neighbour',
      'pod',
      icmp6Frame(toAllNodes, { from: victim.ip6, to: allNodes.ip }, solicitation(peer.ip6, own.mac)),
    ),
    whole(
      'detection of the neighbour as a duplicate',
      'pod',
      icmp6Frame(toAllNodes, { from: '::', to: allNodes.ip }, solicitation(victim.ip6, own.mac)),
    ),
    whole(
      'router advertisement',
      'pod',
      icmp6Frame(toAllNodes, local, { type: 'routerAdvertisement', body: routerBody() }),
    ),
    whole(
      'router advertisement behind options',
      'pod',
      icmp6Frame(toAllNodes, local, { type: 'routerAdvertisement', body: routerBody(), behind: ['hopByHop'] }),
    ),
    whole('redirect', 'pod', icmp6Frame(toAllNodes, local, { type: 'redirect', body: Buffer.alloc(36) })),
  ];
  const inner = nextMark();
  const honest: Sent[] = [
    udp('UDP by the gateway', toGateway, { from: own.ip, to: peer.ip }),
    udp('UDP straight to another pod', toPeer, { from: own.ip, to: peer.ip }),
    udp('multicast', { from: own.mac, to: '01:00:5e:01:02:03' }, { from: own.ip, to: '239.1.2.3' }),
    {
      name: 'IP in IP',
      frame: ipInIpFrame(toGateway, { from: own.ip, to: peer.ip }, { from: victim.ip, to: peer.ip }, inner),
      at: 'pod',
      mark: inner,
    },
    whole('ARP question', 'pod', arpFrame(toAll, arp(1, own, peer))),
    whole('ARP answer', 'node', arpFrame(toGateway, arp(2, own, gateway))),
    whole('ARP probe', 'pod', arpFrame(toAll, arp(1, { ...own, ip: '0.0.0.0' }, { ip: own.ip }))),
    whole('gratuitous ARP', 'node', arpFrame(toAll, arp(1, own, { ip: own.ip }))),
    udp('UDP6 by the gateway', toGateway, { from: own.ip6, to: peer.ip6 }),
    udp('UDP6 on the link', toPeer, { from: own.local, to: peer.local }),
    whole('advertisement', 'node', icmp6Frame(toAllNodes, local, advertisement(own.ip6, own.mac))),
    whole(
      'solicitation',
      'pod',
      icmp6Frame(toAllNodes, { from: own.ip6, to: allNodes.ip }, solicitation(peer.ip6, own.mac)),
    ),
    whole(
      'detection of duplicates',
      'pod',
      icmp6Frame(toAllNodes, { from: '::', to: allNodes.ip }, solicitation(own.ip6, own.mac)),
    ),
    whole(
      'router solicitation',
      'pod',
      icmp6Frame(toAllNodes, { from: '::', to: allNodes.ip }, { type: 'routerSolicitation', body: Buffer.alloc(4) }),
    ),
    whole(
      'membership report',
      'pod',
      icmp6Frame(
        toAllNodes,
        { from: '::', to: allNodes.ip },
        { type: 'listenerReport', body: Buffer.alloc(4), behind: ['hopByHop'] },
      ),
    ),
  ];
  return { forged, honest };
}

/** Sends all frames, then a last one; returns those that arrived before the last one. */
async function arrivals(
  from: FrameTap,
  taps: Record<Place, FrameTap>,
  sent: readonly Sent[],
  fence: () => Sent,
): Promise<string[]> {
  for (const { frame } of sent) from.send(frame);
  for (const at of ['pod', 'node'] as const) {
    // The last frame is sent more than once: the kernel may use the first to resolve a neighbour.
    const last = fence();
    from.send(last.frame);
    await taps[at].until(last.mark);
  }
  return sent.filter(({ at, mark }) => taps[at].has(mark)).map(({ name }) => name);
}

async function openLab(scope: Parameters<typeof scopedNetns>[0], sources: Partial<PodSourcesDeps> = {}) {
  const netns = await scopedNetns(scope);
  const node = new LabNode(
    'n1',
    netns,
    '192.0.2.1,2001:db8::1',
    '10.244.1.0/24,fd00:10:244:1::/64',
    'host-gw',
    scope,
    sources,
  );
  const nodes = new FakeNodes([node.object()]);
  await node.start(nodes);
  // The kernel's check of source addresses needs a route to the pods of the other node.
  await netns.run('ip', 'route', 'add', '10.244.2.0/24', 'dev', bridgeName);
  const pods = [await node.pod(), await node.pod(), await node.pod()] as const;
  const [own, peer, victim] = pods.map(hostOf) as [Host, Host, Host];
  const [from, pod] = [new FrameTap(pods[0].netns, 'eth0', scope), new FrameTap(pods[1].netns, 'eth0', scope)];
  const taps = { pod, node: new FrameTap(netns, bridgeName, scope) };
  // A broadcast arrives everywhere; no machine reads the target MAC of an ARP request.
  const fence = (): Sent => {
    const target = { ip: own.ip, mac: formatMac(Buffer.from((marks++).toString(16).padStart(12, '0'), 'hex')) };
    const frame = arpFrame({ from: own.mac, to: broadcastMac }, { operation: 1, sender: own, target });
    return { name: 'fence', frame, at: 'pod', mark: frame.subarray(14) };
  };
  return { netns, node, nodes, pods, own, peer, victim, from, taps, fence };
}

/** The number of packets that the rules have dropped; undefined without the table. */
async function dropped(netns: { run(...argv: string[]): Promise<string> }): Promise<number | undefined> {
  const ruleset = await netns.run('nft', 'list', 'ruleset', 'bridge');
  if (!ruleset.includes('k8ts-pod-sources')) return undefined;
  return [...ruleset.matchAll(/counter packets (\d+) bytes \d+ drop/g)].reduce((sum, [, n]) => sum + Number(n), 0);
}

t.test('the check of addresses that pods send from', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('without the check all frames arrive', async (t) => {
    await withScope(async (scope) => {
      const { own, peer, victim, from, taps, fence, netns } = await openLab(scope, { enabled: false });
      const { forged, honest } = framesOf(own, peer, victim);
      const all = [...forged, ...honest];
      t.strictSame(
        await arrivals(from, taps, all, fence),
        all.map(({ name }) => name),
      );
      t.equal(await dropped(netns), undefined);
    });
  });

  for (const bridgeFilter of ['0', '1']) {
    await t.test(`with the check only honest frames arrive; br_netfilter ${bridgeFilter}`, async (t) => {
      await withScope(async (scope) => {
        const { own, peer, victim, from, taps, fence, netns, pods } = await openLab(scope);
        for (const setting of ['net.bridge.bridge-nf-call-iptables', 'net.bridge.bridge-nf-call-ip6tables']) {
          if (readSysctl(netns, setting) !== undefined) ensureSysctls(netns, { [setting]: bridgeFilter });
          else if (bridgeFilter === '1') return t.comment('this kernel has no br_netfilter');
        }
        await serve(scope, pods[1].netns);
        for (const ip of pods[1].ips) t.match(await ask(pods[0].netns, ip), /^seen from /);
        t.equal(await dropped(netns), 0, 'no honest packet was dropped');
        const { forged, honest } = framesOf(own, peer, victim);
        t.strictSame(await arrivals(from, taps, forged, fence), []);
        t.equal(await dropped(netns), forged.length, 'the rules dropped each forged frame');
        t.strictSame(
          await arrivals(from, taps, honest, fence),
          honest.map(({ name }) => name),
        );
        t.equal(await dropped(netns), forged.length);

        // An LLDP frame goes to the bridge itself, which learns the sender's MAC address from it.
        const portOf = async (mac: string) =>
          new RegExp(`^${mac} dev (\\S+)`, 'm').exec(await netns.run('bridge', 'fdb', 'show', 'br', bridgeName))?.[1];
        await serve(scope, pods[2].netns);
        await ask(pods[1].netns, pods[2].ip);
        t.equal(await portOf(victim.mac), vethName(victim.ip));
        from.send(ethernet({ from: victim.mac, to: '01:80:c2:00:00:0e' }, 0x88cc, nextMark()));
        const last = fence();
        from.send(last.frame);
        await taps.node.until(last.mark);
        t.equal(await portOf(victim.mac), vethName(victim.ip), 'frames for the victim still go to its own port');
      });
    });
  }

  await t.test('a kubelet that starts again, and a flush by another program', async (t) => {
    await withScope(async (scope) => {
      const clock = new FakeClock();
      const reports: string[] = [];
      const netns = await scopedNetns(scope);
      const report = (reason: string) => void reports.push(reason);
      const node = new LabNode('n1', netns, '192.0.2.1', '10.244.1.0/24', 'host-gw', scope, { clock, report });
      const nodes = new FakeNodes([node.object()]);
      await node.start(nodes);
      const [a, b] = [await node.pod(), await node.pod()];
      await serve(scope, b.netns);
      t.equal(await ask(a.netns, b.ip), `seen from ${a.ip}`);
      await node.restart(nodes, 'host-gw', [a, b]);
      t.equal(await ask(a.netns, b.ip), `seen from ${a.ip}`);
      t.equal(await dropped(netns), 0);

      const abort = new AbortController();
      const running = node.sources.run(abort.signal);
      const looked = async () => {
        await clock.armed(checkMs);
        clock.advance(checkMs);
        await clock.armed(checkMs);
      };
      await looked();
      t.strictSame(reports, []);
      const table = () => netns.run('nft', 'list', 'table', 'bridge', 'k8ts-pod-sources');
      const whole = (await table()).length;
      for (const damage of [
        'flush ruleset',
        'delete table bridge k8ts-pod-sources',
        'flush chain bridge k8ts-pod-sources ipv4',
        'add rule bridge k8ts-pod-sources port accept',
        `${sourcesRemoval()}add table bridge k8ts-pod-sources\nadd set bridge k8ts-pod-sources ports { type ipv4_addr; }`,
      ]) {
        reports.length = 0;
        await netns.run('sh', '-c', `printf '%s\\n' "$0" | nft -f -`, damage);
        await looked();
        t.equal((await table()).length, whole, damage.slice(0, 60));
        t.strictSame(reports, ['RulesRestored']);
      }
      // The check reads the elements of sets only at intervals.
      await netns.run('nft', 'flush', 'set', 'bridge', 'k8ts-pod-sources', 'addresses4');
      for (let i = 0; i < 24 && (await table()).length !== whole; i++) await looked();
      t.equal((await table()).length, whole);
      abort.abort(new Error('test ends'));
      await running;

      const off = podSources(netns, { enabled: false });
      await off.open([]);
      t.equal(await dropped(netns), undefined, 'the kubelet removes the rules when the check is switched off');
      t.equal(await ask(a.netns, b.ip), `seen from ${a.ip}`);
    });
  });

  await t.test('pods whose two addresses do not match each other', async (t) => {
    await withScope(async (scope) => {
      const { node, netns } = await openLab(scope);
      // An earlier version assigned the two addresses of a pod independently: here the second belongs to the port of the first.
      const odd = ['10.244.1.20', 'fd00:10:244:1::5'];
      node.network.reserve([...odd, '10.244.1.21']);
      const first = await node.podWith(odd);
      const next = await node.podWith(['10.244.1.21']);
      const pods = [first, next, await node.pod(), await node.pod()];
      t.notSame(pods[2]!.ips[1], odd[1], 'an address in use is assigned to no other pod');
      for (const { netns: inside } of pods) await serve(scope, inside);
      for (const from of pods)
        for (const to of pods)
          for (const ip of to.ips) {
            const source = from.ips.find((own) => own.includes(':') === ip.includes(':'));
            if (source !== undefined && from !== to) t.equal(await ask(from.netns, ip), `seen from ${source}`);
          }
      t.equal(await dropped(netns), 0);
    });
  });
});
