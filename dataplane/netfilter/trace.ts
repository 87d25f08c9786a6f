// Walks a packet through a rule set as the kernel would, and tells what became of it and why.
//
//   from outside:  raw ─ mangle ─ nat PREROUTING ─► routing ─┬─► mangle ─ filter ─ nat INPUT ─► a process here
//                                                            └─► mangle ─ filter FORWARD ─┐
//   from a process here:  raw ─ mangle ─ nat ─ filter OUTPUT ─► routing ──────────────────┴─► mangle ─ nat POSTROUTING ─► out
//   A packet to this node itself leaves through POSTROUTING to loopback and comes to INPUT like any other.
import { Unsupported } from '../../controlplane/base/errors';
import { type Condition, conditionsOf, enter, isLocal, type Traveller } from './conditions';
import type { Chain, Rule, RuleSet, Table, Target } from './model';
import type { Hook, Journey, Packet, Step, Surroundings } from './packet';
import { renderRule } from './render';

interface ReadyRule {
  readonly rule: Rule;
  readonly conditions: readonly Condition[];
}
type Verdict = { readonly kind: 'accept' | 'drop' } | { readonly kind: 'reject'; readonly with: string };

const order: Readonly<Record<Hook, readonly Table[]>> = {
  PREROUTING: ['raw', 'mangle', 'nat'],
  INPUT: ['mangle', 'filter', 'security', 'nat'],
  FORWARD: ['mangle', 'filter', 'security'],
  OUTPUT: ['raw', 'mangle', 'nat', 'filter', 'security'],
  POSTROUTING: ['mangle', 'nat'],
};
/** The kernel refuses rule sets that jump in circles; deeper nesting than this is one. */
const maxDepth = 64;

export class Tracer {
  private readonly ready = new Map<Chain, readonly ReadyRule[]>();
  constructor(private readonly rules: RuleSet) {}

  /** @throws Unsupported when it comes to a rule whose words are not known, or that jumps to a chain that is not there */
  trace(packet: Packet, around: Surroundings): Journey {
    return new Walk(this.rules, (chain) => this.prepare(chain), packet, around).run();
  }

  private prepare(chain: Chain): readonly ReadyRule[] {
    let rules = this.ready.get(chain);
    if (!rules) {
      rules = chain.rules.map((rule) => ({ rule, conditions: conditionsOf(rule) }));
      this.ready.set(chain, rules);
    }
    return rules;
  }
}

class Walk {
  private readonly packet: Traveller;
  private readonly steps: Step[] = [];
  private dnat: Journey['dnat'];
  private snat: string | undefined;
  private masqueraded = false;

  constructor(
    private readonly rules: RuleSet,
    private readonly prepare: (chain: Chain) => readonly ReadyRule[],
    private readonly given: Packet,
    around: Surroundings,
  ) {
    this.packet = enter(given, around);
  }

  run(): Journey {
    const fromHere = this.given.inInterface === undefined;
    const first = this.hook(fromHere ? 'OUTPUT' : 'PREROUTING');
    const { packet } = this;
    const local = isLocal(packet.destination, packet.around);
    if (first.kind !== 'accept') return this.end(first, local);
    packet.outInterface = local ? 'lo' : packet.around.route?.(packet.destination);
    const hooks: readonly Hook[] = fromHere
      ? local
        ? ['POSTROUTING', 'INPUT']
        : ['POSTROUTING']
      : local
        ? ['INPUT']
        : ['FORWARD', 'POSTROUTING'];
    for (const hook of hooks) {
      const verdict = this.hook(hook);
      if (verdict.kind !== 'accept') return this.end(verdict, local);
    }
    return this.end({ kind: 'accept' }, local);
  }

  private hook(hook: Hook): Verdict {
    for (const table of order[hook]) {
      if (table === 'nat' && !this.packet.states.has('NEW')) continue;
      const chain = this.rules.get(table)?.get(hook);
      if (!chain) continue;
      const verdict = this.walk(table, hook, chain, 0) ?? { kind: chain.policy === 'DROP' ? 'drop' : 'accept' };
      if (verdict.kind !== 'accept') return verdict;
    }
    return { kind: 'accept' };
  }

  /** Undefined: the end of the chain, or RETURN. */
  private walk(table: Table, hook: Hook, chain: Chain, depth: number): Verdict | undefined {
    if (depth > maxDepth) throw new Unsupported(`chains jump in a circle at ${chain.name}`);
    let line = 0;
    for (const { rule, conditions } of this.prepare(chain)) {
      line++;
      if (!conditions.every((condition) => condition(this.packet))) continue;
      this.steps.push({ table, hook, chain: chain.name, line, rule });
      const { action } = rule;
      if (action.target === 'return') return undefined;
      if (action.target === 'jump' || action.target === 'goto') {
        const next = this.rules.get(table)?.get(action.chain);
        if (!next) throw new Unsupported(`${renderRule(chain.name, rule, 4)}: there is no chain ${action.chain}`);
        const verdict = this.walk(table, hook, next, depth + 1);
        if (verdict || action.target === 'goto') return verdict;
        continue;
      }
      const verdict = this.act(action, hook, rule);
      if (verdict) return verdict;
    }
    return undefined;
  }

  private act(action: Target, hook: Hook, rule: Rule): Verdict | undefined {
    const { packet } = this;
    switch (action.target) {
      case 'accept':
      case 'drop':
        return { kind: action.target };
      case 'reject':
        return { kind: 'reject', with: action.with };
      case 'mark':
        packet.mark = (((packet.mark & ~action.mask) >>> 0) ^ action.value) >>> 0;
        return undefined;
      case 'dnat': {
        const to = parseTarget(action.to);
        packet.destination = to.address;
        if (to.port !== undefined) packet.destinationPort = to.port;
        packet.states.add('DNAT');
        this.dnat = to;
        return { kind: 'accept' };
      }
      case 'snat':
        packet.source = parseTarget(action.to).address;
        packet.states.add('SNAT');
        this.snat = packet.source;
        return { kind: 'accept' };
      case 'masquerade':
        packet.states.add('SNAT');
        this.masqueraded = true;
        return { kind: 'accept' };
      case 'none':
        return undefined;
      default:
        throw new Unsupported(`the tracer does not know what this does in ${hook}: ${renderRule('?', rule, 4)}`);
    }
  }

  private end(verdict: Verdict, local: boolean): Journey {
    const { packet } = this;
    return {
      verdict: verdict.kind,
      ...(verdict.kind === 'reject' ? { rejectWith: verdict.with } : {}),
      local,
      source: packet.source,
      destination: packet.destination,
      ...(packet.destinationPort === undefined ? {} : { destinationPort: packet.destinationPort }),
      ...(this.dnat ? { dnat: this.dnat } : {}),
      ...(this.snat === undefined ? {} : { snat: this.snat }),
      masqueraded: this.masqueraded,
      mark: packet.mark,
      steps: this.steps,
    };
  }
}

/** `address`, `address:port`, `[address]:port`. */
export function parseTarget(text: string): { readonly address: string; readonly port?: number } {
  const found = /^\[(.*)\]:(\d+)$/.exec(text) ?? /^([^:]*):(\d+)$/.exec(text);
  return found ? { address: found[1]!, port: Number(found[2]) } : { address: text.replace(/^\[(.*)\]$/, '$1') };
}

/** Every jump or goto whose chain does not exist in its table, as rendered lines; a sound rule set has none. */
export function brokenJumps(rules: RuleSet): string[] {
  const broken: string[] = [];
  for (const chains of rules.values()) {
    for (const { name, rules: list } of chains.values()) {
      for (const rule of list) {
        const { action } = rule;
        if ((action.target === 'jump' || action.target === 'goto') && !chains.has(action.chain)) {
          broken.push(renderRule(name, rule, 4));
        }
      }
    }
  }
  return broken;
}
