// Metrics in the Prometheus text format: counters, gauges and histograms whose series are found by their labels. Labels are one text,
// `verb="GET",code="200"`, which the caller builds; '' for a metric without labels. Values of labels must contain no quote, backslash
// or line feed.

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  /** With more series the oldest one is dropped: for labels that users choose. Default: no bound. */
  readonly maxSeries?: number;
}

export interface HistogramOptions extends MetricOptions {
  /** Upper bounds, ascending, without the last one, which is infinite. */
  readonly buckets: readonly number[];
}

/** One series of a histogram. */
export interface Observer {
  observe(value: number): void;
}

class Observed implements Observer {
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(private readonly buckets: readonly number[]) {
    this.counts = buckets.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const at = this.buckets.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at]!++;
  }
}

export class Histogram {
  private readonly series = new Map<string, Observed>();
  private readonly bounds: readonly string[];

  constructor(private readonly options: HistogramOptions) {
    this.bounds = options.buckets.map(formatNumber);
  }

  observe(labels: string, value: number): void {
    this.at(labels).observe(value);
  }

  /** The series with these labels, for a caller that keeps it: it saves the search. */
  at(labels: string): Observer {
    let series = this.series.get(labels);
    if (!series) {
      series = new Observed(this.options.buckets);
      insert(this.series, labels, series, this.options);
    }
    return series;
  }

  /** How many values each series has. */
  counts(): readonly (readonly [labels: string, count: number])[] {
    return [...this.series].map(([labels, { count }]) => [labels, count]);
  }

  forget(isOver: (labels: string) => boolean): void {
    for (const labels of [...this.series.keys()]) if (isOver(labels)) this.series.delete(labels);
  }

  render(): readonly string[] {
    const { name } = this.options;
    if (this.series.size === 0) return [];
    const lines = head(this.options, 'histogram');
    for (const [labels, { counts, sum, count }] of this.series) {
      const before = labels === '' ? '' : `${labels},`;
      let running = 0;
      for (const [i, n] of counts.entries()) {
        running += n;
        lines.push(`${name}_bucket{${before}le="${this.bounds[i]}"} ${running}`);
      }
      lines.push(`${name}_bucket{${before}le="+Inf"} ${count}`);
      lines.push(`${name}_sum${braces(labels)} ${sum}`, `${name}_count${braces(labels)} ${count}`);
    }
    return lines;
  }
}

export class Counter {
  private readonly series = new Map<string, number>();

  constructor(private readonly options: MetricOptions) {}

  add(labels: string, by = 1): void {
    const value = this.series.get(labels);
    if (value === undefined) insert(this.series, labels, by, this.options);
    else this.series.set(labels, value + by);
  }

  forget(isOver: (labels: string) => boolean): void {
    for (const labels of [...this.series.keys()]) if (isOver(labels)) this.series.delete(labels);
  }

  render(): readonly string[] {
    return renderCounter(this.options, this.series);
  }
}

type Values = Iterable<readonly [labels: string, value: number]>;

export const renderCounter = (options: MetricOptions, values: Values): readonly string[] =>
  renderValues(options, 'counter', values);

/** A value that its owner computes at the moment. */
export const renderGauge = (options: MetricOptions, values: Values): readonly string[] =>
  renderValues(options, 'gauge', values);

function renderValues(options: MetricOptions, type: string, values: Values): readonly string[] {
  const lines = [...values].map(([labels, value]) => `${options.name}${braces(labels)} ${value}`);
  return lines.length === 0 ? [] : [...head(options, type), ...lines];
}

const head = ({ name, help }: MetricOptions, type: string): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];

const braces = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

function insert<T>(series: Map<string, T>, labels: string, value: T, { maxSeries }: MetricOptions): void {
  if (maxSeries !== undefined && series.size >= maxSeries) series.delete(series.keys().next().value!);
  series.set(labels, value);
}

/** Bounds as Go writes them, since the label `le` is a text: 1e+06, 2.592e+06, 1e-08. */
export function formatNumber(value: number): string {
  const [digits = '', power = ''] = value.toExponential().split('e');
  if (Number(power) >= -4 && Number(power) < 6) return String(value);
  return `${digits}e${power[0]}${power.slice(1).padStart(2, '0')}`;
}

/** `count` bounds, each `factor` times the one before it. */
export function exponentialBuckets(first: number, factor: number, count: number): readonly number[] {
  const bounds = [first];
  while (bounds.length < count) bounds.push(bounds.at(-1)! * factor);
  return bounds;
}
