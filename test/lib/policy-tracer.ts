// Walks a packet through a compiled plan as the kernel does: base chains of a hook by priority, `accept` ends one of them, `drop`
// ends all. Packets are the first of their connection.
import { BlockList, isIP } from 'node:net';
import type { Chain, Match, PolicyPlan, Rule, Side } from '../../dataplane/policy/model';

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** 0 for protocols without ports. */
  readonly port: number;
}

export function passes(plan: PolicyPlan, hook: 'forward' | 'input', packet: Packet): boolean {
  const chains = [...plan.chains.values()].filter((chain) => chain.hook?.name === hook);
  chains.sort((a, b) => a.hook!.priority - b.hook!.priority);
  return chains.every((chain) => walk(plan, chain, packet) !== 'drop');
}

type Outcome = 'accept' | 'drop' | 'fell through';

function walk(plan: PolicyPlan, { rules }: Chain, packet: Packet): Outcome {
  for (const rule of rules) {
    if (!rule.matches.every((match) => matches(plan, match, packet))) continue;
    const { outcome, leaves } = follow(plan, rule, packet);
    if (outcome !== 'fell through' || leaves) return outcome;
  }
  return 'fell through';
}

function follow(plan: PolicyPlan, { verdict }: Rule, packet: Packet): { outcome: Outcome; leaves: boolean } {
  const enter = (name: string, leaves: boolean) => {
    const chain = plan.chains.get(name);
    if (!chain) throw new Error(`no chain ${name}`);
    return { outcome: walk(plan, chain, packet), leaves };
  };
  switch (verdict.verdict) {
    case 'accept':
    case 'drop':
      return { outcome: verdict.verdict, leaves: true };
    case 'mark-seen':
      return { outcome: 'fell through', leaves: false };
    case 'jump':
      return enter(verdict.chain, false);
    case 'goto':
      return enter(verdict.chain, true);
    case 'look-up': {
      const map = plan.maps.get(verdict.map);
      if (!map) throw new Error(`no map ${verdict.map}`);
      const found = map.elements.get(side(packet, verdict.side));
      if (found === undefined) return { outcome: 'fell through', leaves: false };
      return found === 'accept' ? { outcome: 'accept', leaves: true } : enter(found.replace('goto ', ''), true);
    }
  }
}

const side = (packet: Packet, which: Side): string => (which === 'source' ? packet.source : packet.destination);

function matches(plan: PolicyPlan, match: Match, packet: Packet): boolean {
  const has = (name: string, element: string) => {
    const set = plan.sets.get(name);
    if (!set) throw new Error(`no set ${name}`);
    return set.elements.has(element);
  };
  switch (match.match) {
    case 'answer':
    case 'across-bridge':
      return false;
    case 'in':
      return has(match.set, side(packet, match.side));
    case 'block': {
      const address = side(packet, match.side);
      return inRange(match.cidr, address) && !match.except.some((cidr) => inRange(cidr, address));
    }
    case 'ports': {
      const inPorts = match.ranges.length === 0 || match.ranges.some(([a, b]) => packet.port >= a && packet.port <= b);
      return packet.protocol === match.protocol && inPorts;
    }
    case 'endpoint':
      return has(match.set, `${packet.destination} . ${packet.protocol} . ${packet.port}`);
    case 'pair':
      return has(match.set, `${packet.source} . ${packet.destination}`);
  }
}

export function inRange(cidr: string, address: string): boolean {
  const [base = '', prefix] = cidr.split('/');
  if (isIP(base) !== isIP(address)) return false;
  const type = isIP(base) === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), type);
  return list.check(address, type);
}
