// aggregator_unavailable_apiservice_total: how often each APIService became unavailable, by reason. The alert KubeAggregatedAPIErrors
// reads it.
import { Counter } from '../../base/metric';

/** Users name APIServices: the oldest series make room. */
const maxSeries = 1_000;

export class AggregatorMetrics {
  private readonly total = new Counter({
    name: 'aggregator_unavailable_apiservice_total',
    help: 'How often an APIService became unavailable, by reason.',
    maxSeries,
  });

  /** `name` and `reason` contain no quote: a DNS name and a word of this server. */
  unavailable(name: string, reason: string): void {
    this.total.add(`name="${name}",reason="${reason}"`);
  }

  render(): readonly string[] {
    return this.total.render();
  }
}
