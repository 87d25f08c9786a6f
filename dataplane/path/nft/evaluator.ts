// Evaluates a table of nftables like the kernel. The table comes from the transactions of this project or from a listing of the
// kernel.
import { Unsupported } from '../../../controlplane/base/errors';
import { type BaseChain, type Evaluator, located, maxDepth, orDoubt, type Refusal, type Verdict } from '../evaluator';
import { priorities } from '../hooks';
import type { Hook, ObjectRef, RuleStep, StepVerdict } from '../journey';
import { policiesOfComment, serviceOfComment } from '../objects';
import type { Traveller } from '../packet';
import type { NftTable } from './tables';
import { type Decision, parseRule, type Statement } from './words';

interface ReadyRule {
  readonly text: string;
  readonly statements: readonly Statement[];
  readonly objects: readonly ObjectRef[];
}
type RecordStep = (step: RuleStep) => void;

const hookText = /^type (filter|nat|route) hook (\w+)(?: devices? .+?)? priority (.+?); policy (accept|drop);$/;

export interface DeclaredHook {
  readonly type: 'filter' | 'nat' | 'route';
  /** `prerouting`, `ingress`. */
  readonly at: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

/** The first line of a base chain. @throws Unsupported */
export function readHook(declared: string): DeclaredHook {
  const [, type, at, priority, policy] = hookText.exec(declared) ?? [];
  if (at === undefined) throw new Unsupported(`the tracer does not know this hook: ${declared}`);
  return { type, at, priority: priorityOf(priority!), policy } as DeclaredHook;
}

export class NftEvaluator implements Evaluator {
  private readonly ready = new Map<string, readonly ReadyRule[]>();
  constructor(
    private readonly table: NftTable,
    private readonly refusal: Refusal = 'eager',
  ) {}

  at(hook: Hook): readonly BaseChain[] {
    return [...this.table.chains].flatMap(([name, { hook: declared }]): BaseChain[] => {
      if (declared === undefined) return [];
      const { type, at, priority, policy } = readHook(declared);
      const { family } = this.table;
      if (hook !== (family === 'bridge' ? `bridge ${at}` : at)) return [];
      return [
        {
          priority,
          type: type === 'nat' ? 'nat' : 'filter',
          ...(family === 'ip' ? { family: 4 } : family === 'ip6' ? { family: 6 } : {}),
          evaluate: (packet, record) => this.base(hook, name, policy, packet, record),
        },
      ];
    });
  }

  private base(hook: Hook, name: string, policy: 'accept' | 'drop', packet: Traveller, record: RecordStep): Verdict {
    const verdict = this.walk(hook, { name, depth: 0, objects: [] }, packet, record);
    if (verdict) return verdict;
    if (policy === 'accept') return { kind: 'accept' };
    const { fields } = packet;
    const at = { step: 'rule', hook, table: this.table.label, chain: name, line: 0, rule: 'policy drop' } as const;
    record({ ...at, verdict: 'drop', before: fields, after: fields, objects: [] });
    return { kind: 'drop' };
  }

  /** Undefined: the packet reached the end of the chain, or `return`. */
  private walk(
    hook: Hook,
    { name, depth, objects }: Entry,
    packet: Traveller,
    record: RecordStep,
  ): Verdict | undefined {
    if (depth > maxDepth) throw new Unsupported(`chains jump in a circle at ${name}`);
    for (const [i, rule] of this.rules(name).entries()) {
      const before = packet.fields;
      const place = `${this.table.label} ${name}:${i + 1}`;
      const met = orDoubt(this.refusal, () => located(place, rule.text, () => evaluate(rule.statements, packet)));
      const step = { step: 'rule', hook, table: this.table.label, chain: name, line: i + 1, rule: rule.text } as const;
      if ('doubt' in met) {
        const { doubt } = met;
        if (decides(rule.text)) record({ ...step, verdict: 'continue', before, after: packet.fields, objects, doubt });
        continue;
      }
      const result = met.value;
      if (result === false) continue;
      const decision = result === true ? undefined : result;
      const acted = orDoubt(this.refusal, () => located(place, rule.text, () => decision && act(decision, packet)));
      if ('doubt' in acted) {
        record({ ...step, verdict: 'continue', before, after: packet.fields, objects, doubt: acted.doubt });
        continue;
      }
      const final = acted.value;
      const behind = this.objectsBehind(rule, decision, objects);
      record({ ...step, verdict: stepVerdict(decision), before, after: packet.fields, objects: behind });
      if (final) return final;
      if (!decision) continue;
      const { verdict } = decision;
      if (verdict.kind === 'return') return undefined;
      if (verdict.kind !== 'jump' && verdict.kind !== 'goto') continue;
      const below = this.walk(hook, { name: verdict.chain, depth: depth + 1, objects: behind }, packet, record);
      if (below || verdict.kind === 'goto') return below;
    }
    return undefined;
  }

  /**
   * A chain shared by many Services names none of them: then the objects of the rule or element that led to it count. The
   * destination of a DNAT is an endpoint of the Service.
   */
  private objectsBehind(
    { objects }: ReadyRule,
    decision: Decision | undefined,
    above: readonly ObjectRef[],
  ): readonly ObjectRef[] {
    const own = [...objects, ...(decision?.comment === undefined ? [] : this.objectsOf(decision.comment))];
    const known = own.length > 0 ? own : above;
    if (decision?.verdict.kind !== 'dnat') return known;
    const { address, port } = decision.verdict.to;
    const endpoint = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    return known.map((one) => (one.kind === 'NetworkPolicy' ? one : { ...one, endpoint }));
  }

  private objectsOf(comment: string): readonly ObjectRef[] {
    return this.table.family === 'inet' ? policiesOfComment(comment) : serviceOfComment(comment);
  }

  private rules(chain: string): readonly ReadyRule[] {
    let rules = this.ready.get(chain);
    if (!rules) {
      const content = this.table.chains.get(chain);
      if (!content) throw new Unsupported(`there is no chain ${chain} in table ${this.table.label}`);
      rules = content.rules.map((text, i) => ({
        text,
        statements: located(`${this.table.label} ${chain}:${i + 1}`, text, () =>
          parseRule(text, this.table, this.refusal),
        ),
        objects: this.objectsOf(/ comment "([^"]*)"$/.exec(text)?.[1] ?? ''),
      }));
      this.ready.set(chain, rules);
    }
    return rules;
  }
}

/** Whether a rule does more than to count and to log: texts in quotes do not count. */
const decides = (text: string): boolean =>
  /\b(?:accept|drop|reject|return|jump|goto|[sd]nat|masquerade|redirect|tproxy|queue|notrack|vmap|set|fwd|dup|synproxy)\b/.test(
    text.replace(/"[^"]*"/g, ''),
  );

interface Entry {
  readonly name: string;
  readonly depth: number;
  /** The objects of the rule or element that led to this chain. */
  readonly objects: readonly ObjectRef[];
}

/** `-100`, `filter`, `filter + 10`. */
function priorityOf(text: string): number {
  const [, name, sign, offset] = /^([a-z]+)(?: ([+-]) (\d+))?$/.exec(text) ?? [];
  if (name === undefined) return Number(text);
  if (!Object.hasOwn(priorities, name)) throw new Unsupported(`the tracer does not know this priority: ${text}`);
  return priorities[name as keyof typeof priorities] + (sign === '-' ? -1 : 1) * Number(offset ?? 0);
}

function evaluate(statements: readonly Statement[], packet: Traveller): boolean | Decision {
  for (const statement of statements) {
    const result = statement(packet);
    if (result !== true) return result;
  }
  return true;
}

/** Undefined: the packet continues in this chain, in the chain of the verdict, or after the rule that led here. */
function act({ verdict }: Decision, packet: Traveller): Verdict | undefined {
  switch (verdict.kind) {
    case 'accept':
    case 'drop':
      return { kind: verdict.kind };
    case 'reject':
      return verdict;
    case 'dnat':
      packet.translateDestination(verdict.to);
      return { kind: 'accept' };
    case 'snat':
      packet.translateSource(verdict.to.address);
      return { kind: 'accept' };
    case 'redirect':
      packet.redirect(verdict.port);
      return { kind: 'accept' };
    case 'masquerade':
      packet.masquerade();
      return { kind: 'accept' };
    default:
      return undefined;
  }
}

function stepVerdict(decision: Decision | undefined): StepVerdict {
  const kind = decision?.verdict.kind ?? 'continue';
  return kind === 'redirect' ? 'dnat' : kind;
}
