// The metrics of conversion webhooks, with kube-apiserver's names and labels.
import type { FailureType } from './review';

/** Upper bounds in seconds, those of kube-apiserver. */
const callBuckets = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];
/** From 1 ms to 16 s, each twice the one before it. */
const conversionBuckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

/** One metric with its series, by labels. */
class Histogram {
  private readonly series = new Map<string, { readonly counts: number[]; sum: number; count: number }>();

  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly buckets: readonly number[],
  ) {}

  observe(labels: string, seconds: number): void {
    let series = this.series.get(labels);
    if (!series) {
      series = { counts: this.buckets.map(() => 0), sum: 0, count: 0 };
      this.series.set(labels, series);
    }
    series.sum += seconds;
    series.count++;
    const at = this.buckets.findIndex((bound) => seconds <= bound);
    if (at >= 0) series.counts[at]!++;
  }

  forget(isOver: (labels: string) => boolean): void {
    for (const labels of [...this.series.keys()]) if (isOver(labels)) this.series.delete(labels);
  }

  counts(): readonly (readonly [labels: string, count: number])[] {
    return [...this.series].map(([labels, { count }]) => [labels, count]);
  }

  render(): readonly string[] {
    const { name, help, buckets } = this;
    if (this.series.size === 0) return [];
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    for (const [labels, { counts, sum, count }] of this.series) {
      let running = 0;
      for (const [i, n] of counts.entries()) {
        running += n;
        lines.push(`${name}_bucket{${labels},le="${Number(buckets[i]!.toPrecision(6))}"} ${running}`);
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return lines;
  }
}

export interface Conversion {
  /** The name of the definition. */
  readonly name: string;
  /** `v1`, without the group. */
  readonly from: string;
  readonly to: string;
}

export class ConversionMetrics {
  private readonly calls = new Histogram(
    'apiserver_conversion_webhook_duration_seconds',
    'Conversion webhook request latency',
    callBuckets,
  );
  private readonly conversions = new Histogram(
    'apiserver_crd_conversion_webhook_duration_seconds',
    'CRD webhook conversion duration in seconds',
    conversionBuckets,
  );

  /** One call; `failure` is absent for a success. Names of definitions and versions contain no quote. */
  observe({ name, from, to }: Conversion, seconds: number, failure?: FailureType): void {
    this.calls.observe(`result="${failure ? 'failure' : 'success'}",failure_type="${failure ?? ''}"`, seconds);
    const succeeded = failure === undefined;
    this.conversions.observe(
      `crd_name="${name}",from_version="${from}",to_version="${to}",succeeded="${succeeded}"`,
      seconds,
    );
  }

  /** Of a definition that is deleted: users can create any number of names. */
  forget(name: string): void {
    this.conversions.forget((labels) => labels.startsWith(`crd_name="${name}",`));
  }

  render(): readonly string[] {
    const total = 'apiserver_conversion_webhook_request_total';
    const counts = this.calls.counts();
    return [
      ...(counts.length === 0
        ? []
        : [
            `# HELP ${total} Counter for conversion webhook requests with success/failure and failure error type`,
            `# TYPE ${total} counter`,
            ...counts.map(([labels, count]) => `${total}{${labels}} ${count}`),
          ]),
      ...this.calls.render(),
      ...this.conversions.render(),
    ];
  }
}
