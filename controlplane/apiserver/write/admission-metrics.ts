// How long admission takes: each rule, each phase over all rules, and each webhook, with kube-apiserver's names and labels. Only rules
// that concern a write are measured, so a write pays for no other rule.
import { Counter, Histogram } from '../../base/metric';
import type { Operation, Write, WriteRule } from './rule';

/** Upper bounds in seconds, those of kube-apiserver. */
const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
/** The kind's own rules are no plug-in. */
const ownRules: ReadonlySet<string> = new Set(['Strategy']);
/** Users choose the names of webhooks. */
const maxSeries = 2_000;
/** As upstream: larger codes are counted together. */
const largestCode = 600;

type Type = 'admit' | 'validate';
type Step<P extends readonly unknown[], R> = (write: Write, ...rest: P) => R;

/** One call of a webhook. */
export interface WebhookCall {
  readonly name: string;
  readonly mutating: boolean;
  readonly operation: Operation;
  readonly seconds: number;
  /** Of the answer: 200 when it allows. */
  readonly code: number;
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'failed, ignored';
}

export class AdmissionMetrics {
  private readonly rules = new Histogram({
    name: 'apiserver_admission_controller_admission_duration_seconds',
    help: 'Seconds that one admission plug-in took.',
    buckets,
  });
  private readonly phases = new Histogram({
    name: 'apiserver_admission_step_admission_duration_seconds',
    help: 'Seconds that all plug-ins of one phase took together.',
    buckets,
  });
  private readonly webhooks = new Histogram({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Seconds that a call of an admission webhook took.',
    buckets: [...buckets, 10, 25],
    maxSeries,
  });
  private readonly webhookRequests = new Counter({
    name: 'apiserver_admission_webhook_request_total',
    help: 'Calls of admission webhooks.',
    maxSeries,
  });
  private readonly webhookRejections = new Counter({
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Requests that an admission webhook refused, or that failed because of it.',
    maxSeries,
  });
  private readonly webhookFailOpens = new Counter({
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Calls that failed and were ignored, since failurePolicy is Ignore.',
    maxSeries,
  });

  /** The rule, measured. */
  timed(rule: WriteRule): WriteRule {
    if (ownRules.has(rule.name)) return rule;
    const { mutate, prepare, validate, reserve, release } = rule;
    return {
      name: rule.name,
      concerns: (write) => rule.concerns(write),
      ...(mutate ? { mutate: this.step(this.rules, 'admit', mutate.bind(rule), rule.name) } : {}),
      ...(prepare ? { prepare: (write: Write) => prepare.call(rule, write) } : {}),
      ...(validate ? { validate: this.step(this.rules, 'validate', validate.bind(rule), rule.name) } : {}),
      ...(reserve ? { reserve: (write: Write) => reserve.call(rule, write) } : {}),
      ...(release ? { release: (kind, object) => release.call(rule, kind, object) } : {}),
    };
  }

  /** All rules of one phase, measured together. */
  timedPhase<R>(type: Type, run: Step<[], R>): Step<[], R> {
    return this.step(this.phases, type, run);
  }

  called({ name, mutating, operation, seconds, code, outcome }: WebhookCall): void {
    // Upstream's two words for the same thing.
    const place = `name="${name}",type="${mutating ? 'admit' : 'validating'}"`;
    const asked = `${place},operation="${operation.toUpperCase()}"`;
    const rejected = outcome === 'denied' || outcome === 'failed';
    const shown = Math.min(code, largestCode);
    this.webhooks.observe(`${asked},rejected="${rejected}"`, seconds);
    this.webhookRequests.add(`${asked},code="${shown}",rejected="${rejected}"`);
    if (rejected) {
      const error = outcome === 'denied' ? 'no_error' : 'calling_webhook_error';
      this.webhookRejections.add(`${asked},error_type="${error}",rejection_code="${shown}"`);
    }
    if (outcome === 'failed, ignored') this.webhookFailOpens.add(place);
  }

  private step<P extends readonly unknown[], R>(
    into: Histogram,
    type: Type,
    run: Step<P, R>,
    name?: string,
  ): Step<P, R> {
    const names = new Map<string, string>();
    /** The labels as one text, built once. */
    const labelsOf = (operation: Operation, rejected: boolean): string => {
      const key = rejected ? `${operation}!` : operation;
      let labels = names.get(key);
      if (labels === undefined) {
        const named = name === undefined ? '' : `name="${name}",`;
        labels = `${named}operation="${operation.toUpperCase()}",rejected="${rejected}",type="${type}"`;
        names.set(key, labels);
      }
      return labels;
    };
    return (write, ...rest) => {
      const began = performance.now();
      const observe = (rejected: boolean) =>
        into.observe(labelsOf(write.operation, rejected), (performance.now() - began) / 1000);
      try {
        const answer = run(write, ...rest);
        if (!(answer instanceof Promise)) observe(false);
        else {
          answer.then(
            () => observe(false),
            () => observe(true),
          );
        }
        return answer;
      } catch (err) {
        observe(true);
        throw err;
      }
    };
  }

  render(): readonly string[] {
    const all = [
      this.rules,
      this.phases,
      this.webhooks,
      this.webhookRequests,
      this.webhookRejections,
      this.webhookFailOpens,
    ];
    return all.flatMap((metric) => metric.render());
  }
}
