// Runs the phases of a write over the rules that have them, in the order of the list. It waits only when a rule returned a
// promise: a phase without promises ends in the synchronous stretch in which it began.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Together } from '../../store/store';
import type { AdmissionMetrics } from './admission-metrics';
import type { OpenRule, Reservation, RuleDeps, Write, WriteRule } from './rule';

type Phase = 'mutate' | 'prepare' | 'validate' | 'reserve' | 'release';
type RuleWith<P extends Phase> = WriteRule & Required<Pick<WriteRule, P>>;

/** The reservations of one write until it is committed. */
export class Reservations {
  private readonly held: Reservation[] = [];

  add(reservation: Reservation): void {
    this.held.push(reservation);
  }

  /** Undefined for a write that changes only its object. */
  together(): readonly Together[] | undefined {
    const all = this.held.flatMap(({ together }) => together ?? []);
    return all.length > 0 ? all : undefined;
  }

  /** Undoes the last reservation first: it may depend on the earlier ones. */
  undo(): void {
    for (let last = this.held.pop(); last; last = this.held.pop()) last.undo();
  }
}

export class WriteRules {
  private readonly mutating: readonly RuleWith<'mutate'>[];
  private readonly preparing: readonly RuleWith<'prepare'>[];
  private readonly validating: readonly RuleWith<'validate'>[];
  private readonly reserving: readonly RuleWith<'reserve'>[];
  private readonly releasing: readonly RuleWith<'release'>[];

  /** @throws the error of the first rule that refuses, as the other phases do */
  readonly mutate: (write: Write) => void | Promise<void>;
  readonly validate: (write: Write) => void | Promise<void>;

  /** `metrics` measures the two phases that upstream knows; absent: nothing is measured. */
  constructor(rules: readonly WriteRule[], metrics?: AdmissionMetrics) {
    const mutate = (write: Write) => this.mutateAll(write);
    const validate = (write: Write) => inTurn(this.validating, validateOne, write);
    this.mutate = metrics?.timedPhase('admit', mutate) ?? mutate;
    this.validate = metrics?.timedPhase('validate', validate) ?? validate;
    this.mutating = rules.filter(has('mutate'));
    this.preparing = rules.filter(has('prepare'));
    this.validating = rules.filter(has('validate'));
    this.reserving = rules.filter(has('reserve'));
    this.releasing = rules.filter(has('release'));
  }

  private mutateAll(write: Write): void | Promise<void> {
    const pending = mutateInTurn(this.mutating, write);
    if (!pending) return;
    // A second pass is the last one.
    return pending.then(async (again) => {
      if (again) await mutateInTurn(this.mutating, write, 0, true);
    });
  }

  prepare(write: Write): void | Promise<void> {
    return inTurn(this.preparing, prepare, write);
  }

  /** Adds the reservations to `held`. When a rule refuses, the caller must undo those of the rules before it. */
  reserve(write: Write, held: Reservations): void | Promise<void> {
    return reserveInTurn(this.reserving, write, held);
  }

  /** What is deleted together with the object, in the transaction of its deletion; undefined for nothing. */
  release(kind: Kind, object: KubeObject): readonly Together[] | undefined {
    const all = this.releasing.flatMap((rule) => rule.release(kind, object));
    return all.length > 0 ? all : undefined;
  }
}

/** Opens the rules together, and keeps their order. */
export async function openRules(
  order: readonly OpenRule[],
  deps: RuleDeps,
  metrics: AdmissionMetrics,
): Promise<WriteRules> {
  const rules = await Promise.all(order.map((open) => open(deps)));
  return new WriteRules(
    rules.filter((rule) => rule !== undefined).map((rule) => metrics.timed(rule)),
    metrics,
  );
}

const has =
  <P extends Phase>(phase: P) =>
  (rule: WriteRule): rule is RuleWith<P> =>
    rule[phase] !== undefined;

const prepare = (rule: RuleWith<'prepare'>, write: Write) => rule.prepare(write);
const validateOne = (rule: RuleWith<'validate'>, write: Write) => rule.validate(write);

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

/** Resolves with `again` when one of the rules does. */
function mutateInTurn(
  rules: readonly RuleWith<'mutate'>[],
  write: Write,
  from = 0,
  second = false,
): void | Promise<void> | Promise<'again' | undefined> {
  for (let i = from; i < rules.length; i++) {
    const rule = rules[i]!;
    if (!rule.concerns(write)) continue;
    const pending = rule.mutate(write, second);
    if (pending) return mutateAfter(pending, rules, write, i + 1, second);
  }
}

async function mutateAfter(
  pending: Promise<unknown>,
  rules: readonly RuleWith<'mutate'>[],
  write: Write,
  from: number,
  second: boolean,
): Promise<'again' | undefined> {
  const own = (await pending) === 'again';
  const others = await mutateInTurn(rules, write, from, second);
  return own || others ? 'again' : undefined;
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
