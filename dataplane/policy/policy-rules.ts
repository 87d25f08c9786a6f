// What one policy allows in one direction, as rules and the sets they name. Each peer is combined with each port condition.
import type { Family } from '../../controlplane/base/cidr';
import { blockOf } from './blocks';
import { isBlock, type Peer, type PodPeer, type PolicyRecord, type PortRecord, type Protocol } from './input';
import type { Match, Rule, Side } from './model';
import { type Direction, peerSet, policyChain, portSet } from './names';
import { portsByProtocol } from './ports';

/** The sets that a policy's rules name; the compiler fills them. */
export interface NamedSets {
  readonly peers: Map<string, { readonly family: Family; readonly namespace: string; readonly peer: PodPeer }>;
  readonly ports: Map<string, { readonly family: Family; readonly protocol: Protocol; readonly name: string }>;
}

/** One condition on the peer or on the port; without a family it applies to both families. */
interface Condition {
  readonly family?: Family;
  readonly match?: Match;
}

export function policyRules(
  direction: Direction,
  policy: PolicyRecord,
  families: readonly Family[],
  namedSets: NamedSets,
): Rule[] {
  const context = { direction, families, namedSets, namespace: policy.namespace };
  return (policy[direction] ?? []).flatMap(({ peers, ports }, i) => {
    const comment = `${policy.key}: ${direction}[${i}]`;
    const to = portConditions(context, ports);
    return peerConditions(context, peers).flatMap((peer) =>
      to
        .filter((port) => !peer.family || !port.family || peer.family === port.family)
        .map((port): Rule => {
          const matches = [peer.match, port.match].filter((match) => match !== undefined);
          return { matches, verdict: { verdict: 'accept' }, comment };
        }),
    );
  });
}

interface Context {
  readonly direction: Direction;
  readonly families: readonly Family[];
  readonly namespace: string;
  readonly namedSets: NamedSets;
}

function peerConditions({ direction, families, namespace, namedSets }: Context, peers: readonly Peer[]): Condition[] {
  if (peers.length === 0) return [{}];
  const side: Side = direction === 'ingress' ? 'source' : 'destination';
  return peers.flatMap((peer): Condition[] => {
    if (isBlock(peer)) {
      const block = blockOf(peer);
      return [{ family: block.family, match: { match: 'block', side, ...block } }];
    }
    return families.map((family): Condition => {
      const set = peerSet(family, namespace, peer);
      namedSets.peers.set(set, { family, namespace, peer });
      return { family, match: { match: 'in', side, family, set } };
    });
  });
}

/** A named port is a different number on each destination, so one look-up takes address and port together. */
function portConditions({ families, namedSets }: Context, ports: readonly PortRecord[]): Condition[] {
  if (ports.length === 0) return [{}];
  return portsByProtocol(ports).flatMap(({ protocol, all, ranges, names }) => {
    const numbers: Condition[] = all || ranges.length > 0 ? [{ match: { match: 'ports', protocol, ranges } }] : [];
    const named = names.flatMap((name) =>
      families.map((family): Condition => {
        const set = portSet(family, protocol, name);
        namedSets.ports.set(set, { family, protocol, name });
        return { family, match: { match: 'endpoint', family, set } };
      }),
    );
    return [...numbers, ...named];
  });
}

/** The chain for pods that the policies `keys` select together: a jump to each policy's chain, then a drop. */
export function profileRules(direction: Direction, keys: readonly string[]): Rule[] {
  const jumps = keys.map((key): Rule => {
    return { matches: [], verdict: { verdict: 'jump', chain: policyChain(direction, key) }, comment: key };
  });
  const drop: Rule = {
    matches: [],
    verdict: { verdict: 'drop' },
    comment: `${direction} not allowed by ${keys.join(', ')}`,
  };
  return [...jumps, drop];
}
