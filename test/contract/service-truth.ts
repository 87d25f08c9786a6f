// The effect that Service rules must have on packets, in every rule language: random packets through the rules of random clusters,
// compared with the Service contract, which this file implements a second time without rules, chains or marks.
import type { Test } from 'tap';
import { parseCidr } from '../../controlplane/base/cidr';
import type { TcpFlag } from '../../dataplane/netfilter/model';
import type { Tracer } from '../../dataplane/path/hooks';
import type { Journey } from '../../dataplane/path/journey';
import { contains, type Packet } from '../../dataplane/path/packet';
import type { Endpoint, NodeFacts, ServiceInput } from '../../dataplane/service/input';
import {
  clusterCidr,
  nodeAddresses,
  podCidr,
  randomCluster,
  randomHostPorts,
  randomPacket,
  seededRandom,
} from '../lib/service-fixture';

/** The compiled rules of a node, for packets to pass through. */
export type CompileForTrace = (facts: NodeFacts, services: readonly ServiceInput[]) => Tracer;

const serviceCidr = '10.96.0.0/12';
const rounds = 12;
const packetsPerRound = 4_000;

interface Outcome {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** The places where the packet may arrive. */
  readonly to: ReadonlySet<string>;
  /** Whether the receiver sees an address of the node instead of the sender's. */
  readonly hidden: (backend: string) => boolean;
}

const inCluster = (ip: string) => contains(parseCidr(clusterCidr), ip);
const ownPod = (ip: string) => contains(parseCidr(podCidr), ip);
const refuse = (verdict: 'drop' | 'reject'): Outcome => ({ verdict, to: new Set(), hidden: () => false });

function serving(endpoints: readonly Endpoint[]): string[] {
  const ready = endpoints.filter((e) => e.ready);
  const chosen = ready.length ? ready : endpoints.filter((e) => e.terminating && e.serving);
  return chosen.map((e) => `${e.address}:${e.port}`);
}

function truth(packet: Packet, services: readonly ServiceInput[]): Outcome {
  const { source, destination, destinationPort, protocol } = packet;
  const leaves = (backend: string) => {
    const ip = backend.split(':')[0]!;
    return inCluster(source) && !inCluster(ip) && !nodeAddresses.has(ip);
  };
  const led = (to: readonly string[], sourceMustHide: boolean): Outcome => ({
    verdict: 'accept',
    to: new Set(to),
    hidden: (backend) => {
      const ip = backend.split(':')[0]!;
      // A packet to a process of this node is not forwarded: the answer starts on this node, where its translation is known.
      if (packet.inInterface && nodeAddresses.has(ip)) return false;
      // Without a hidden source, a pod that reaches itself would answer directly, and no node would translate the answer.
      return sourceMustHide || leaves(backend) || (ownPod(source) && ip === source);
    },
  });
  const owner = services.find((s) => s.clusterIp === destination);
  if (owner) {
    const port = owner.ports.find((p) => p.port === destinationPort && p.protocol === protocol);
    const everywhere = port ? serving(port.endpoints) : [];
    if (!port || everywhere.length === 0) return refuse('reject');
    if (!owner.internalLocal) return led(everywhere, !inCluster(source));
    const here = serving(port.endpoints.filter((e) => e.local));
    return here.length ? led(here, false) : refuse('drop');
  }
  const outside = findOutside(packet, services);
  const pod = outside ? undefined : findHostPort(packet, services);
  if (pod) return led(serving(pod.endpoints), false);
  if (contains(parseCidr(serviceCidr), destination)) return refuse('drop');
  if (!outside) {
    const straight = `${destination}:${destinationPort}`;
    return { verdict: 'accept', to: new Set([straight]), hidden: leaves };
  }
  const { port, balanced, service } = outside;
  const everywhere = serving(port.endpoints);
  if (everywhere.length === 0) return refuse('reject');
  const ranges = balanced ? service.sourceRanges : undefined;
  if (ranges && !ranges.some((range) => contains(parseCidr(range), source))) return refuse('drop');
  if (!service.externalLocal) return led(everywhere, !ownPod(source));
  if (ownPod(source)) return led(everywhere, false);
  if (nodeAddresses.has(source)) return led(everywhere, !inCluster(source));
  const here = serving(port.endpoints.filter((e) => e.local));
  return here.length ? led(here, false) : refuse('drop');
}

function findOutside(packet: Packet, services: readonly ServiceInput[]) {
  for (const service of services) {
    for (const port of service.ports) {
      if (port.protocol !== packet.protocol) continue;
      const named = port.port === packet.destinationPort;
      const balanced = named && service.loadBalancerIps.includes(packet.destination);
      const atNode = port.nodePort === packet.destinationPort && nodeAddresses.has(packet.destination);
      if (balanced || atNode || (named && service.externalIps.includes(packet.destination))) {
        return { service, port, balanced };
      }
    }
  }
  return undefined;
}

/** If several pods have this host port, on all addresses or on this one, the first pod by name gets the packets. */
function findHostPort({ destination, destinationPort, protocol }: Packet, services: readonly ServiceInput[]) {
  if (!nodeAddresses.has(destination)) return undefined;
  return services
    .flatMap(({ key, ports }) => ports.map((port) => ({ key, port })))
    .filter(({ port }) => port.hostPort === destinationPort && port.protocol === protocol)
    .filter(({ port }) => port.hostIp === undefined || port.hostIp === destination)
    .sort((a, b) => (a.key < b.key ? -1 : 1))[0]?.port;
}

function compare(packet: Packet, got: Journey, want: Outcome): string | undefined {
  if (got.verdict !== want.verdict) return `${got.verdict} instead of ${want.verdict}`;
  if (got.verdict === 'reject') {
    const how = packet.protocol === 'tcp' ? 'tcp-reset' : 'icmp-port-unreachable';
    return got.rejectWith === how ? undefined : `refused with ${got.rejectWith}`;
  }
  if (got.verdict === 'drop') return undefined;
  const arrived = `${got.destination}:${got.destinationPort}`;
  if (!want.to.has(arrived)) return `arrived at ${arrived}, not at one of ${[...want.to]}`;
  const hidden = want.hidden(arrived);
  return got.masqueraded === hidden ? undefined : `source ${hidden ? 'not ' : ''}hidden on the way to ${arrived}`;
}

export function serviceTruth(t: Test, compile: CompileForTrace): void {
  void t.test('the rules have the effect that the contract describes', (t) => {
    const seen = { accept: 0, drop: 0, reject: 0, hidden: 0, translated: 0 };
    for (let seed = 1; seed <= rounds; seed++) {
      const random = seededRandom(seed * 7919);
      const services = [...randomCluster(random, 40), ...randomHostPorts(random, 10)];
      const tracer = compile({ clusterCidr, podCidr, serviceCidrs: [serviceCidr] }, services);
      for (let i = 0; i < packetsPerRound; i++) {
        const packet = randomPacket(random, services);
        const got = tracer.trace(packet, { localAddresses: nodeAddresses, random });
        const wrong = compare(packet, got, truth(packet, services));
        seen[got.verdict]++;
        if (got.masqueraded) seen.hidden++;
        if (got.dnat) seen.translated++;
        if (wrong) {
          t.fail(wrong, { seed, packet, steps: got.steps });
          t.end();
          return;
        }
      }
    }
    for (const [what, count] of Object.entries(seen)) t.ok(count > 500, `${what}: ${count}`);
    t.end();
  });

  void t.test('every usable endpoint gets its share', (t) => {
    const random = seededRandom(3);
    const draws = 20_000;
    for (const n of [2, 3, 7]) {
      const endpoints = Array.from({ length: n }, (_, i) => ({
        address: `10.244.2.${i + 2}`,
        port: 80,
        ready: true,
        serving: true,
        terminating: false,
        local: false,
      }));
      const input: ServiceInput = {
        key: 'a/b',
        clusterIp: '10.96.0.9',
        externalIps: [],
        loadBalancerIps: [],
        internalLocal: false,
        externalLocal: false,
        ports: [{ name: '', protocol: 'tcp', port: 80, endpoints }],
      };
      const tracer = compile({ clusterCidr, podCidr }, [input]);
      const counts = new Map<string, number>();
      for (let i = 0; i < draws; i++) {
        const packet: Packet = {
          source: '10.244.1.2',
          destination: '10.96.0.9',
          protocol: 'tcp',
          destinationPort: 80,
          inInterface: 'cni0',
        };
        const { destination } = tracer.trace(packet, { localAddresses: nodeAddresses, random });
        counts.set(destination, (counts.get(destination) ?? 0) + 1);
      }
      const sigma = Math.sqrt(draws * (1 / n) * (1 - 1 / n));
      t.equal(counts.size, n);
      for (const [address, count] of counts)
        t.ok(Math.abs(count - draws / n) < 4 * sigma, `${address} of ${n}: ${count}`);
    }
    t.end();
  });

  void t.test('affinity keeps a client at its endpoint until the time-out', (t) => {
    const random = seededRandom(9);
    let clock = 1_000;
    const [service] = randomCluster(seededRandom(1), 1);
    const endpoints = [2, 3, 4].map((i) => ({
      address: `10.244.2.${i}`,
      port: 80,
      ready: true,
      serving: true,
      terminating: false,
      local: false,
    }));
    const input: ServiceInput = {
      ...service!,
      key: 'a/b',
      clusterIp: '10.96.0.9',
      internalLocal: false,
      affinitySeconds: 600,
      ports: [{ name: '', protocol: 'tcp', port: 80, endpoints }],
    };
    const tracer = compile({ clusterCidr, podCidr }, [input]);
    const around = {
      localAddresses: nodeAddresses,
      random,
      now: () => clock,
      recent: new Map<string, Map<string, number>>(),
    };
    const go = (source: string) =>
      tracer.trace(
        { source, destination: '10.96.0.9', protocol: 'tcp', destinationPort: 80, inInterface: 'cni0' },
        around,
      ).destination;
    const clients = Array.from({ length: 30 }, (_, i) => `10.244.1.${i + 2}`);
    const first = clients.map(go);
    t.equal(new Set(first).size, 3);
    for (let i = 0; i < 5; i++) {
      clock += 599;
      t.same(clients.map(go), first, 'each use starts the time again');
    }
    clock += 601;
    t.notSame(clients.map(go), first);
    t.end();
  });

  void t.test('a packet that conntrack calls invalid is dropped only if it comes from a pod', (t) => {
    const tracer = compile({ clusterCidr, podCidr }, []);
    const around = { localAddresses: nodeAddresses, random: () => 0 };
    const send = (source: string, ...tcpFlags: readonly TcpFlag[]) =>
      tracer.trace(
        {
          source,
          destination: '198.51.100.7',
          protocol: 'tcp',
          destinationPort: 4000,
          inInterface: 'x',
          states: ['INVALID'],
          tcpFlags,
        },
        around,
      ).verdict;
    t.equal(send('10.244.1.5', 'ACK'), 'drop');
    t.equal(send('10.244.1.5', 'FIN', 'ACK'), 'drop');
    t.equal(send('10.244.1.5', 'SYN', 'ACK'), 'drop');
    t.equal(send('192.0.2.1', 'ACK'), 'accept');
    t.equal(send('10.244.1.5', 'RST'), 'accept', 'no machine answers a reset');
    t.equal(send('10.244.1.5', 'RST', 'ACK'), 'accept');
    t.equal(send('10.244.1.5', 'SYN'), 'accept', 'not the answer of a backend');
    t.end();
  });
}
