// The metrics of conversion webhooks, with kube-apiserver's names and labels.
import { exponentialBuckets, Histogram, renderCounter } from '../../../base/metric';
import type { FailureType } from './review';

/** Upper bounds in seconds, those of kube-apiserver. */
const callBuckets = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];
/** From 1 ms to 16 s, each twice the one before it. */
const conversionBuckets = exponentialBuckets(0.001, 2, 15);

export interface Conversion {
  /** The name of the definition. */
  readonly name: string;
  /** `v1`, without the group. */
  readonly from: string;
  readonly to: string;
}

export class ConversionMetrics {
  private readonly calls = new Histogram({
    name: 'apiserver_conversion_webhook_duration_seconds',
    help: 'Seconds that a call of a conversion webhook took.',
    buckets: callBuckets,
  });
  private readonly conversions = new Histogram({
    name: 'apiserver_crd_conversion_webhook_duration_seconds',
    help: 'Seconds that a conversion by a webhook took.',
    buckets: conversionBuckets,
  });

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
    return [
      ...renderCounter(
        {
          name: 'apiserver_conversion_webhook_request_total',
          help: 'Calls of conversion webhooks.',
        },
        this.calls.counts(),
      ),
      ...this.calls.render(),
      ...this.conversions.render(),
    ];
  }
}
