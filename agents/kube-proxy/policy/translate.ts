// Translates API objects to the records that policies are compiled from. Pure.
import {
  type EndpointSlice,
  isTerminal,
  type LabelSelector,
  lastingContainers,
  type Namespace,
  type NetworkPolicy,
  type Pod,
  type Service,
  selectorFromLabelSelector,
} from '../../../controlplane/api';
import { cidrContains, formatAddress, parseAddress, parseCidr } from '../../../controlplane/base/cidr';
import type {
  NamedPort,
  NamespaceRecord,
  NodeServer,
  Peer,
  PodRecord,
  PolicyRecord,
  PortRecord,
  Protocol,
  RuleRecord,
  Selector,
  ServerEndpoint,
} from '../../../dataplane/policy/input';

type Spec = NonNullable<NetworkPolicy['spec']>;
type ApiPeer = NonNullable<NonNullable<Spec['ingress']>[number]['from']>[number];
type ApiPort = NonNullable<NonNullable<Spec['ingress']>[number]['ports']>[number];

const protocolOf = (text: string | undefined): Protocol => (text ?? 'TCP').toLowerCase() as Protocol;
const keyOf = ({ metadata }: { metadata?: { namespace?: string; name?: string } }) =>
  `${metadata?.namespace}/${metadata?.name}`;
/** An empty selector selects everything. One with an unknown operator, which validation refuses, selects nothing. */
const selectorOf = (selector: LabelSelector): Selector => (selectorFromLabelSelector(selector) ?? []) as Selector;

/** @throws BadRequest for text that is not a range, which validation refuses. */
export function translatePolicy(policy: NetworkPolicy): PolicyRecord {
  const { ingress = [], egress = [] } = policy.spec ?? {};
  return {
    ...isolation(policy),
    ...(isolates(policy, 'Ingress') ? { ingress: ingress.map(({ from, ports }) => translateRule(from, ports)) } : {}),
    ...(isolates(policy, 'Egress') ? { egress: egress.map(({ to, ports }) => translateRule(to, ports)) } : {}),
  };
}

/** For a policy that cannot be translated: isolates the selected pods, and allows nothing. */
export const closedPolicy = (policy: NetworkPolicy): PolicyRecord => ({
  ...isolation(policy),
  ...(isolates(policy, 'Ingress') ? { ingress: [] } : {}),
  ...(isolates(policy, 'Egress') ? { egress: [] } : {}),
});

const isolation = (policy: NetworkPolicy) => ({
  key: keyOf(policy),
  namespace: policy.metadata?.namespace ?? '',
  pods: selectorOf(policy.spec?.podSelector ?? {}),
});

/** Without policyTypes a policy concerns ingress, and egress if it has egress rules. */
function isolates({ spec }: NetworkPolicy, type: 'Ingress' | 'Egress'): boolean {
  if (spec?.policyTypes?.length) return spec.policyTypes.includes(type);
  return type === 'Ingress' || (spec?.egress?.length ?? 0) > 0;
}

const translateRule = (peers: readonly ApiPeer[] | undefined, ports: readonly ApiPort[] | undefined): RuleRecord => ({
  peers: (peers ?? []).map(translatePeer),
  ports: (ports ?? []).map(translatePort),
});

function translatePeer({ ipBlock, namespaceSelector, podSelector }: ApiPeer): Peer {
  if (ipBlock) {
    const { cidr, except = [] } = ipBlock;
    for (const range of [cidr, ...except]) parseCidr(range);
    return { cidr, except };
  }
  return {
    ...(namespaceSelector ? { namespaces: selectorOf(namespaceSelector) } : {}),
    ...(podSelector ? { pods: selectorOf(podSelector) } : {}),
  };
}

const translatePort = ({ protocol, port, endPort }: ApiPort): PortRecord => ({
  protocol: protocolOf(protocol),
  ...(port === undefined ? {} : { port }),
  ...(endPort === undefined ? {} : { endPort }),
});

export const translateNamespace = ({ metadata }: Namespace): NamespaceRecord => ({
  name: metadata?.name ?? '',
  labels: metadata?.labels ?? {},
});

/** Undefined for a pod that policies do not affect: with hostNetwork, without an address, or ended. */
export function translatePod(pod: Pod, nodeName: string): PodRecord | undefined {
  const { metadata, spec, status } = pod;
  // The address of a pod that has ended stays in its status, and another pod may have it now.
  if (spec?.hostNetwork || isTerminal(pod)) return undefined;
  const texts = [...(status?.podIPs ?? []).map(({ ip }) => ip), status?.podIP].filter((ip) => Boolean(ip));
  if (texts.length === 0) return undefined;
  return {
    key: keyOf(pod),
    namespace: metadata?.namespace ?? '',
    labels: metadata?.labels ?? {},
    addresses: [...new Set(texts.map((ip) => formatAddress(parseAddress(ip!))))],
    local: spec?.nodeName === nodeName,
    ports: namedPorts(pod),
    ending: metadata?.deletionTimestamp !== undefined,
  };
}

/** The named ports of containers that run as long as the pod does. Init containers that run once serve no requests. */
function namedPorts({ spec }: Pod): NamedPort[] {
  return lastingContainers(spec ?? {}).flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, protocol, containerPort }) =>
      name ? [{ name, protocol: protocolOf(protocol), port: containerPort }] : [],
    ),
  );
}

/**
 * The node's DNS server as if it were a pod: in the namespace of the DNS Service, at the endpoints that the Service has on this node,
 * with the labels of the Service and those of its selector. So policies that name CoreDNS's pods work here.
 */
export function translateServer(
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  node: { readonly name: string; readonly podRanges: readonly string[] },
): NodeServer | undefined {
  if (!service) return undefined;
  const ranges = node.podRanges.map(parseCidr);
  const isPod = (address: string) => ranges.some((range) => cidrContains(range, parseAddress(address)));
  const found = slices
    .filter(({ addressType }) => addressType !== 'FQDN')
    .flatMap(({ endpoints, ports }) =>
      (endpoints ?? [])
        .filter(({ nodeName }) => nodeName === node.name)
        .flatMap(({ addresses }) => addresses)
        .filter((address) => !isPod(address))
        .flatMap((address) =>
          (ports ?? []).flatMap(({ name = '', protocol, port }) =>
            port === undefined ? [] : [{ name, address, protocol: protocolOf(protocol), port }],
          ),
        ),
    );
  if (found.length === 0) return undefined;
  return {
    key: keyOf(service),
    namespace: service.metadata?.namespace ?? '',
    labels: { ...service.metadata?.labels, ...service.spec?.selector },
    addresses: [...new Set(found.map(({ address }) => address))],
    ports: found.filter(({ name }) => name !== '').map(({ name, protocol, port }) => ({ name, protocol, port })),
    endpoints: found.map(({ address, protocol, port }): ServerEndpoint => ({ address, protocol, port })),
  };
}
