// What a manifest would change, as text: its objects, the hops that differ, rule by rule, and one sentence. Pure.
import type { HopRule } from '../../controlplane/base/hops';
import type {
  HopChange,
  LocatedHop,
  ObjectChange,
  PathReport,
  WhatIfReport,
} from '../../controlplane/base/path-report';
import { hopWords, type TextOptions, wrapped } from './text';

export function renderWhatIf({ hops: today }: PathReport, whatIf: WhatIfReport, options: TextOptions): string {
  const paint = (code: number, text: string) => (options.colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const fold = (code: number, text: string) => wrapped(text, options.width).map((line) => paint(code, line));
  const lines = ['', paint(1, 'what if')];
  for (const one of whatIf.objects) lines.push(...wrapped(`  ${objectWords(one)}`, options.width));
  for (const change of whatIf.changes) lines.push('', ...changeLines(change, today, whatIf.hops, fold));
  const colour = { yes: 32, no: 31, unsure: 33 }[whatIf.verdict.works];
  lines.push('', ...fold(colour, whatIf.sentence));
  if (whatIf.verdict.remedy) lines.push(...wrapped(`To change it: ${whatIf.verdict.remedy}`, options.width));
  return `${lines.join('\n')}\n`;
}

function objectWords({ object, change, note }: ObjectChange): string {
  if (change === 'derived') return `${object} ${note ?? 'would follow'}`;
  const words = { ignored: 'has no part in it', unchanged: 'is so already' }[change as string] ?? `would be ${change}`;
  return `${object} ${words}${note ? `: ${note}` : ''}`;
}

type Fold = (code: number, text: string) => string[];

function changeLines(
  { before, after, rulesGone, rulesNew }: HopChange,
  today: readonly LocatedHop[],
  then: readonly LocatedHop[],
  fold: Fold,
): string[] {
  const was = before === undefined ? undefined : today[before];
  const is = after === undefined ? undefined : then[after];
  const { leg, node } = (is ?? was)!;
  return [
    `  ${leg}${node ? `, node ${node}` : ''}`,
    ...(was ? fold(31, `  - ${hopWords(was)}`) : []),
    ...rulesGone.flatMap((rule) => fold(31, `    - ${ruleWords(rule)}`)),
    ...(is ? fold(32, `  + ${hopWords(is)}`) : []),
    ...rulesNew.flatMap((rule) => fold(32, `    + ${ruleWords(rule)}`)),
  ];
}

const ruleWords = ({ place, rule }: HopRule): string => `${place.replace(/:\d+$/, '')}: ${rule}`;

/** For a picture: the report of the path with the manifest. */
export function asItWouldBe(report: PathReport): PathReport {
  if (report.whatIf === undefined) return report;
  const { hops, verdict, delivered } = report.whatIf;
  const { delivered: _today, whatIf: _, ...rest } = report;
  return { ...rest, hops, verdict, probed: false, ...(delivered ? { delivered } : {}) };
}
