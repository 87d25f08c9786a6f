// Leads a packet through the hooks of the kernel, in the kernel's order, whatever language the rules at them are written in.
//
//   from outside:  [bridge prerouting] ─ prerouting ─► routing ─┬─► input ─► a process here
//                                                               └─► forward ─ postrouting ─► out
//   from a process here:  routing ─ output ─► routing ─ postrouting ─┬─► out
//                                                                    └─► prerouting, input: by loopback to a process here
import type { BaseChain, Evaluator, Verdict } from './evaluator';
import type { Hook, Journey, Step } from './journey';
import { isLocal, type Packet, type Surroundings, Traveller } from './packet';

const hooks: readonly Hook[] = ['bridge prerouting', 'prerouting', 'input', 'forward', 'output', 'postrouting'];

/** The priorities of the kernel's own tables at a hook, as in iptables (linux/netfilter_ipv4.h); nftables has names for them. */
export const priorities = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
} as const;

/** Which end of a connection nat chains translate at each hook. */
const translated: Readonly<Record<Hook, 'source' | 'destination' | undefined>> = {
  'bridge prerouting': undefined,
  prerouting: 'destination',
  output: 'destination',
  input: 'source',
  postrouting: 'source',
  forward: undefined,
};

const natPriority = (end: 'source' | 'destination'): number =>
  end === 'destination' ? priorities.dstnat : priorities.srcnat;

export class Tracer {
  private readonly chains: ReadonlyMap<Hook, readonly BaseChain[]>;

  /**
   * At equal priority, chains of the first evaluator run first. In the kernel the order of registration decides, and no listing
   * shows it.
   */
  constructor(evaluators: readonly Evaluator[]) {
    this.chains = new Map(
      hooks.map((hook) => {
        const chains = evaluators.flatMap((evaluator) => evaluator.at(hook));
        return [hook, chains.sort((a, b) => a.priority - b.priority)];
      }),
    );
  }

  /** @throws Unsupported when the packet reaches a rule with unknown words, or a jump to a chain that does not exist */
  trace(packet: Packet, around: Surroundings): Journey {
    return new Walk(this.chains, new Traveller(packet, around)).run();
  }
}

const accepted: Verdict = { kind: 'accept' };

class Walk {
  private readonly steps: Step[] = [];
  /** Ends whose translation is settled, even if no rule changed them: later nat chains do not run for them. */
  private readonly settled = new Set<'source' | 'destination'>();

  constructor(
    private readonly chains: ReadonlyMap<Hook, readonly BaseChain[]>,
    private readonly packet: Traveller,
  ) {}

  run(): Journey {
    const { packet } = this;
    return packet.inInterface === undefined ? this.send() : this.receive(packet.frame !== undefined);
  }

  private receive(bridged: boolean): Journey {
    const first = this.through(bridged ? ['bridge prerouting', 'prerouting'] : ['prerouting']);
    if (first.kind !== 'accept') return this.end(first, this.isLocal());
    const local = this.route();
    return this.end(this.through(local ? ['input'] : ['forward', 'postrouting']), local);
  }

  private send(): Journey {
    const { packet } = this;
    this.setOutInterface();
    const first = this.through(['output']);
    if (first.kind !== 'accept') return this.end(first, this.isLocal());
    // The kernel routes again, because DNAT or a mark may have changed the route.
    const local = this.route();
    const verdict = this.through(['postrouting']);
    if (!local || verdict.kind !== 'accept') return this.end(verdict, local);
    packet.inInterface = 'lo';
    packet.outInterface = undefined;
    return this.end(this.through(['prerouting', 'input']), local);
  }

  private route(): boolean {
    const { packet, steps } = this;
    const local = this.isLocal();
    this.setOutInterface();
    const { outInterface } = packet;
    const { destination } = packet.fields;
    steps.push({ step: 'routing', local, destination, ...(outInterface === undefined ? {} : { outInterface }) });
    return local;
  }

  private setOutInterface(): void {
    const { packet } = this;
    // A packet from outside to this node leaves by no interface; a packet of this node to itself leaves by loopback.
    const whenLocal = packet.inInterface === undefined ? 'lo' : undefined;
    packet.outInterface = this.isLocal() ? whenLocal : packet.around.route?.(packet.fields.destination);
  }

  private isLocal(): boolean {
    return isLocal(this.packet.fields.destination, this.packet.around);
  }

  private through(way: readonly Hook[]): Verdict {
    for (const hook of way) {
      const verdict = this.hook(hook);
      if (verdict.kind !== 'accept') return verdict;
    }
    return accepted;
  }

  /** `accept` ends one chain; the next chain at the same hook still runs. */
  private hook(hook: Hook): Verdict {
    const { packet, settled } = this;
    const end = translated[hook];
    let restored = packet.states.has('NEW');
    for (const chain of this.chains.get(hook) ?? []) {
      if (!restored && end !== undefined && chain.priority > natPriority(end)) {
        this.restore(hook, end);
        restored = true;
      }
      if (chain.family !== undefined && chain.family !== packet.family) continue;
      const isNat = chain.type === 'nat';
      if (isNat && (!packet.states.has('NEW') || (end !== undefined && settled.has(end)))) continue;
      const verdict = chain.evaluate(packet, (step) => this.steps.push(step));
      if (verdict.kind !== 'accept') return verdict;
      if (end === 'destination' && packet.dnat) settled.add(end);
      if (end === 'source' && (packet.masqueraded || packet.snat !== undefined)) settled.add(end);
    }
    if (!restored && end !== undefined) this.restore(hook, end);
    if (end !== undefined) settled.add(end);
    return accepted;
  }

  private restore(hook: Hook, end: 'source' | 'destination'): void {
    const { packet, steps } = this;
    const before = packet.fields;
    packet.restore(end);
    if (packet.fields !== before) steps.push({ step: 'restoring', hook, before, after: packet.fields });
  }

  private end(verdict: Verdict, local: boolean): Journey {
    const { packet, steps } = this;
    const { fields, dnat, snat, masqueraded } = packet;
    return {
      verdict: verdict.kind,
      ...(verdict.kind === 'reject' ? { rejectWith: verdict.with } : {}),
      local,
      ...fields,
      ...(dnat ? { dnat } : {}),
      ...(snat === undefined ? {} : { snat }),
      masqueraded,
      steps,
    };
  }
}
