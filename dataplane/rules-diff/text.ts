// A report as text for people. Pure.
import { renderObject } from '../path/text';
import type { OwnRules } from './compare';
import type { Bounded, Difference, Kind } from './difference';
import type { PartState } from './document';
import type { ForeignChain, ForeignRule } from './foreign';
import type { Report } from './report';

/** Of a chain that is missing or not desired. */
const maxLinesOfChain = 5;
const maxLength = 400;

const headings: Readonly<Record<Kind, string>> = {
  missing: 'Desired, and not in the kernel',
  extra: 'In chains or tables of k8ts, and not desired',
  changed: 'Changed',
};

/** @param now milliseconds since the epoch */
export function renderReport(report: Report, now: number): string {
  const { parts, silence, rules, elements, own, foreign, notes } = report;
  const sections = [
    silence ? [`${silence.why}. So nothing desired is known, and nothing is compared.`] : [],
    parts.map((part) => renderPart(part, now)),
    ...(['missing', 'extra', 'changed'] as const).flatMap((kind) => [
      renderDifferences(
        `${headings[kind]}: ${counted(rules[kind].count, 'rule or chain', 'rules or chains')}`,
        rules[kind],
      ),
      renderDifferences(`${headings[kind]}: ${counted(elements[kind].count, 'element')}`, elements[kind]),
    ]),
    own.length === 0 ? [] : ['Rules of k8ts in the kernel:', ...own.map(renderOwn)],
    renderForeign(foreign.chains),
    notes.map((note) => `Note: ${note}.`),
    [conclusion(report)],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

function renderPart({ part, mode, state, known }: PartState, now: number): string {
  const { writes, writtenAt, pending, failure } = state;
  const last =
    writtenAt === undefined ? 'nothing written yet' : `last written ${ageOf(now - writtenAt)} ago, write ${writes}`;
  const waiting = failure !== undefined ? `failing: ${failure}` : pending ? 'a change waits' : 'nothing waits';
  const unknown = known ? '' : '; nothing is planned yet, so the rules of an earlier process stay and are not compared';
  return `kube-proxy, ${part}: mode ${mode}; ${last}; ${waiting}${unknown}`;
}

function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function renderDifferences(heading: string, { count, first }: Bounded<Difference>): readonly string[] {
  if (count === 0) return [];
  return [`${heading}`, ...first.flatMap(renderDifference), ...more(count - first.length)];
}

const more = (left: number): readonly string[] => (left > 0 ? [`  ... and ${left} more`] : []);

function renderDifference(one: Difference): readonly string[] {
  const { what, kind, size, desired, actual, objects } = one;
  const about = objects.length === 0 ? '' : `  ${objects.map(renderObject).join(', ')}`;
  const place = `  ${placeOf(one)}${about}`;
  if (what === 'table') return [`${place}  the whole table, ${counted(size ?? 0, 'chain or set', 'chains and sets')}`];
  if (what === 'chain' && kind !== 'changed') {
    const lines = (desired ?? actual ?? '').split('\n').filter(Boolean);
    return [
      `${place}  the whole chain, ${counted(size ?? 0, 'rule')}`,
      ...lines.slice(0, maxLinesOfChain).map((line) => `      ${short(line.trim())}`),
      ...(lines.length > maxLinesOfChain ? ['      ...'] : []),
    ];
  }
  if (kind !== 'changed') return [place, `      ${short(desired ?? actual ?? '')}`];
  return [place, `      desired  ${short(desired ?? '')}`, `      kernel   ${short(actual ?? '')}`];
}

const short = (text: string): string => (text.length > maxLength ? `${text.slice(0, maxLength)} ...` : text);

function placeOf({ program, backend, table, chain, line, what }: Difference): string {
  const by = backend === undefined ? program : `${program} (${backend})`;
  const at = chain === undefined ? '' : ` ${chain}${line === undefined ? '' : `:${line}`}`;
  return `${by} ${table}${at}${what === 'jump' ? ', jump' : what === 'set' ? ', set or map' : ''}`;
}

const renderOwn = ({ program, backend, table, chains, rules }: OwnRules): string =>
  `  ${program}${backend === undefined ? '' : ` (${backend})`} ${table}: ${counted(chains, 'chain')}, ${counted(rules, 'rule')}`;

function renderForeign(chains: readonly ForeignChain[]): readonly string[] {
  if (chains.length === 0) return ['No rules of other programs where packets of pods and Services pass.'];
  return [
    'Rules of other programs where packets of pods and Services pass, in order. ! may decide before ours; a drop further down counts too:',
    ...chains.flatMap(renderChain),
  ];
}

function renderChain({ hook, priority, program, table, chain, drops, ourLine, rules, before }: ForeignChain) {
  const facts = [
    ...(drops ? ['policy DROP'] : []),
    ...(ourLine === undefined
      ? []
      : [ourLine === 1 ? 'our jump is first' : `our jump is line ${ourLine}, not the first`]),
  ];
  // Those that may decide are shown also where others fill the list.
  const shown = new Map([...rules.first, ...before.first].map((rule) => [rule.line, rule]));
  const sorted = [...shown.values()].sort((a, b) => a.line - b.line);
  return [
    `  ${hook}, priority ${priority}: ${program} ${table} ${chain}${facts.length === 0 ? '' : `; ${facts.join('; ')}`}`,
    ...sorted.flatMap(renderRule),
    ...more(rules.count - sorted.length),
  ];
}

function renderRule({ line, text, writer, effects, isBefore }: ForeignRule): readonly string[] {
  const may = effects.length === 0 ? 'decides nothing' : `may ${effects.map((one) => verbs[one]).join(', ')}`;
  return [
    `  ${isBefore ? '!' : ' '} ${String(line).padStart(3)}  ${short(text)}`,
    `         ${may}; by ${writer ?? 'a program or a person that is not known by its names'}`,
  ];
}

const verbs = {
  drop: 'drop',
  reject: 'refuse',
  accept: 'accept',
  dnat: 'change the destination',
  snat: 'change the source',
  queue: 'ask another process',
  notrack: 'switch off connection tracking, and nat with it',
  unknown: 'do what is not known here',
} as const;

function conclusion({ verdict, foreign, rules, elements }: Report): string {
  const early = foreign.chains.reduce((sum, { before }) => sum + before.count, 0);
  const dropping = foreign.chains.filter(({ drops }) => drops).length;
  const others = [
    ...(early > 0 ? [`${counted(early, 'rule')} of other programs may decide before ours`] : []),
    ...(dropping > 0 ? [`what no rule accepts is dropped in ${counted(dropping, 'chain')}`] : []),
  ];
  const behind = others.length === 0 ? 'no rule of another program decides before ours' : others.join(', and ');
  if (verdict === 'unknown') return `Unknown: not everything that is desired is known or could be compared; ${behind}.`;
  if (verdict === 'equal') return `Equal: the kernel holds what kube-proxy wants; ${behind}.`;
  const all = [...Object.values(rules), ...Object.values(elements)].reduce((sum, { count }) => sum + count, 0);
  return `Different: ${counted(all, 'difference')} between the kernel and what kube-proxy wants; ${behind}.`;
}
