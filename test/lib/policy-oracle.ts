// Decides from API objects alone whether a connection is allowed, as the NetworkPolicy API describes it. It shares no code with the
// compiler, and knows no rules, sets or chains. Source: API reference networking.k8s.io/v1 and the concept page "Network Policies".
import { BlockList, isIP } from 'node:net';
import type { LabelSelector, Namespace, NetworkPolicy, Pod } from '../../controlplane/api';

export interface Cluster {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
}

export interface Attempt {
  /** Absent: the address belongs to no pod. */
  readonly from?: Pod;
  readonly to?: Pod;
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP';
  readonly port: number;
}

type Spec = NonNullable<NetworkPolicy['spec']>;
interface ApiRule {
  readonly peers: NonNullable<Spec['ingress']>[number]['from'];
  readonly ports: NonNullable<Spec['ingress']>[number]['ports'];
}

/** Both ends must allow a connection. A pod always reaches itself. */
export function isAllowed(cluster: Cluster, attempt: Attempt): boolean {
  const { from, to } = attempt;
  if (from && from === to) return true;
  return (!from || mayLeave(cluster, attempt, from)) && (!to || mayEnter(cluster, attempt, to));
}

export function mayLeave(cluster: Cluster, attempt: Attempt, pod: Pod): boolean {
  const policies = selecting(cluster, pod, 'Egress');
  return policies.length === 0 || policies.some((policy) => allows(cluster, policy, attempt, 'Egress'));
}

export function mayEnter(cluster: Cluster, attempt: Attempt, pod: Pod): boolean {
  const policies = selecting(cluster, pod, 'Ingress');
  return policies.length === 0 || policies.some((policy) => allows(cluster, policy, attempt, 'Ingress'));
}

function selecting({ policies }: Cluster, pod: Pod, type: 'Ingress' | 'Egress'): NetworkPolicy[] {
  return policies.filter(({ metadata, spec }) => {
    const types = spec?.policyTypes ?? ['Ingress', ...(spec?.egress?.length ? ['Egress'] : [])];
    return (
      types.includes(type) &&
      metadata?.namespace === pod.metadata?.namespace &&
      selected(spec?.podSelector ?? {}, pod.metadata?.labels)
    );
  });
}

function allows(cluster: Cluster, policy: NetworkPolicy, attempt: Attempt, type: 'Ingress' | 'Egress'): boolean {
  const rules: ApiRule[] =
    type === 'Ingress'
      ? (policy.spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (policy.spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
  const other = type === 'Ingress' ? attempt.from : attempt.to;
  const address = type === 'Ingress' ? attempt.source : attempt.destination;
  return rules.some(({ peers, ports }) => {
    const fromPeer =
      !peers?.length ||
      peers.some(({ ipBlock, namespaceSelector, podSelector }) => {
        if (ipBlock) {
          return inRange(ipBlock.cidr, address) && !ipBlock.except?.some((hole) => inRange(hole, address));
        }
        if (!other) return false;
        const namespace = other.metadata?.namespace;
        const object = cluster.namespaces.find(({ metadata }) => metadata?.name === namespace);
        const inNamespace = namespaceSelector
          ? object !== undefined && selected(namespaceSelector, object.metadata?.labels)
          : namespace === policy.metadata?.namespace;
        return inNamespace && selected(podSelector ?? {}, other.metadata?.labels);
      });
    const toPort =
      !ports?.length ||
      ports.some(({ protocol = 'TCP', port, endPort }) => {
        if (protocol !== attempt.protocol) return false;
        if (port === undefined) return true;
        if (typeof port === 'number') return attempt.port >= port && attempt.port <= (endPort ?? port);
        return (attempt.to?.spec?.containers ?? []).some((container) =>
          container.ports?.some(
            (named) =>
              named.name === port && (named.protocol ?? 'TCP') === protocol && named.containerPort === attempt.port,
          ),
        );
      });
    return fromPeer && toPort;
  });
}

function selected({ matchLabels, matchExpressions }: LabelSelector, labels: Record<string, string> = {}): boolean {
  for (const [key, value] of Object.entries(matchLabels ?? {})) if (labels[key] !== value) return false;
  for (const { key, operator, values = [] } of matchExpressions ?? []) {
    const value = labels[key];
    const held = {
      In: value !== undefined && values.includes(value),
      NotIn: value === undefined || !values.includes(value),
      Exists: value !== undefined,
      DoesNotExist: value === undefined,
    }[operator];
    if (!held) return false;
  }
  return true;
}

function inRange(cidr: string, address: string): boolean {
  const [base = '', prefix] = cidr.split('/');
  if (isIP(base) !== isIP(address)) return false;
  const type = isIP(base) === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), type);
  return list.check(address, type);
}
