// Runs the phases of a write over the rules that have them, in the order of the list. A phase without a promise ends in the
// synchronous stretch in which it began: only a rule that returned a promise is waited for.
import type { OpenRule, Reservation, RuleDeps, Write, WriteRule } from './rule';

type Phase = 'mutate' | 'prepare' | 'validate' | 'reserve';
type RuleWith<P extends Phase> = WriteRule & Required<Pick<WriteRule, P>>;

/** What one write holds until it is committed. */
export class Reservations {
  private readonly held: Reservation[] = [];

  add(reservation: Reservation): void {
    this.held.push(reservation);
  }

  /** The last one first: what it took may rest on what the others took. */
  undo(): void {
    for (let last = this.held.pop(); last; last = this.held.pop()) last.undo();
  }
}

export class WriteRules {
  private readonly mutating: readonly RuleWith<'mutate'>[];
  private readonly preparing: readonly RuleWith<'prepare'>[];
  private readonly validating: readonly RuleWith<'validate'>[];
  private readonly reserving: readonly RuleWith<'reserve'>[];

  constructor(rules: readonly WriteRule[]) {
    this.mutating = rules.filter(has('mutate'));
    this.preparing = rules.filter(has('prepare'));
    this.validating = rules.filter(has('validate'));
    this.reserving = rules.filter(has('reserve'));
  }

  /** @throws what the first rule that refuses throws; so do the other phases */
  mutate(write: Write): void | Promise<void> {
    return inTurn(this.mutating, mutate, write);
  }

  prepare(write: Write): void | Promise<void> {
    return inTurn(this.preparing, prepare, write);
  }

  validate(write: Write): void | Promise<void> {
    return inTurn(this.validating, validate, write);
  }

  /** Adds to `held` what is reserved. When a rule refuses, `held` has what the rules before it reserved: the caller undoes it. */
  reserve(write: Write, held: Reservations): void | Promise<void> {
    return reserveInTurn(this.reserving, write, held);
  }
}

/** Opens the rules together, and keeps their order. */
export async function openRules(order: readonly OpenRule[], deps: RuleDeps): Promise<WriteRules> {
  const rules = await Promise.all(order.map((open) => open(deps)));
  return new WriteRules(rules.filter((rule) => rule !== undefined));
}

const has =
  <P extends Phase>(phase: P) =>
  (rule: WriteRule): rule is RuleWith<P> =>
    rule[phase] !== undefined;

const mutate = (rule: RuleWith<'mutate'>, write: Write) => rule.mutate(write);
const prepare = (rule: RuleWith<'prepare'>, write: Write) => rule.prepare(write);
const validate = (rule: RuleWith<'validate'>, write: Write) => rule.validate(write);

function inTurn<R extends WriteRule>(
  rules: readonly R[],
  step: (rule: R, write: Write) => void | Promise<void>,
  write: Write,
  from = 0,
): void | Promise<void> {
  for (let i = from; i < rules.length; i++) {
    const rule = rules[i]!;
    if (!rule.concerns(write)) continue;
    const pending = step(rule, write);
    if (pending) return pending.then(() => inTurn(rules, step, write, i + 1));
  }
}

function reserveInTurn(
  rules: readonly RuleWith<'reserve'>[],
  write: Write,
  held: Reservations,
  from = 0,
): void | Promise<void> {
  for (let i = from; i < rules.length; i++) {
    const rule = rules[i]!;
    if (!rule.concerns(write)) continue;
    const reserved = rule.reserve(write);
    if (!(reserved instanceof Promise)) {
      held.add(reserved);
      continue;
    }
    return reserved.then((reservation) => {
      held.add(reservation);
      return reserveInTurn(rules, write, held, i + 1);
    });
  }
}
