// Builders for the Service compiler's records, and random clusters from a seed.
import type { Protocol } from '../../dataplane/netfilter/model';
import type { Packet } from '../../dataplane/path/packet';
import type { Endpoint, ServiceInput, ServicePort } from '../../dataplane/service/input';

export const endpoint = (address: string, port: number, changes: Partial<Endpoint> = {}): Endpoint => ({
  address,
  port,
  ready: true,
  serving: true,
  terminating: false,
  local: false,
  ...changes,
});

export const servicePort = (changes: Partial<ServicePort> = {}): ServicePort => ({
  name: 'http',
  protocol: 'tcp',
  port: 80,
  endpoints: [],
  ...changes,
});

export const service = (key: string, clusterIp: string, changes: Partial<ServiceInput> = {}): ServiceInput => ({
  key,
  clusterIp,
  externalIps: [],
  loadBalancerIps: [],
  internalLocal: false,
  externalLocal: false,
  ports: [servicePort()],
  ...changes,
});

/** Numbers in [0, 1), the same for the same seed (Numerical Recipes' generator, high bits). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const clusterCidr = '10.244.0.0/16';
export const podCidr = '10.244.1.0/24';
export const nodeAddresses: ReadonlySet<string> = new Set(['192.168.57.11', '10.244.1.1']);

/** Services that use every feature in every mixture, over addresses that do not overlap. */
export function randomCluster(random: () => number, count: number): ServiceInput[] {
  const chance = (p: number) => random() < p;
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  let nodePort = 30000;
  let address = 0;
  const endpoints = (): Endpoint[] =>
    Array.from({ length: Math.floor(random() * 5) }, () => {
      const local = chance(0.4);
      const ready = chance(0.6);
      const terminating = !ready && chance(0.6);
      // An endpoint may be a process of a node, outside the pod network.
      const ip = chance(0.1)
        ? local
          ? '192.168.57.11'
          : '192.168.57.12'
        : `10.244.${local ? 1 : 2}.${2 + Math.floor(random() * 6)}`;
      return endpoint(ip, pick([8080, 9090]), { local, ready, terminating, serving: ready || chance(0.7) });
    });
  return Array.from({ length: count }, (_, i) => {
    const external = chance(0.6);
    const ports = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, p) =>
      servicePort({
        name: `p${p}`,
        protocol: pick<Protocol>(['tcp', 'udp', 'sctp']),
        port: 80 + p,
        endpoints: endpoints(),
        ...(external && chance(0.8) ? { nodePort: nodePort++ } : {}),
      }),
    );
    address += 1 + Math.floor(random() * 4000);
    return service(`ns${i % 7}/svc${i}`, `10.${96 + (address >> 16)}.${(address >> 8) & 255}.${address & 255}`, {
      ports,
      internalLocal: chance(0.3),
      externalLocal: chance(0.4),
      ...(chance(0.2) ? { affinitySeconds: 600 } : {}),
      ...(external && chance(0.5) ? { loadBalancerIps: [`192.168.57.${240 + (i % 10)}`].filter(() => i < 10) } : {}),
      ...(external && chance(0.5) ? { sourceRanges: ['198.51.100.0/24', '10.244.0.0/16'] } : {}),
      ...(external && chance(0.3) ? { externalIps: [`203.0.113.${i % 256}`].filter(() => i < 256) } : {}),
    });
  });
}

/** Pods of this node with host ports, some on one address only; a few want the same port. */
export function randomHostPorts(random: () => number, count: number): ServiceInput[] {
  return Array.from({ length: count }, (_, i): ServiceInput => {
    const pod = endpoint(`10.244.1.${100 + i}`, 8080 + Math.floor(random() * 2), { local: true });
    const where = random() < 0.3 ? { hostIp: '192.168.57.11' } : {};
    const port = servicePort({
      name: '',
      protocol: random() < 0.7 ? 'tcp' : 'udp',
      port: pod.port,
      hostPort: 8000 + Math.floor(random() * 20),
      ...where,
      endpoints: [pod],
    });
    return {
      key: `pod/ns${i % 3}/p${i}`,
      externalIps: [],
      loadBalancerIps: [],
      internalLocal: false,
      externalLocal: false,
      ports: [port],
    };
  });
}

/** The first packet of a connection to one of these Services, or to another address. */
export function randomPacket(random: () => number, services: readonly ServiceInput[]): Packet {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const [source, inInterface] = pick([
    [`10.244.1.${2 + Math.floor(random() * 6)}`, 'cni0'],
    [`10.244.2.${2 + Math.floor(random() * 6)}`, 'eth0'],
    ['192.168.57.11', undefined],
    ['198.51.100.7', 'eth0'],
    ['203.0.113.200', 'eth0'],
    ['192.168.57.12', 'eth0'],
  ] as const);
  const service = pick(services);
  const port: ServicePort = pick(service.ports);
  const destination = pick([
    ...(service.clusterIp ? [service.clusterIp, service.clusterIp] : ['10.244.1.1', '10.111.222.33']),
    ...service.loadBalancerIps,
    ...service.externalIps,
    '192.168.57.11',
    '127.0.0.1',
    '10.244.2.3',
    '10.244.1.4',
    '8.8.8.8',
  ]);
  const atNode = nodeAddresses.has(destination) || destination === '127.0.0.1';
  return {
    source: destination === '127.0.0.1' ? '127.0.0.1' : source,
    destination,
    protocol: random() < 0.9 ? port.protocol : pick<Protocol>(['tcp', 'udp', 'sctp']),
    sourcePort: 40_000,
    destinationPort: random() < 0.1 ? 4_242 : ((atNode ? (port.nodePort ?? port.hostPort) : undefined) ?? port.port),
    ...(inInterface && destination !== '127.0.0.1' ? { inInterface } : {}),
  };
}
