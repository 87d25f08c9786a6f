// Evaluates iptables rules like the kernel. The rules come from a plan (netfilter's ruleSetOf) or from iptables-save (parseDump),
// as the same values.
import type { Family } from '../../../controlplane/base/cidr';
import { Unsupported } from '../../../controlplane/base/errors';
import type { Chain, Rule, RuleSet, Table, Target } from '../../netfilter/model';
import { renderRule } from '../../netfilter/render';
import { type BaseChain, type Evaluator, located, maxDepth, orDoubt, type Refusal, type Verdict } from '../evaluator';
import { priorities } from '../hooks';
import type { Hook, ObjectRef, RuleStep, StepVerdict } from '../journey';
import { serviceOfComment } from '../objects';
import { parseEndpoint, type Traveller } from '../packet';
import { type Condition, conditionsOf } from './conditions';

interface ReadyRule {
  readonly action: Target;
  readonly text: string;
  readonly conditions: readonly Condition[];
  readonly objects: readonly ObjectRef[];
}
type RecordStep = (step: RuleStep) => void;

/** The tables of iptables that have a chain at a hook. */
export const tablesAt: Readonly<Partial<Record<Hook, readonly Table[]>>> = {
  prerouting: ['raw', 'mangle', 'nat'],
  input: ['mangle', 'filter', 'security', 'nat'],
  forward: ['mangle', 'filter', 'security'],
  output: ['raw', 'mangle', 'nat', 'filter', 'security'],
  postrouting: ['mangle', 'nat'],
};

export function priorityOf(table: Table, hook: Hook): number {
  if (table !== 'nat') return priorities[table];
  return hook === 'prerouting' || hook === 'output' ? priorities.dstnat : priorities.srcnat;
}

export class IptablesEvaluator implements Evaluator {
  private readonly ready = new Map<Chain, readonly ReadyRule[]>();
  constructor(
    private readonly rules: RuleSet,
    private readonly family: Family,
    private readonly refusal: Refusal = 'eager',
  ) {}

  at(hook: Hook): readonly BaseChain[] {
    return (tablesAt[hook] ?? []).flatMap((table): BaseChain[] => {
      const chain = this.rules.get(table)?.get(hook.toUpperCase());
      if (!chain) return [];
      const place = { hook, table, rules: this.rules.get(table)! };
      return [
        {
          priority: priorityOf(table, hook),
          type: table === 'nat' ? 'nat' : 'filter',
          family: this.family,
          evaluate: (packet, record) => this.base(place, chain, packet, record),
        },
      ];
    });
  }

  private base(place: Place, chain: Chain, packet: Traveller, record: RecordStep): Verdict {
    const verdict = this.walk(place, chain, packet, record, 0);
    if (verdict) return verdict;
    if (chain.policy !== 'DROP') return { kind: 'accept' };
    const { hook, table } = place;
    const { fields } = packet;
    const rule = `-P ${chain.name} DROP`;
    const at = { step: 'rule', hook, table, chain: chain.name, line: 0, rule } as const;
    record({ ...at, verdict: 'drop', before: fields, after: fields, objects: [] });
    return { kind: 'drop' };
  }

  /** Undefined: the packet reached the end of the chain, or RETURN. */
  private walk(place: Place, chain: Chain, packet: Traveller, record: RecordStep, depth: number): Verdict | undefined {
    if (depth > maxDepth) throw new Unsupported(`chains jump in a circle at ${chain.name}`);
    const { hook, table } = place;
    let line = 0;
    for (const { action, text, conditions, objects } of this.prepare(chain)) {
      line++;
      const at = `${table} ${chain.name}:${line}`;
      const before = packet.fields;
      const passes = isPassing(action);
      const step = { step: 'rule', hook, table, chain: chain.name, line, rule: text } as const;
      const doubts = (doubt: string) =>
        record({ ...step, verdict: 'continue', before, after: packet.fields, objects, doubt });
      const matched = matches(conditions, packet, this.refusal, (work) => located(at, text, work));
      if (matched === false) continue;
      if (matched !== true) {
        // Whether it is logged or counted decides nothing.
        if (!passes && action.target !== 'none') doubts(matched.doubt);
        continue;
      }
      const redirect = redirectOf(action);
      const isUnknown = action.target === 'jump' && !passes && !place.rules.has(action.chain);
      if (this.refusal === 'doubtful' && !redirect && (isUnknown || (action.target === 'opaque' && !passes))) {
        doubts(`the tracer does not know what this target does, and the packet meets it`);
        continue;
      }
      if (redirect) {
        const redirected = orDoubt(this.refusal, () => located(at, text, () => packet.redirect(redirect.port)));
        if ('doubt' in redirected) {
          doubts(redirected.doubt);
          continue;
        }
        record({ ...step, verdict: 'dnat', before, after: packet.fields, objects });
        return { kind: 'accept' };
      }
      const final = passes ? undefined : located(at, text, () => act(action, packet));
      const verdict = passes ? 'continue' : stepVerdicts[action.target];
      record({ ...step, verdict, before, after: packet.fields, objects });
      if (action.target === 'return') return undefined;
      if (final) return final;
      if (passes || (action.target !== 'jump' && action.target !== 'goto')) continue;
      const next = place.rules.get(action.chain);
      if (!next)
        throw new Unsupported(`${at}: the tracer does not know a chain or a target ${action.chain}\n  ${text}`);
      const below = this.walk(place, next, packet, record, depth + 1);
      if (below || action.target === 'goto') return below;
    }
    return undefined;
  }

  private prepare(chain: Chain): readonly ReadyRule[] {
    let rules = this.ready.get(chain);
    if (!rules) {
      rules = chain.rules.map((rule, i) => {
        const text = renderRule(chain.name, rule, this.family);
        const conditions = located(`${chain.name}:${i + 1}`, text, () => conditionsOf(rule, this.refusal));
        return { action: rule.action, text, conditions, objects: objectsOf(rule) };
      });
      this.ready.set(chain, rules);
    }
    return rules;
  }
}

/** A condition that is known and fails settles it, whatever the unknown ones are. */
function matches(
  conditions: readonly Condition[],
  packet: Traveller,
  refusal: Refusal,
  locate: <T>(work: () => T) => T,
): boolean | { readonly doubt: string } {
  let doubt: { readonly doubt: string } | undefined;
  for (const condition of conditions) {
    const met = orDoubt(refusal, () => locate(() => condition(packet)));
    if ('doubt' in met) doubt ??= met;
    else if (!met.value) return false;
  }
  return doubt ?? true;
}

interface Place {
  readonly hook: Hook;
  readonly table: Table;
  readonly rules: ReadonlyMap<string, Chain>;
}

function objectsOf({ matches = [] }: Rule): readonly ObjectRef[] {
  return matches.flatMap((match) => (match.match === 'comment' ? serviceOfComment(match.text) : []));
}

const stepVerdicts: Readonly<Record<Target['target'], StepVerdict>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'reject',
  return: 'return',
  jump: 'jump',
  goto: 'goto',
  dnat: 'dnat',
  snat: 'snat',
  masquerade: 'masquerade',
  mark: 'continue',
  none: 'continue',
  opaque: 'continue',
};

/** Targets of other programs after which the packet goes on, with nothing changed that later rules see. */
const passing = /^(?:-j )?(?:LOG|NFLOG|TRACE|AUDIT|CHECKSUM|TCPMSS|DSCP|TOS|CLASSIFY|CONNMARK --save-mark)\b/;
const isPassing = (action: Target): boolean =>
  passing.test(action.target === 'opaque' ? action.text : action.target === 'jump' ? action.chain : '');

/** A rule of another program: `-j REDIRECT --to-ports 15001`. */
function redirectOf(action: Target): { readonly port: number | undefined } | undefined {
  if (action.target !== 'opaque') return undefined;
  const [whole, port] = /^-j REDIRECT(?: --to-ports (\d+))?$/.exec(action.text) ?? [];
  return whole === undefined ? undefined : { port: port === undefined ? undefined : Number(port) };
}

/** Undefined: the packet continues in this chain, or in the chain of the jump. */
function act(action: Target, packet: Traveller): Verdict | undefined {
  switch (action.target) {
    case 'accept':
    case 'drop':
      return { kind: action.target };
    case 'reject':
      return { kind: 'reject', with: action.with };
    case 'mark':
      packet.setMark((packet.fields.mark & ~action.mask) ^ action.value);
      return undefined;
    case 'dnat':
      packet.translateDestination(parseEndpoint(action.to));
      return { kind: 'accept' };
    case 'snat':
      packet.translateSource(parseEndpoint(action.to).address);
      return { kind: 'accept' };
    case 'masquerade':
      packet.masquerade();
      return { kind: 'accept' };
    case 'opaque':
      throw new Unsupported('the tracer does not know what this does');
    default:
      return undefined;
  }
}
