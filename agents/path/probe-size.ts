// Whether large packets arrive where small ones do: an echo that fills the MTU of the sender, or of TCP that of both ends, and a small one to
// compare with.
import type { HopFault } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { Followed } from './follow';
import type { ProbeDeps, Probed } from './probe-plan';
import type { Sender } from './sender';
import type { Target } from './target';

/** Headers of IP and ICMP. */
const headers = { 4: 28, 6: 48 } as const;
const timeoutMs = 400;
const remedy = 'let ICMP "fragmentation needed" pass, or give all links on the way the same MTU';

/** Empty where the question does not arise: the sender is no pod, or the small echo is not answered, as under many NetworkPolicies. */
export async function probeSize(
  { sender, target, followed }: { readonly sender: Sender; readonly target: Target; readonly followed: Followed },
  { cluster }: ProbeDeps,
): Promise<readonly Probed[]> {
  const { origin, node } = sender;
  const mtu = largestPacket(followed, target.protocol);
  if (origin.kind !== 'pod' || node === undefined || mtu === undefined || followed.end.kind !== 'pod') return [];
  const { destination: address } = followed.packet;
  const size = mtu - headers[address.includes(':') ? 6 : 4];
  const base = { protocol: 'icmp', address, timeoutMs } as const;
  const { results } = await cluster.probe(node, { from: origin, requests: [base, { ...base, size }] });
  const [small, large] = results;
  if (small?.outcome !== 'answered' || large === undefined) return [];
  const name = `probe icmp of ${mtu} bytes to ${address}`;
  const hop: LocatedHop = {
    kind: 'probe',
    name,
    state: 'passes',
    leg: 'request',
    facts: [`${large.outcome}${large.error ? `: ${large.error}` : ''}`],
  };
  if (large.outcome !== 'timeout') {
    const back = await probeBack({ sender, followed, size, mtu, protocol: target.protocol }, cluster);
    return [{ hop, came: large, sightings: [] }, ...back];
  }
  const narrow = followed.hops
    .filter(({ link }) => link !== undefined && link.mtu < mtu)
    .map(({ name: at, node: on, link }) => `${at} of node ${on} takes ${link!.mtu}`);
  const fault: HopFault = {
    code: 'MtuBlackHole',
    message: `small packets arrive, but packets of ${mtu} bytes, the MTU of ${target.protocol === 'tcp' ? 'both ends' : 'the pod'}, are lost, and no ICMP message says so${narrow.length > 0 ? `; ${narrow.join(', ')}` : ''}`,
    remedy,
  };
  return [{ hop: { ...hop, state: 'stops', fault }, came: large, sightings: [] }];
}

interface Back {
  readonly sender: Sender;
  readonly followed: Followed;
  readonly size: number;
  readonly mtu: number;
  readonly protocol: Target['protocol'];
}

/**
 * The same from the receiver: its packets may meet another limit, which the sender's kernel does not say. Empty where
 * large answers arrive, too, or where small ones do not, as under a NetworkPolicy.
 */
async function probeBack(
  { sender, followed, size, mtu, protocol }: Back,
  cluster: ProbeDeps['cluster'],
): Promise<readonly Probed[]> {
  const { end, packet } = followed;
  const node = followed.passed.at(-1)?.node;
  const address = sender.addresses.find((own) => own.includes(':') === packet.destination.includes(':'));
  // Of a datagram no answer has to come.
  if (protocol !== 'tcp' || end.kind !== 'pod' || node === undefined || address === undefined) return [];
  if (end.pod === (sender.origin.kind === 'pod' ? sender.origin.pod : undefined)) return [];
  const base = { protocol: 'icmp', address, timeoutMs } as const;
  const { results } = await cluster.probe(node, {
    from: { kind: 'pod', pod: end.pod },
    requests: [base, { ...base, size }],
  });
  const [small, large] = results;
  if (small?.outcome !== 'answered' || large?.outcome !== 'timeout') return [];
  const message = `small packets arrive, but packets of ${mtu} bytes from pod ${end.pod} to ${sender.label} are lost, and no ICMP message says so: long answers do not come`;
  const hop: LocatedHop = {
    kind: 'probe',
    name: `probe icmp of ${mtu} bytes from pod ${end.pod} to ${address}`,
    state: 'stops',
    leg: 'answer',
    facts: [large.outcome],
    fault: { code: 'MtuBlackHole', message, remedy },
  };
  return [{ hop, came: large, sightings: [] }];
}

/** Each end of TCP says how much its own link takes (RFC 9293, 3.7.1), so no larger packet is sent. */
export function largestPacket({ hops }: Pick<Followed, 'hops'>, protocol: Target['protocol']): number | undefined {
  const inPods = hops.flatMap(({ link }) => (link?.inPod ? [link.mtu] : []));
  return protocol === 'tcp' && inPods.length > 0 ? Math.min(...inPods) : inPods[0];
}
