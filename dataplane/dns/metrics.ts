// The server's metrics, with CoreDNS' names, so that its dashboards fit. Each counter is looked up once per kind of answer and
// then only incremented, because this happens for every query.

/** CoreDNS' buckets: from 0.25 ms, doubled each time, to 8 s. */
const bounds = Array.from({ length: 16 }, (_, i) => 0.000_25 * 2 ** i);

export interface AnswerLabels {
  readonly proto: 'udp' | 'tcp';
  /** The zone that answered; '.' for names that were forwarded. */
  readonly zone: string;
  readonly type: string;
  readonly rcode: string;
}
export class Counter {
  value = 0;
}

export class DnsMetrics {
  private readonly answers = new Map<string, { readonly labels: AnswerLabels; readonly counter: Counter }>();
  private readonly forwards = new Map<string, Counter>();
  private readonly buckets = new Array<number>(bounds.length + 1).fill(0);
  private seconds = 0;
  cacheHits = 0;
  cacheMisses = 0;
  /** Messages that were not queries and got no answer. */
  dropped = 0;

  answer(labels: AnswerLabels): Counter {
    const key = `${labels.proto} ${labels.zone} ${labels.type} ${labels.rcode}`;
    let entry = this.answers.get(key);
    if (!entry) {
      entry = { labels, counter: new Counter() };
      this.answers.set(key, entry);
    }
    return entry.counter;
  }

  observe(seconds: number): void {
    this.seconds += seconds;
    let at = 0;
    while (at < bounds.length && seconds > bounds[at]!) at++;
    this.buckets[at]!++;
  }

  /** `rcode` is undefined when the server did not answer. */
  forwarded(to: string, rcode: string | undefined): void {
    const key = `to="${to}",rcode="${rcode ?? 'none'}"`;
    const counter = this.forwards.get(key) ?? new Counter();
    counter.value++;
    this.forwards.set(key, counter);
  }

  /** The Prometheus text format. */
  render(): string {
    const requests = new Map<string, number>();
    const responses = new Map<string, number>();
    const add = (map: Map<string, number>, key: string, n: number) => map.set(key, (map.get(key) ?? 0) + n);
    for (const { labels, counter } of this.answers.values()) {
      const { proto, zone, type, rcode } = labels;
      add(requests, `server="dns://:53",zone="${zone}",proto="${proto}",type="${type}"`, counter.value);
      add(responses, `server="dns://:53",zone="${zone}",rcode="${rcode}"`, counter.value);
    }
    return [
      family('coredns_dns_requests_total', 'counter', 'Queries answered.', requests),
      family('coredns_dns_responses_total', 'counter', 'Answers by code.', responses),
      this.renderDurations(),
      family('coredns_cache_hits_total', 'counter', 'Answers given from encoded bytes.', single(this.cacheHits)),
      family('coredns_cache_misses_total', 'counter', 'Answers that were worked out.', single(this.cacheMisses)),
      family(
        'coredns_forward_requests_total',
        'counter',
        'Questions sent to upstream servers.',
        new Map([...this.forwards].map(([key, counter]) => [key, counter.value])),
      ),
      family('k8ts_dns_dropped_total', 'counter', 'Packets that were no queries.', single(this.dropped)),
    ].join('');
  }

  private renderDurations(): string {
    const name = 'coredns_dns_request_duration_seconds';
    let total = 0;
    const lines = this.buckets.map((count, i) => {
      total += count;
      return `${name}_bucket{le="${bounds[i] ?? '+Inf'}"} ${total}\n`;
    });
    lines.push(`${name}_sum ${this.seconds}\n${name}_count ${total}\n`);
    return `# HELP ${name} Time from query to answer.\n# TYPE ${name} histogram\n${lines.join('')}`;
  }
}

const single = (value: number) => new Map([['', value]]);

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string {
  const lines = [...values].map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
