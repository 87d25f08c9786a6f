// How long each rule takes, with kube-apiserver's name and labels for its plug-ins. Only rules that concern a write are measured, so
// a write pays for no other rule.
import type { Operation, Write, WriteRule } from './rule';

/** Upper bounds in seconds, those of kube-apiserver. */
const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const metric = 'apiserver_admission_controller_admission_duration_seconds';
/** The kind's own rules are no plug-in. */
const ownRules: ReadonlySet<string> = new Set(['Strategy']);

type Type = 'admit' | 'validate';
interface Series {
  readonly counts: number[];
  sum: number;
  count: number;
}
type Step<P extends readonly unknown[], R> = (write: Write, ...rest: P) => R;

export class AdmissionMetrics {
  /** By labels, in the order of the first write. */
  private readonly series = new Map<string, Series>();

  /** The rule, measured. */
  timed(rule: WriteRule): WriteRule {
    if (ownRules.has(rule.name)) return rule;
    const { mutate, prepare, validate, reserve, release } = rule;
    return {
      name: rule.name,
      concerns: (write) => rule.concerns(write),
      ...(mutate ? { mutate: this.step(rule, 'admit', mutate) } : {}),
      ...(prepare ? { prepare: (write: Write) => prepare.call(rule, write) } : {}),
      ...(validate ? { validate: this.step(rule, 'validate', validate) } : {}),
      ...(reserve ? { reserve: (write: Write) => reserve.call(rule, write) } : {}),
      ...(release ? { release: (kind, object) => release.call(rule, kind, object) } : {}),
    };
  }

  private step<P extends readonly unknown[], R>(rule: WriteRule, type: Type, run: Step<P, R>): Step<P, R> {
    const names = new Map<string, string>();
    /** The labels as one text, built once. */
    const labelsOf = (operation: Operation, rejected: boolean): string => {
      const key = rejected ? `${operation}!` : operation;
      let labels = names.get(key);
      if (labels === undefined) {
        labels = `name="${rule.name}",operation="${operation.toUpperCase()}",rejected="${rejected}",type="${type}"`;
        names.set(key, labels);
      }
      return labels;
    };
    return (write, ...rest) => {
      const began = performance.now();
      const observe = (rejected: boolean) =>
        this.observe(labelsOf(write.operation, rejected), (performance.now() - began) / 1000);
      try {
        const answer = run.call(rule, write, ...rest);
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

  private observe(labels: string, seconds: number): void {
    let series = this.series.get(labels);
    if (!series) {
      series = { counts: buckets.map(() => 0), sum: 0, count: 0 };
      this.series.set(labels, series);
    }
    series.sum += seconds;
    series.count++;
    const at = buckets.findIndex((bound) => seconds <= bound);
    if (at >= 0) series.counts[at]!++;
  }

  render(): readonly string[] {
    const lines = [`# HELP ${metric} How long each rule of admission took.`, `# TYPE ${metric} histogram`];
    for (const [labels, { counts, sum, count }] of this.series) {
      let running = 0;
      for (const [i, n] of counts.entries()) {
        running += n;
        lines.push(`${metric}_bucket{${labels},le="${buckets[i]}"} ${running}`);
      }
      lines.push(`${metric}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${metric}_sum{${labels}} ${sum}`, `${metric}_count{${labels}} ${count}`);
    }
    return lines;
  }
}
