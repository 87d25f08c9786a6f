// The metrics of requests, in the Prometheus text format with kube-apiserver's names and labels, so that dashboards work.
import type { Kind } from '../api/kind';
import type { Reply } from './request';
import type { RestRequest } from './rest/context';
import type { ResourceRoute } from './route';

/** Upper bounds in seconds, those of kube-apiserver's apiserver_request_duration_seconds. */
const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly labels: string;
  readonly counts: number[];
  sum: number;
  count: number;
  /** Answers by their status. */
  readonly codes: Map<number, number>;
}

export interface RequestTimer {
  readonly route: (rest: RestRequest) => void;
  readonly done: (status: number) => void;
}

const connecting: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward', 'proxy']);
const verbNames: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };

/** Upstream's names: those of HTTP for writes, WATCH, LIST, APPLY and CONNECT of its own. */
export function reportedVerb({ route, request }: Pick<RestRequest, 'route' | 'request'>): string {
  const { verb, subresource } = route;
  if (connecting.has(subresource)) return 'CONNECT';
  if (verb === 'patch') return /apply-patch/.test(String(request.headers['content-type'])) ? 'APPLY' : 'PATCH';
  return verbNames[verb] ?? verb.toUpperCase();
}

export function scopeOf({ name, namespace, verb }: Pick<ResourceRoute, 'name' | 'namespace' | 'verb'>): string {
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}

/** Names of declarations, and methods that Node's HTTP parser accepts: none contains a quote. */
const placeOf = ({ kind, subresource }: ResourceRoute, scope: string): string =>
  `group="${kind.group}",version="${kind.version}",resource="${kind.plural}",subresource="${subresource}",scope="${scope}"`;
const noPlace = 'group="",version="",resource="",subresource="",scope=""';

export class Metrics {
  private readonly series = new Map<string, Series>();
  private readonly longRunning = new Map<string, number>();
  private readonly watchEvents = new Map<Kind, number>();
  private reading = 0;
  private writing = 0;

  /** Measures one request; of a watch, only the time until it begins. */
  start(method: string): RequestTimer {
    const began = performance.now();
    const isRead = method === 'GET' || method === 'HEAD';
    let asked: RestRequest | undefined;
    if (isRead) this.reading++;
    else this.writing++;
    return {
      route: (rest) => {
        asked = rest;
      },
      done: (status) => {
        if (isRead) this.reading--;
        else this.writing--;
        this.observe(method, asked, status, (performance.now() - began) / 1000);
      },
    };
  }

  /** The answer, which counts as long-running request while it is open, if it is a stream. */
  follow(reply: Reply, rest: RestRequest | undefined): Reply {
    if ('body' in reply || !rest) return reply;
    return {
      ...reply,
      start: (sink) => {
        sink.onClose(this.begin(rest));
        reply.start(sink);
      },
    };
  }

  /** Counts a long-running request until the returned function is called. */
  begin(rest: RestRequest): () => void {
    const verb = reportedVerb(rest);
    const labels = `verb="${verb}",${placeOf(rest.route, scopeOf(rest.route))},component="apiserver"`;
    this.longRunning.set(labels, (this.longRunning.get(labels) ?? 0) + 1);
    return () => void this.longRunning.set(labels, (this.longRunning.get(labels) ?? 1) - 1);
  }

  sent(kind: Kind, events: number): void {
    this.watchEvents.set(kind, (this.watchEvents.get(kind) ?? 0) + events);
  }

  private observe(method: string, asked: RestRequest | undefined, status: number, seconds: number): void {
    const route = asked?.route;
    const verb = asked ? reportedVerb(asked) : method;
    const dryRun = asked && asked.request.search !== '' && asked.query.has('dryRun') ? 'All' : '';
    const scope = route ? scopeOf(route) : '';
    const key = `${verb} ${route?.kind.apiVersion ?? ''} ${route?.kind.plural ?? ''} ${route?.subresource ?? ''} ${scope} ${dryRun}`;
    let series = this.series.get(key);
    if (!series) {
      const place = route ? placeOf(route, scope) : noPlace;
      const labels = `verb="${verb}",dry_run="${dryRun}",${place},component="apiserver"`;
      series = { labels, counts: new Array<number>(buckets.length).fill(0), sum: 0, count: 0, codes: new Map() };
      this.series.set(key, series);
    }
    series.sum += seconds;
    series.count++;
    const at = buckets.findIndex((bound) => seconds <= bound);
    if (at >= 0) series.counts[at]!++;
    series.codes.set(status, (series.codes.get(status) ?? 0) + 1);
  }

  render(): readonly string[] {
    return [
      ...this.renderDurations(),
      '# HELP apiserver_request_total Requests by verb, resource and HTTP status code.',
      '# TYPE apiserver_request_total counter',
      ...[...this.series.values()].flatMap(({ labels, codes }) =>
        [...codes].map(([code, count]) => `apiserver_request_total{${labels},code="${code}"} ${count}`),
      ),
      '# HELP apiserver_current_inflight_requests Requests that are being answered.',
      '# TYPE apiserver_current_inflight_requests gauge',
      `apiserver_current_inflight_requests{request_kind="mutating"} ${this.writing}`,
      `apiserver_current_inflight_requests{request_kind="readOnly"} ${this.reading}`,
      '# HELP apiserver_longrunning_requests Streams that are open: watches, logs, connections to containers.',
      '# TYPE apiserver_longrunning_requests gauge',
      ...[...this.longRunning].map(([labels, count]) => `apiserver_longrunning_requests{${labels}} ${count}`),
      '# HELP apiserver_watch_events_total Events that were sent to watches.',
      '# TYPE apiserver_watch_events_total counter',
      ...[...this.watchEvents].map(
        ([{ group, version, plural }, count]) =>
          `apiserver_watch_events_total{group="${group}",version="${version}",resource="${plural}"} ${count}`,
      ),
    ];
  }

  private renderDurations(): readonly string[] {
    const name = 'apiserver_request_duration_seconds';
    const lines = [`# HELP ${name} Response latency in seconds.`, `# TYPE ${name} histogram`];
    for (const { labels, counts, sum, count } of this.series.values()) {
      let running = 0;
      for (const [i, n] of counts.entries()) {
        running += n;
        lines.push(`${name}_bucket{${labels},le="${buckets[i]}"} ${running}`);
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return lines;
  }
}
