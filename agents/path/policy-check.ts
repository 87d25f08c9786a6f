// Which part of a NetworkPolicy does not match a packet that it does not allow. Pure. Source: reference of NetworkPolicy v1; KEP-2079 (endPort).
import type { NetworkPolicy } from '../../controlplane/api';
import { selectorText } from '../../controlplane/api/scale';
import { type Labels, matchesSelector, selectorFromLabelSelector } from '../../controlplane/api/selector';
import type { LabelSelector } from '../../controlplane/api/types';
import { cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import type { HopPacket } from '../../controlplane/base/hops';

/** The pod at the other end, if it is one; the name server of a node counts as one. */
export interface PeerPod {
  /** `pod shop/web-0` */
  readonly who: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly namespaceLabels: Labels;
}

export interface Judged {
  readonly direction: 'ingress' | 'egress';
  readonly protocol: HopPacket['protocol'];
  readonly port?: number;
  /** Names of the receiver's container ports with this number and protocol. */
  readonly portNames: readonly string[];
  /** The other end: of ingress the sender, of egress the receiver. */
  readonly address: string;
  readonly peer?: PeerPod;
}

type Rule = NonNullable<NonNullable<NetworkPolicy['spec']>['ingress']>[number];
type Peer = NonNullable<Rule['from']>[number];
type Port = NonNullable<Rule['ports']>[number];

const maxRules = 3;
const maxPeers = 3;

/** A sentence for each of its first rules, such as `rule 1 allows port 80/TCP only`. */
export function whyNotAllowed({ metadata, spec }: NetworkPolicy, judged: Judged): readonly string[] {
  const { direction } = judged;
  const rules: readonly { readonly ports?: readonly Port[]; readonly peers?: readonly Peer[] }[] =
    direction === 'ingress'
      ? (spec?.ingress ?? []).map(({ ports = [], from = [] }) => ({ ports, peers: from }))
      : (spec?.egress ?? []).map(({ ports = [], to = [] }) => ({ ports, peers: to }));
  const name = `NetworkPolicy ${metadata?.namespace}/${metadata?.name}`;
  if (rules.length === 0) return [`${name} has no rule for ${direction}: it allows nothing`];
  const words = rules.slice(0, maxRules).map(({ ports = [], peers = [] }, i) => {
    const portFits = ports.length === 0 || ports.some((port) => fitsPort(port, judged));
    const why = peers.map((peer) => whyNotPeer(peer, judged, metadata?.namespace ?? ''));
    const peerFits = peers.length === 0 || why.includes(undefined);
    const misses = [
      ...(portFits ? [] : [`allows ${list(ports.map(portText))} only, not ${asked(judged)}`]),
      ...(peerFits ? [] : [`is for ${why.slice(0, maxPeers).join('; or for ')}`]),
    ];
    return `rule ${i + 1} ${misses.length > 0 ? misses.join(', and ') : 'matches now: it may have changed meanwhile'}`;
  });
  const more = rules.length > maxRules ? [`${rules.length - maxRules} more rules do not match either`] : [];
  return [`${name}: ${[...words, ...more].join('. ')}`];
}

const list = (texts: readonly string[]): string => [...new Set(texts)].slice(0, 4).join(', ');

const portText = ({ port, endPort, protocol = 'TCP' }: Port): string =>
  port === undefined
    ? `all ports of ${protocol}`
    : `port ${port}${endPort === undefined ? '' : `-${endPort}`}/${protocol}`;

const asked = ({ protocol, port }: Judged): string =>
  port === undefined ? protocol.toUpperCase() : `${port}/${protocol.toUpperCase()}`;

function fitsPort(
  { port: wanted, endPort, protocol: of = 'TCP' }: Port,
  { protocol, port, portNames }: Judged,
): boolean {
  if (of.toLowerCase() !== protocol || port === undefined) return false;
  if (wanted === undefined) return true;
  if (typeof wanted === 'string') return portNames.includes(wanted);
  return endPort === undefined ? wanted === port : wanted <= port && port <= endPort;
}

/** Undefined: the peer matches. */
function whyNotPeer(
  { ipBlock, podSelector, namespaceSelector }: Peer,
  judged: Judged,
  own: string,
): string | undefined {
  const { address, peer } = judged;
  if (ipBlock) {
    const { cidr, except = [] } = ipBlock;
    const ip = parseAddress(address);
    const within = (range: string) => cidrContains(parseCidr(range), ip);
    const hole = except.find(within);
    const note =
      judged.direction === 'egress' && peer
        ? ': policies see the pod behind a Service, not the address of the Service'
        : '';
    if (!within(cidr)) return `ipBlock ${cidr}, and ${address} is not in it${note}`;
    return hole === undefined ? undefined : `ipBlock ${cidr}, except ${hole}, in which ${address} is`;
  }
  if (peer === undefined) return `pods alone, and ${address} is no pod of the cluster`;
  if (namespaceSelector && !matches(namespaceSelector, peer.namespaceLabels))
    return `namespaces with ${text(namespaceSelector)}, and namespace ${peer.namespace} has ${labels(peer.namespaceLabels)}`;
  if (!namespaceSelector && peer.namespace !== own)
    return `pods of namespace ${own} alone (no namespaceSelector), and ${peer.who} is in ${peer.namespace}`;
  if (podSelector && !matches(podSelector, peer.labels))
    return `pods with ${text(podSelector)}, and ${peer.who} has ${labels(peer.labels)}`;
  return undefined;
}

const matches = (selector: LabelSelector, of: Labels): boolean =>
  matchesSelector(selectorFromLabelSelector(selector) ?? [], of);
const text = (selector: LabelSelector): string => selectorText(selector) || 'any labels';
const labels = (of: Labels): string =>
  Object.entries(of)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .slice(0, 8)
    .join(',') || 'no labels';
