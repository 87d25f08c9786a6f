// Counters and histograms of the API server in the Prometheus text format, with kube-apiserver's names, so that dashboards work.
import { eventLoop } from '../base/event-loop';
import type { ResourceRoute } from './route';

/** Upper bounds in seconds, those of kube-apiserver's apiserver_request_duration_seconds. */
const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly labels: string;
  readonly counts: number[];
  sum: number;
  count: number;
}

export interface RequestTimer {
  readonly route: (route: ResourceRoute) => void;
  readonly done: (status: number) => void;
}

export class Metrics {
  private readonly durations = new Map<string, Series>();
  private readonly totals = new Map<string, number>();
  private inflight = 0;

  /** Measures one request; of a watch, only the time until it begins. */
  start(method: string): RequestTimer {
    const began = performance.now();
    let asked: ResourceRoute | undefined;
    this.inflight++;
    return {
      route: (route) => {
        asked = route;
      },
      done: (status) => {
        this.inflight--;
        this.observe(method, asked, status, (performance.now() - began) / 1000);
      },
    };
  }

  private observe(method: string, route: ResourceRoute | undefined, status: number, seconds: number): void {
    const verb = route ? route.verb.toUpperCase() : method;
    const scope = !route ? '' : route.name !== '' ? 'resource' : route.namespace !== '' ? 'namespace' : 'cluster';
    // Names from declarations, and methods that Node's HTTP parser accepts: none contains a blank or a quote.
    const key = `${verb} ${route?.kind.apiVersion ?? ''} ${route?.kind.plural ?? ''} ${route?.subresource ?? ''} ${scope}`;
    let series = this.durations.get(key);
    if (!series) {
      const labels =
        `verb="${verb}",group="${route?.kind.group ?? ''}",version="${route?.kind.version ?? ''}",` +
        `resource="${route?.kind.plural ?? ''}",subresource="${route?.subresource ?? ''}",scope="${scope}",component="apiserver"`;
      series = { labels, counts: new Array<number>(buckets.length).fill(0), sum: 0, count: 0 };
      this.durations.set(key, series);
    }
    series.sum += seconds;
    series.count++;
    const at = buckets.findIndex((bound) => seconds <= bound);
    if (at >= 0) series.counts[at]!++;
    const total = `${series.labels},code="${status}"`;
    this.totals.set(total, (this.totals.get(total) ?? 0) + 1);
  }

  render(gauges: Readonly<Record<string, number>> = {}): string {
    const lines: string[] = [];
    lines.push('# HELP apiserver_request_duration_seconds Response latency in seconds.');
    lines.push('# TYPE apiserver_request_duration_seconds histogram');
    for (const { labels, counts, sum, count } of this.durations.values()) {
      let running = 0;
      counts.forEach((n, i) => {
        running += n;
        lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${buckets[i]}"} ${running}`);
      });
      lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`apiserver_request_duration_seconds_sum{${labels}} ${sum}`);
      lines.push(`apiserver_request_duration_seconds_count{${labels}} ${count}`);
    }
    lines.push('# HELP apiserver_request_total Requests by verb, resource and HTTP status code.');
    lines.push('# TYPE apiserver_request_total counter');
    for (const [labels, value] of this.totals) lines.push(`apiserver_request_total{${labels}} ${value}`);
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const values: Record<string, number> = {
      apiserver_current_inflight_requests: this.inflight,
      process_resident_memory_bytes: rss,
      nodejs_heap_size_used_bytes: heapUsed,
      process_cpu_seconds_total: (user + system) / 1e6,
      process_start_time_seconds: Math.round(Date.now() / 1000 - process.uptime()),
      ...gauges,
    };
    for (const [name, value] of Object.entries(values)) {
      lines.push(`# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`, `${name} ${value}`);
    }
    return `${lines.join('\n')}\n${eventLoop.turns.render()}`;
  }
}
