// What one policy allows in one direction, as rules and the sets they name. Each peer is combined with each kind of port.
import type { Family } from '../../controlplane/base/cidr';
import { blockOf } from './blocks';
import { isBlock, type Peer, type PodPeer, type PolicyRecord, type PortRecord, type Protocol } from './input';
import type { Match, Rule, Side } from './model';
import { type Direction, peerSet, policyChain, portSet } from './names';
import { portsByProtocol } from './ports';

/** Sets a policy's rules look into, by name; what is in them is not the policy's business. */
export interface WantedSets {
  readonly peers: Map<string, { readonly family: Family; readonly namespace: string; readonly peer: PodPeer }>;
  readonly ports: Map<string, { readonly family: Family; readonly protocol: Protocol; readonly name: string }>;
}

/** One way to satisfy a side of a rule; without a family it holds for both. */
interface Condition {
  readonly family?: Family;
  readonly match?: Match;
}

export function policyRules(
  direction: Direction,
  policy: PolicyRecord,
  families: readonly Family[],
  wanted: WantedSets,
): Rule[] {
  const context = { direction, families, wanted, namespace: policy.namespace };
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
  readonly wanted: WantedSets;
}

function peerConditions({ direction, families, namespace, wanted }: Context, peers: readonly Peer[]): Condition[] {
  if (peers.length === 0) return [{}];
  const side: Side = direction === 'ingress' ? 'source' : 'destination';
  return peers.flatMap((peer): Condition[] => {
    if (isBlock(peer)) {
      const block = blockOf(peer);
      return [{ family: block.family, match: { match: 'block', side, ...block } }];
    }
    return families.map((family): Condition => {
      const set = peerSet(family, namespace, peer);
      wanted.peers.set(set, { family, namespace, peer });
      return { family, match: { match: 'in', side, family, set } };
    });
  });
}

/** A name means the port each destination has under it; so the address is looked up together with the port. */
function portConditions({ families, wanted }: Context, ports: readonly PortRecord[]): Condition[] {
  if (ports.length === 0) return [{}];
  return portsByProtocol(ports).flatMap(({ protocol, all, ranges, names }) => {
    const numbers: Condition[] = all || ranges.length > 0 ? [{ match: { match: 'ports', protocol, ranges } }] : [];
    const named = names.flatMap((name) =>
      families.map((family): Condition => {
        const set = portSet(family, protocol, name);
        wanted.ports.set(set, { family, protocol, name });
        return { family, match: { match: 'endpoint', family, set } };
      }),
    );
    return [...numbers, ...named];
  });
}

/** The chain of policies `keys` select together, in both directions the same: one after the other, and nothing else. */
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
