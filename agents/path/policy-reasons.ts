// Says which part of a policy does not match, at the hop where one drops the packet. What the caller may not read is left out.
import { namespaces, networkPolicies, type Pod, services } from '../../controlplane/api';
import type { HopPacket } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { type ClusterReader, podAddresses } from './cluster';
import type { Followed } from './follow';
import { type Judged, type PeerPod, whyNotAllowed } from './policy-check';

const directions: Readonly<Record<string, Judged['direction']>> = { IngressPolicy: 'ingress', EgressPolicy: 'egress' };
const maxPolicies = 4;
const dnsService = 'kube-system/kube-dns';

/** The same way, its policy's refusal with the reason. */
export async function withReasons(followed: Followed, cluster: ClusterReader): Promise<Followed> {
  const index = followed.hops.findIndex(({ fault }) => directions[fault?.code ?? ''] !== undefined);
  const hop = followed.hops[index];
  const packet = followed.passed.find(({ node }) => node === hop?.node)?.answer.packet;
  if (hop?.fault === undefined || packet === undefined) return followed;
  const reasons = await reasonsOf(hop, packet, cluster).catch(() => []);
  if (reasons.length === 0) return followed;
  const fault = { ...hop.fault, message: `${hop.fault.message}; ${reasons.join('; ')}` };
  return { ...followed, hops: followed.hops.with(index, { ...hop, fault }) };
}

async function reasonsOf(hop: LocatedHop, packet: HopPacket, cluster: ClusterReader): Promise<readonly string[]> {
  const direction = directions[hop.fault?.code ?? '']!;
  const named = (hop.rules ?? []).flatMap(({ objects }) =>
    objects.flatMap((object) => /^NetworkPolicy (\S+)$/.exec(object)?.[1] ?? []),
  );
  const keys = [...new Set(named)].slice(0, maxPolicies);
  const all = await cluster.pods('');
  const podAt = (address: string) =>
    all.find((pod) => podAddresses(pod).includes(address) && pod.spec?.hostNetwork !== true);
  const receiver = podAt(packet.destination);
  const address = direction === 'ingress' ? packet.source : packet.destination;
  const other = direction === 'ingress' ? podAt(packet.source) : receiver;
  // A node sends from the address at which its name server listens.
  const isAsked = direction === 'egress' && !other;
  const peer = other ? await peerOf(other, cluster) : isAsked ? await nameServer(address, cluster) : undefined;
  const { protocol, destinationPort: port } = packet;
  const judged: Judged = {
    ...{ direction, protocol, address, portNames: namesOf(receiver, packet) },
    ...(port === undefined ? {} : { port }),
    ...(peer ? { peer } : {}),
  };
  const policies = await Promise.all(keys.map((key) => cluster.find(networkPolicies, key)));
  return policies.flatMap((policy) => {
    const isOf = policy?.spec?.policyTypes?.some((type) => type.toLowerCase() === direction);
    return policy && isOf ? whyNotAllowed(policy, judged) : [];
  });
}

/** To policies the name server of a node is a pod with the labels of its Service (agents/kube-proxy/policy). */
async function nameServer(address: string, cluster: ClusterReader): Promise<PeerPod | undefined> {
  const dns = await cluster.find(services, dnsService);
  const slices = dns ? await cluster.slicesOf(dnsService) : [];
  const isIt = slices.some(({ endpoints = [] }) => endpoints.some(({ addresses }) => addresses.includes(address)));
  if (dns === undefined || !isIt) return undefined;
  const { namespace = '', labels } = dns.metadata ?? {};
  const space = await cluster.find(namespaces, namespace);
  return {
    who: 'the name server',
    namespace,
    labels: { ...labels, ...dns.spec?.selector },
    namespaceLabels: space?.metadata?.labels ?? {},
  };
}

async function peerOf(pod: Pod, cluster: ClusterReader): Promise<PeerPod> {
  const { namespace = '', name, labels = {} } = pod.metadata ?? {};
  const space = await cluster.find(namespaces, namespace);
  return { who: `pod ${namespace}/${name}`, namespace, labels, namespaceLabels: space?.metadata?.labels ?? {} };
}

const namesOf = (pod: Pod | undefined, { protocol, destinationPort }: HopPacket): readonly string[] =>
  (pod?.spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, containerPort, protocol: of = 'TCP' }) =>
      name !== undefined && containerPort === destinationPort && of.toLowerCase() === protocol ? [name] : [],
    ),
  );
