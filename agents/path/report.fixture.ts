// Reports as nodes give them, for tests of what prints them. `completeReport` has every field that the types have.
import type { Hop, HopKind } from '../../controlplane/base/hops';
import type { Leg, LocatedHop, PathReport } from '../../controlplane/base/path-report';

const link = (
  name: string,
  where: { leg: Leg; node: string; pod?: string; mtu?: number },
  ...facts: string[]
): LocatedHop => ({
  kind: 'interface',
  name: where.pod ? `${name} of pod ${where.pod}` : name,
  state: 'passes',
  facts: [...facts, `MTU ${where.mtu ?? 1450}`, 'link address 0a:58:0a:f4:01:05'],
  link: { name, mtu: where.mtu ?? 1450, inPod: where.pod !== undefined },
  leg: where.leg,
  node: where.node,
});
const hop = (kind: HopKind, name: string, where: { leg: Leg; node?: string }, more: Partial<Hop> = {}): LocatedHop => ({
  kind,
  name,
  state: 'passes',
  facts: [],
  ...more,
  ...where,
});

const packet = { protocol: 'tcp', source: '10.244.1.5', sourcePort: 40_000 } as const;
const translated = { ...packet, destination: '10.244.2.9', destinationPort: 8080 };
const one = { leg: 'request', node: 'worker-1' } as const;
const two = { leg: 'request', node: 'worker-2' } as const;
const back2 = { leg: 'answer', node: 'worker-2' } as const;
const back1 = { leg: 'answer', node: 'worker-1' } as const;

const request: readonly LocatedHop[] = [
  hop('name', 'name cart.shop', { leg: 'name', node: 'worker-1' }, { facts: ['10.96.12.7, by 10.96.0.10'] }),
  hop('choice', 'Service shop/cart', { leg: 'request' }, { facts: ['port http leads to 2 ready endpoints'] }),
  link('eth0', { ...one, pod: 'shop/web-7c9d8b6f5-x2x4k' }, 'address 10.244.1.5'),
  hop('routing', 'routing', one, { facts: ['10.96.12.7 is reached via 10.244.1.1 by eth0'] }),
  link('veth0af40105', one, 'port of bridge cni0'),
  hop('hook', 'prerouting', one, {
    becomes: translated,
    rules: [
      {
        place: 'nat K8TS-SERVICES:4',
        rule: '-A K8TS-SERVICES -d 10.96.12.7/32 -p tcp -m comment --comment "shop/cart:http" -m tcp --dport 80 -j K8TS-SVC-CART',
        verdict: 'jump',
        objects: ['Service shop/cart:http'],
        since: '2026-01-02T03:04:05Z',
        writer: 'kube-proxy of k8ts',
        packets: 12,
      },
      {
        place: 'nat K8TS-SVC-CART:1',
        rule: '-A K8TS-SVC-CART -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.2.9:8080',
        verdict: 'dnat',
        objects: ['Service shop/cart:http -> 10.244.2.9:8080'],
        writer: 'kube-proxy of k8ts',
        packets: 7,
        byChance: true,
      },
    ],
  }),
  hop('routing', 'routing', one, { facts: ['10.244.2.9 is reached via 10.244.2.0 by k8ts-vxlan'] }),
  link('k8ts-vxlan', one, 'VXLAN network 84, UDP port 8472'),
  hop('tunnel', 'tunnel to 192.168.57.12', one, {
    facts: ['in a packet 192.168.57.11 to 192.168.57.12, UDP port 8472'],
  }),
  hop('neighbour', 'neighbour 192.168.57.12 on eth0', one, { facts: ['08:00:27:00:00:12, REACHABLE'] }),
  link('eth0', { ...one, mtu: 1500 }, 'towards 192.168.57.12'),
  link('eth0', { ...two, mtu: 1500 }, 'from 192.168.57.11'),
  hop('tunnel', 'tunnel from 192.168.57.11', two, {
    facts: ['in a packet 192.168.57.11 to 192.168.57.12, UDP port 8472'],
  }),
  link('k8ts-vxlan', two, 'VXLAN network 84: the inner packet comes out'),
];
const arrival: readonly LocatedHop[] = [
  hop('hook', 'forward', two, { rules: [] }),
  hop('neighbour', 'neighbour 10.244.2.9 on cni0', two, { facts: ['0a:58:0a:f4:02:09, STALE'] }),
  link('veth0af40209', two, 'port of bridge cni0'),
  link('eth0', { ...two, pod: 'shop/cart-0' }, 'address 10.244.2.9'),
  hop('socket', 'tcp port 8080 of pod shop/cart-0', two, { facts: ['a program listens at every address'] }),
  link('eth0', { ...back2, pod: 'shop/cart-0' }, 'address 10.244.2.9'),
  hop('tunnel', 'tunnel to 192.168.57.11', back2),
  hop('hook', 'prerouting', back1, {
    facts: ['an answer: connection tracking restores the addresses of the question'],
    becomes: {
      protocol: 'tcp',
      source: '10.96.12.7',
      sourcePort: 80,
      destination: '10.244.1.5',
      destinationPort: 40_000,
    },
  }),
  link('eth0', { ...back1, pod: 'shop/web-7c9d8b6f5-x2x4k' }, 'address 10.244.1.5'),
];

const common = {
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  from: 'pod shop/web-7c9d8b6f5-x2x4k',
  to: 'cart.shop:80',
} as const;

export const worksReport: PathReport = {
  ...common,
  hops: [
    ...request,
    ...arrival,
    hop('probe', 'tcp to 10.96.12.7:80', { leg: 'request', node: 'worker-1' }, { facts: ['connected in 1.2 ms'] }),
  ],
  delivered: translated,
  probed: true,
  verdict: {
    works: 'yes',
    sentence:
      'Pod shop/web-7c9d8b6f5-x2x4k reaches cart.shop:80: a probe arrived and was answered (connected in 1.2 ms).',
  },
};

const message =
  'dropped without an answer by a rule of ufw: filter ufw-user-forward:3: -A ufw-user-forward -p tcp -m tcp --dport 8080 -j DROP';
const remedy = 'on the node: iptables -t filter -D ufw-user-forward 3';
export const stoppedReport: PathReport = {
  ...common,
  hops: [
    ...request.map((each) =>
      each.name === 'neighbour 192.168.57.12 on eth0'
        ? {
            ...each,
            state: 'doubtful' as const,
            fault: {
              code: 'NoNeighbour',
              message:
                'nobody on eth0 answers for 192.168.57.12 (STALE): the machine is off, cut off, or has another address',
            },
          }
        : each,
    ),
    hop('hook', 'rules', two, {
      state: 'unknown',
      facts: ['the rules of this node could not be followed: the match "length" is not known'],
    }),
    hop('hook', 'forward', two, { state: 'stops', rules: [], fault: { code: 'ForeignRule', message, remedy } }),
  ],
  probed: false,
  verdict: {
    works: 'no',
    code: 'ForeignRule',
    hop: request.length + 1,
    sentence: `Pod shop/web-7c9d8b6f5-x2x4k does not reach cart.shop:80: ${message} (at forward on node worker-2).`,
    remedy,
  },
};

/** No report of a cluster: it has all fields, all kinds, legs and states. */
export const completeReport: PathReport = {
  ...stoppedReport,
  delivered: translated,
  hops: [
    ...stoppedReport.hops,
    ...worksReport.hops,
    hop('proxy', 'Ingress shop/cart', { leg: 'upstream', node: 'worker-1' }),
    hop('machine', 'the machine 203.0.113.9', { leg: 'upstream' }),
  ],
  whatIf: {
    objects: [{ object: 'Service shop/cart', change: 'created', note: 'its pods do not exist yet' }],
    hops: worksReport.hops,
    delivered: translated,
    verdict: worksReport.verdict,
    changes: [
      {
        before: 3,
        after: 4,
        rulesGone: [{ place: 'filter FORWARD:1', rule: '-A FORWARD -j DROP', verdict: 'drop', objects: [] }],
        rulesNew: [],
      },
    ],
    sentence: `The manifest would open this path: ${worksReport.verdict.sentence}`,
  },
};
