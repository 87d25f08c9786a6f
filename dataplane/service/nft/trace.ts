// Evaluates a compiled plan as the kernel would: a packet in, its journey out. The way through the hooks is that of
// dataplane/netfilter/trace.ts; chains of others are not there.
import { Unsupported } from '../../../controlplane/base/errors';
import { enter, isLocal, type Traveller } from '../../netfilter/conditions';
import type { Journey, Packet, Surroundings } from '../../netfilter/packet';
import type { NftPlan } from './model';
import { parseRule, type Statement, type Verdict } from './statements';

export interface NftStep {
  readonly chain: string;
  /** Counted from 1. */
  readonly line: number;
  readonly rule: string;
}
export type NftJourney = Omit<Journey, 'steps'> & { readonly steps: readonly NftStep[] };

interface ReadyRule {
  readonly text: string;
  readonly statements: readonly Statement[];
}
interface BaseChain {
  readonly name: string;
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
}
type Final = Extract<Verdict, { kind: 'accept' | 'drop' | 'reject' }>;

/** The kernel refuses chains that jump in circles; deeper nesting than this is one. */
const maxDepth = 16;

export class NftTracer {
  private readonly ready = new Map<string, readonly ReadyRule[]>();
  private readonly bases: readonly BaseChain[];

  constructor(private readonly plan: NftPlan) {
    this.bases = [...plan.chains]
      .flatMap(([name, { hook }]) => {
        if (hook === undefined) return [];
        const found = /^type (\w+) hook (\w+) priority (-?\d+); policy accept;$/.exec(hook);
        if (!found) throw new Unsupported(`the tracer does not know this hook: ${hook}`);
        return [{ name, type: found[1]!, hook: found[2]!, priority: Number(found[3]) }];
      })
      .sort((a, b) => a.priority - b.priority);
  }

  /** @throws Unsupported when it comes to words it does not know, or to a chain that is not there */
  trace(packet: Packet, around: Surroundings): NftJourney {
    return new Walk(packet, around, this.bases, (chain) => this.rules(chain)).run();
  }

  private rules(chain: string): readonly ReadyRule[] {
    let rules = this.ready.get(chain);
    if (!rules) {
      const content = this.plan.chains.get(chain);
      if (!content) throw new Unsupported(`there is no chain ${chain}`);
      const lines = content.rules.split('\n').filter((line) => line !== '');
      rules = lines.map((text) => ({ text, statements: parseRule(text, this.plan) }));
      this.ready.set(chain, rules);
    }
    return rules;
  }
}

class Walk {
  private readonly packet: Traveller;
  private readonly steps: NftStep[] = [];
  private dnat: Journey['dnat'];
  private masqueraded = false;

  constructor(
    private readonly given: Packet,
    around: Surroundings,
    private readonly bases: readonly BaseChain[],
    private readonly rules: (chain: string) => readonly ReadyRule[],
  ) {
    this.packet = enter(given, around);
  }

  run(): NftJourney {
    const fromHere = this.given.inInterface === undefined;
    const first = this.hook(fromHere ? 'output' : 'prerouting');
    const local = isLocal(this.packet.destination, this.packet.around);
    if (first.kind !== 'accept') return this.end(first, local);
    const out = local ? ['postrouting', 'input'] : ['postrouting'];
    for (const hook of fromHere ? out : local ? ['input'] : ['forward', 'postrouting']) {
      const verdict = this.hook(hook);
      if (verdict.kind !== 'accept') return this.end(verdict, local);
    }
    return this.end({ kind: 'accept' }, local);
  }

  /** `accept` ends one base chain; the next at the same hook is asked all the same. */
  private hook(name: string): Final {
    for (const base of this.bases) {
      if (base.hook !== name || (base.type === 'nat' && !this.packet.states.has('NEW'))) continue;
      const verdict = this.walk(base.name, 0);
      if (verdict && verdict.kind !== 'accept') return verdict;
    }
    return { kind: 'accept' };
  }

  /** Undefined: the end of the chain. */
  private walk(chain: string, depth: number): Final | undefined {
    if (depth > maxDepth) throw new Unsupported(`chains jump in a circle at ${chain}`);
    for (const [i, { text, statements }] of this.rules(chain).entries()) {
      const verdict = this.evaluate(statements);
      if (!verdict) continue;
      this.steps.push({ chain, line: i + 1, rule: text });
      if (verdict.kind === 'goto') return this.walk(verdict.chain, depth + 1);
      const final = verdict.kind === 'jump' ? this.walk(verdict.chain, depth + 1) : this.act(verdict);
      if (final) return final;
    }
    return undefined;
  }

  private evaluate(statements: readonly Statement[]): Verdict | undefined {
    for (const statement of statements) {
      const result = statement(this.packet);
      if (result === false) return undefined;
      if (result !== true) return result;
    }
    return undefined;
  }

  private act(verdict: Exclude<Verdict, { kind: 'jump' | 'goto' }>): Final {
    const { packet } = this;
    if (verdict.kind === 'dnat') {
      packet.destination = verdict.address;
      packet.destinationPort = verdict.port;
      packet.states.add('DNAT');
      this.dnat = { address: verdict.address, port: verdict.port };
      return { kind: 'accept' };
    }
    if (verdict.kind === 'masquerade') {
      this.masqueraded = true;
      return { kind: 'accept' };
    }
    return verdict;
  }

  private end(verdict: Final, local: boolean): NftJourney {
    const { packet, dnat, masqueraded, steps } = this;
    return {
      verdict: verdict.kind,
      ...(verdict.kind === 'reject' ? { rejectWith: verdict.with } : {}),
      local,
      source: packet.source,
      destination: packet.destination,
      ...(packet.destinationPort === undefined ? {} : { destinationPort: packet.destinationPort }),
      ...(dnat ? { dnat } : {}),
      masqueraded,
      mark: packet.mark,
      steps,
    };
  }
}
