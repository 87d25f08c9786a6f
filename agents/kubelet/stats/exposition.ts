// Renders metrics in the text format of Prometheus, 0.0.4. Pure.

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

export interface Metric {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** When the value was measured; absent: now. */
  readonly atMs?: number;
}
export type Labels = Readonly<Record<string, string>>;

/** By name. A metric without samples is left out. */
export function renderMetrics(metrics: Readonly<Record<string, Metric>>): string {
  const lines: string[] = [];
  for (const [name, { type, help, samples }] of Object.entries(metrics)) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels = {}, value, atMs } of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
      const selector = pairs.length > 0 ? `{${pairs.join(',')}}` : '';
      lines.push(`${name}${selector} ${value}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
