// Hops at links: an interface, a port of the bridge, a neighbour. Pure.
import type { Hop, HopFault } from '../../controlplane/base/hops';
import type { Link } from './links';
import type { Neighbour } from './neighbours';
import type { NodeView } from './view';

/** A link that packets pass. `facts` come first. */
export function linkHop(link: Link, name: string, facts: readonly string[] = []): Hop {
  const { up, carrier, mtu, mac, dropped } = link;
  const all = [
    ...facts,
    `MTU ${mtu}`,
    ...(mac === '' ? [] : [`link address ${mac}`]),
    ...(dropped > 0 ? [`${dropped} packets dropped here since it was made`] : []),
  ];
  const common = {
    kind: 'interface',
    name,
    facts: all,
    link: { name: link.name, mtu, inPod: name !== link.name },
  } as const;
  if (up && carrier) return { ...common, state: 'passes' };
  const what = up ? 'has no carrier: the other end of it is down' : 'is down';
  const fault: HopFault = {
    code: 'LinkDown',
    message: `${name} ${what}`,
    remedy: `${up ? 'set the other end up' : `ip link set ${link.name} up`}, where the link is`,
  };
  return { ...common, state: 'stops', fault };
}

/** The node's end of a pod's wire. */
export function portHop(port: Link, { links }: NodeView): Hop {
  const bridge = links.find(({ name }) => name === port.master);
  const hop = linkHop(port, port.name, bridge ? [`port of bridge ${bridge.name}`] : ['in no bridge']);
  if (hop.state === 'stops' || bridge === undefined || bridge.up) return hop;
  const message = `bridge ${bridge.name} is down, so no pod of this node reaches anything`;
  return { ...hop, state: 'stops', fault: { code: 'LinkDown', message, remedy: `ip link set ${bridge.name} up` } };
}

/** A neighbour without an answer may come back at the next packet: only a probe can tell. */
export function neighbourHop(next: string, link: Link, neighbour: Neighbour | undefined): Hop {
  const name = `neighbour ${next} on ${link.name}`;
  if (neighbour === undefined) {
    return { kind: 'neighbour', name, state: 'passes', facts: ['not known yet: the kernel asks before it sends'] };
  }
  const { mac, state } = neighbour;
  if (mac !== undefined && state !== 'FAILED') {
    return { kind: 'neighbour', name, state: 'passes', facts: [`${mac}, ${state}`] };
  }
  const fault: HopFault = {
    code: 'NoNeighbour',
    message: `nobody on ${link.name} answers for ${next} (${state}): the machine is off, cut off, or has another address; or rules drop ARP, or neighbour discovery of IPv6`,
    remedy: `see whether the machine with ${next} runs, and its link is up; on both machines: nft list ruleset (tables of arp, bridge, netdev), arptables -L, ebtables -L`,
  };
  return { kind: 'neighbour', name, state: 'doubtful', facts: [state], fault };
}
