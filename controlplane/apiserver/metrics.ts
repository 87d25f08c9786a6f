// The metrics of requests, in the Prometheus text format with kube-apiserver's names and labels, so that dashboards work.
import type { Kind } from '../api/kind';
import { Counter, exponentialBuckets, Histogram, type Observer, renderCounter, renderGauge } from '../base/metric';
import type { Reply } from './request';
import type { RestRequest } from './rest/context';
import type { ResourceRoute } from './route';

/** Upper bounds in seconds, those of kube-apiserver. */
const durations = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const sliDurations = durations.slice(2);
/** In bytes. */
const sizes = exponentialBuckets(1000, 10, 7);

interface Series {
  readonly labels: string;
  /** Without dry_run. */
  readonly cutLabels: string;
  readonly durations: Observer;
  /** Absent for dry runs, which are no part of upstream's service level. */
  readonly sli?: Observer;
  /** Of answers to reads. */
  readonly sizes?: Observer;
  /** Answers by their status. */
  readonly codes: Map<number, number>;
}

export interface RequestTimer {
  readonly route: (rest: RestRequest) => void;
  /** Time that the request waited for its turn: no part of the service level. */
  readonly queued: (ms: number) => void;
  /** `bytes`: of a complete answer, if its size is known. */
  readonly done: (status: number, bytes?: number) => void;
  /** The server refused the request to protect itself. Instead of done(). */
  readonly cut: (status: number) => void;
}

const connecting: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward', 'proxy']);
const verbNames: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };

/** Upstream's names: those of HTTP for writes, WATCH, LIST, APPLY and CONNECT of its own. */
export function reportedVerb({ route, request }: Pick<RestRequest, 'route' | 'request'>): string {
  const { verb, subresource } = route;
  if (connecting.has(subresource)) return 'CONNECT';
  if (verb === 'deletecollection') return 'DELETE';
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

/** Paths that are no resources, with upstream's words for them. All others are counted together. */
const plainPaths: ReadonlyMap<string, string> = new Map([
  ...['/healthz', '/livez', '/readyz'].map((path) => [path, plainPlace(path, '')] as const),
  ...['/api', '/apis'].map((path) => [path, plainPlace(path.slice(1), 'apiserver')] as const),
  ['/openapi/v2', plainPlace('openapi/v2', '')],
  ['/openapi/v3', plainPlace('openapi/v3', '')],
]);
const otherPath = plainPlace('', 'apiserver');

function plainPlace(subresource: string, component: string): string {
  return `group="",version="",resource="",subresource="${subresource}",scope="",component="${component}"`;
}

/** Users name custom resources: the oldest series make room. */
const maxSeries = 10_000;

export class Metrics {
  private readonly series = new Map<string, Series>();
  private readonly durations = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Seconds until a request was answered; of a watch, until it began.',
    buckets: durations,
    maxSeries,
  });
  private readonly sli = new Histogram({
    name: 'apiserver_request_sli_duration_seconds',
    help: 'The same without the time in which the request waited for its turn and for webhooks.',
    buckets: sliDurations,
    maxSeries,
  });
  private readonly sizes = new Histogram({
    name: 'apiserver_response_sizes',
    help: 'Bytes of the answers to reads.',
    buckets: sizes,
    maxSeries,
  });
  private readonly longRunning = new Map<string, number>();
  private readonly watchEvents = new Counter({
    name: 'apiserver_watch_events_total',
    help: 'Events that were sent to watches.',
    maxSeries,
  });
  private readonly terminations = new Counter({
    name: 'apiserver_request_terminations_total',
    help: 'Requests that the server refused to protect itself.',
    maxSeries,
  });
  private readonly deprecated = new Set<string>();
  private reading = 0;
  private writing = 0;

  /** Measures one request; of a watch, only the time until it begins. */
  start(method: string, path = ''): RequestTimer {
    const began = performance.now();
    const isRead = method === 'GET' || method === 'HEAD';
    let asked: RestRequest | undefined;
    let queuedMs = 0;
    if (isRead) this.reading++;
    else this.writing++;
    const done = (status: number, bytes?: number) => {
      if (isRead) this.reading--;
      else this.writing--;
      const ms = performance.now() - began;
      const waitedMs = queuedMs + (asked?.waits.webhookMs ?? 0);
      this.observe(this.seriesOf(method, path, asked), { status, bytes, ms, waitedMs });
    };
    return {
      route: (rest) => {
        asked = rest;
      },
      queued: (ms) => {
        queuedMs += ms;
      },
      done,
      cut: (status) => {
        done(status);
        const { cutLabels } = this.seriesOf(method, path, asked);
        this.terminations.add(`${cutLabels},code="${status}"`);
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
    return () => {
      const left = (this.longRunning.get(labels) ?? 1) - 1;
      if (left > 0) this.longRunning.set(labels, left);
      else this.longRunning.delete(labels);
    };
  }

  sent(kind: Kind, events: number): void {
    this.watchEvents.add(`group="${kind.group}",version="${kind.version}",resource="${kind.plural}"`, events);
  }

  private seriesOf(method: string, path: string, asked: RestRequest | undefined): Series {
    const route = asked?.route;
    const verb = asked ? reportedVerb(asked) : method;
    const dryRun = asked && asked.request.search !== '' && asked.query.has('dryRun') ? 'All' : '';
    const scope = route ? scopeOf(route) : '';
    const plain = route ? '' : (plainPaths.get(path) ?? otherPath);
    const key = route
      ? `${verb} ${route.kind.apiVersion} ${route.kind.plural} ${route.subresource} ${scope} ${dryRun}`
      : `${verb} ${plain}`;
    const known = this.series.get(key);
    if (known) return known;
    const place = route ? `${placeOf(route, scope)},component="apiserver"` : plain;
    const labels = `verb="${verb}",dry_run="${dryRun}",${place}`;
    const sized = verb === 'GET' || verb === 'LIST';
    const series = {
      labels,
      cutLabels: `verb="${verb}",${place}`,
      durations: this.durations.at(labels),
      ...(dryRun === '' ? { sli: this.sli.at(`verb="${verb}",${place}`) } : {}),
      ...(sized ? { sizes: this.sizes.at(`verb="${verb}",${place}`) } : {}),
      codes: new Map<number, number>(),
    };
    const [oldest] = this.series.keys();
    if (this.series.size >= maxSeries) this.series.delete(oldest!);
    this.series.set(key, series);
    if (route?.kind.options.deprecation) {
      const { kind, subresource } = route;
      this.deprecated.add(
        `group="${kind.group}",version="${kind.version}",resource="${kind.plural}",subresource="${subresource}",removed_release=""`,
      );
    }
    return series;
  }

  private observe(
    { codes, ...series }: Series,
    { status, bytes, ms, waitedMs }: { status: number; bytes: number | undefined; ms: number; waitedMs: number },
  ): void {
    series.durations.observe(ms / 1000);
    series.sli?.observe(Math.max(0, ms - waitedMs) / 1000);
    if (bytes !== undefined) series.sizes?.observe(bytes);
    codes.set(status, (codes.get(status) ?? 0) + 1);
  }

  render(): readonly string[] {
    const inflight: readonly (readonly [string, number])[] = [
      ['request_kind="mutating"', this.writing],
      ['request_kind="readOnly"', this.reading],
    ];
    const totals = [...this.series.values()].flatMap(({ labels, codes }) =>
      [...codes].map(([code, count]) => [`${labels},code="${code}"`, count] as const),
    );
    const deprecated = [...this.deprecated].map((labels) => [labels, 1] as const);
    return [
      ...this.durations.render(),
      ...this.sli.render(),
      ...this.sizes.render(),
      ...renderCounter(requestTotal, totals),
      ...renderGauge(inflightRequests, inflight),
      ...renderGauge(longRunningRequests, this.longRunning),
      ...this.watchEvents.render(),
      ...this.terminations.render(),
      ...renderGauge(deprecatedRequests, deprecated),
    ];
  }
}

const requestTotal = {
  name: 'apiserver_request_total',
  help: 'Requests that were answered, by status code.',
};
const inflightRequests = {
  name: 'apiserver_current_inflight_requests',
  help: 'Requests that are being answered.',
};
const longRunningRequests = {
  name: 'apiserver_longrunning_requests',
  help: 'Streams that are open: watches, logs, connections to containers.',
};
const deprecatedRequests = {
  name: 'apiserver_requested_deprecated_apis',
  help: '1 for a deprecated resource that was requested.',
};
