// Builders for NetworkPolicies, pods and namespaces as API objects, and random clusters of them from a seed.
import type { LabelSelector, Namespace, NetworkPolicy, Pod } from '../../controlplane/api';

export type PolicySpec = NonNullable<NetworkPolicy['spec']>;
type Rule = NonNullable<PolicySpec['ingress']>[number];
type Peer = NonNullable<Rule['from']>[number];
type Port = NonNullable<Rule['ports']>[number];

export const policy = (namespace: string, name: string, spec: PolicySpec): NetworkPolicy => ({
  metadata: { namespace, name },
  spec,
});
export const namespace = (name: string, labels: Record<string, string> = {}): Namespace => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
});

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly labels?: Record<string, string>;
  /** Name to port, TCP; `udp:` before a name makes it UDP. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly hostNetwork?: boolean;
  readonly phase?: string;
}

export function pod({ namespace, name, node, addresses, labels = {}, ports = {}, ...rest }: PodFacts): Pod {
  const named = Object.entries(ports).map(([text, containerPort]) =>
    text.startsWith('udp:')
      ? { name: text.slice('udp:'.length), protocol: 'UDP', containerPort }
      : { name: text, protocol: 'TCP', containerPort },
  );
  return {
    metadata: { namespace, name, labels },
    spec: {
      nodeName: node,
      containers: [{ name: 'c', image: 'i', ports: named }],
      ...(rest.hostNetwork ? { hostNetwork: true } : {}),
    },
    status: {
      phase: rest.phase ?? 'Running',
      ...(addresses[0] ? { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) } : {}),
    },
  };
}

export const nodes = { n1: '192.168.57.11', n2: '192.168.57.12' } as const;
export const podRanges = {
  n1: ['10.244.1.0/24', 'fd00:244:1::/64'],
  n2: ['10.244.2.0/24', 'fd00:244:2::/64'],
} as const;
export const outsiders = ['198.51.100.7', '203.0.113.9', '192.168.57.13', '2001:db8::7'] as const;

export interface RandomCluster {
  readonly namespaces: Namespace[];
  readonly pods: Pod[];
  readonly policies: NetworkPolicy[];
}

/** Every feature in every mixture, over only a few labels and ports, so that policies, pods and ports often match. */
export function randomPolicies(random: () => number): RandomCluster {
  const chance = (p: number) => random() < p;
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const many = <T>(max: number, make: () => T): T[] => Array.from({ length: below(max + 1) }, make);
  const labels = () => {
    const found: Record<string, string> = {};
    if (chance(0.8)) found['app'] = pick(['web', 'db', 'job']);
    if (chance(0.4)) found['tier'] = pick(['a', 'b']);
    return found;
  };
  const names = ['shop', 'lab', 'ops'];
  const namespaces = names.map((name) => namespace(name, chance(0.6) ? { team: pick(['x', 'y']) } : {}));
  const pods: Pod[] = [];
  for (let i = 0; i < 10; i++) {
    const node = pick(['n1', 'n2'] as const);
    const one = node === 'n1' ? 1 : 2;
    const hostNetwork = chance(0.1);
    const v6 = chance(0.7) ? [`fd00:244:${one}::${(16 + i).toString(16)}`] : [];
    pods.push(
      pod({
        namespace: pick(names),
        name: `pod-${i}`,
        node,
        addresses: hostNetwork ? [nodes[node]] : chance(0.05) ? [] : [`10.244.${one}.${16 + i}`, ...v6],
        labels: labels(),
        ports: {
          ...(chance(0.7) ? { http: pick([80, 8080]) } : {}),
          ...(chance(0.3) ? { 'udp:http': 8080 } : {}),
          ...(chance(0.3) ? { 'udp:dns': 53 } : {}),
        },
        hostNetwork,
        phase: chance(0.05) ? 'Succeeded' : 'Running',
      }),
    );
  }
  const selector = (): LabelSelector => {
    if (chance(0.25)) return {};
    const key = pick(['app', 'tier']);
    const value = () => pick(key === 'app' ? ['web', 'db', 'job'] : ['a', 'b']);
    if (chance(0.5)) return { matchLabels: { [key]: value() } };
    const operator = pick(['In', 'NotIn', 'Exists', 'DoesNotExist']);
    const values = operator.endsWith('In') ? { values: [value(), value()] } : {};
    return { matchExpressions: [{ key, operator, ...values }] };
  };
  const namespaceSelector = (): LabelSelector => {
    if (chance(0.3)) return {};
    if (chance(0.5)) return { matchLabels: { 'kubernetes.io/metadata.name': pick(names) } };
    return { matchExpressions: [{ key: 'team', operator: pick(['Exists', 'DoesNotExist']) }] };
  };
  const block = (): Peer => {
    const [cidr, ...holes] = pick([
      ['0.0.0.0/0', '10.244.0.0/16', '10.244.1.0/24', '198.51.100.0/24'],
      ['10.244.0.0/16', '10.244.1.0/28', '10.244.1.16/30', '10.244.1.16/32'],
      ['198.51.100.0/24', '198.51.100.7/32'],
      ['192.168.57.0/24', '192.168.57.13/32'],
      ['::/0', 'fd00:244:1::/64', '2001:db8::/32'],
      ['fd00:244::/32', 'fd00:244:1::10/124'],
    ]);
    return { ipBlock: { cidr: cidr!, except: holes.filter(() => chance(0.4)) } };
  };
  const peer = (): Peer => {
    const kind = below(4);
    if (kind === 0) return block();
    return {
      ...(kind !== 1 ? { podSelector: selector() } : {}),
      ...(kind !== 2 ? { namespaceSelector: namespaceSelector() } : {}),
    };
  };
  const port = (): Port => {
    const protocol = pick(['TCP', 'TCP', 'UDP', 'SCTP']);
    if (chance(0.15)) return { protocol };
    if (chance(0.3)) return { protocol, port: pick(['http', 'dns', 'missing']) };
    const from = pick([53, 80, 443, 8000]);
    return { protocol, port: from, ...(chance(0.4) ? { endPort: from + pick([0, 27, 100]) } : {}) };
  };
  const policies = Array.from({ length: below(6) }, (_, i) => {
    const types = pick([undefined, undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']]);
    return policy(pick(names), `p${i}`, {
      podSelector: selector(),
      ...(chance(0.8) ? { ingress: many(2, () => ({ from: many(2, peer), ports: many(3, port) })) } : {}),
      ...(chance(0.6) ? { egress: many(2, () => ({ to: many(2, peer), ports: many(3, port) })) } : {}),
      ...(types ? { policyTypes: types } : {}),
    });
  });
  return { namespaces, pods, policies };
}
