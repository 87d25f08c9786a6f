// The report as text: a line for each hop, its evidence below it, the verdict at the end. Pure.
import type { HopPacket } from '../../controlplane/base/hops';
import type { Leg, LocatedHop, PathReport } from '../../controlplane/base/path-report';

export interface TextOptions {
  /** False: hops that pass are one line each. */
  readonly details: boolean;
  readonly colour: boolean;
  /** Characters in a line; longer ones continue in the next. */
  readonly width: number;
}

const marks = { passes: 'ok', stops: 'STOPS', doubtful: 'doubt', unknown: '?' } as const;
const colours = { passes: 32, stops: 31, doubtful: 33, unknown: 33 } as const;

const legs: Readonly<Record<Leg, string>> = {
  name: 'to the name server',
  request: 'request',
  upstream: 'from the Ingress on',
  answer: 'answer',
};

export function renderReport(report: PathReport, options: TextOptions): string {
  const { hops, verdict } = report;
  const paint = (code: number, text: string) => (options.colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const lines = [paint(1, `${report.from}  →  ${report.to}`)];
  let at = '';
  for (const hop of hops) {
    const place = hop.kind === 'probe' ? 'tried out' : `${legs[hop.leg]}${hop.node ? `, node ${hop.node}` : ''}`;
    if (place !== at) lines.push('', paint(1, place));
    at = place;
    const mark = marks[hop.state];
    lines.push(`  ${paint(colours[hop.state], mark.padEnd(6))} ${hop.name}${summary(hop)}`);
    if (options.details || hop.state !== 'passes')
      lines.push(...details(hop).flatMap((line) => wrapped(line, options.width)));
    if (hop.fault)
      lines.push(
        ...wrapped(`         ${hop.fault.message}`, options.width).map((line) => paint(colours[hop.state], line)),
      );
  }
  const colour = verdict.works === 'yes' ? 32 : verdict.works === 'no' ? 31 : 33;
  lines.push('', ...wrapped(verdict.sentence, options.width).map((line) => paint(colour, line)));
  if (verdict.remedy) lines.push(...wrapped(`To change it: ${verdict.remedy}`, options.width));
  return `${lines.join('\n')}\n`;
}

/** A hop in one line. */
export const hopWords = (hop: LocatedHop): string =>
  `${marks[hop.state]} ${hop.name}${summary(hop)}${hop.fault ? `: ${hop.fault.message}` : ''}`;

/** What the hop did to the packet, or its first fact. */
function summary({ becomes, facts, rules = [], kind }: LocatedHop): string {
  if (becomes) return `: now ${packetText(becomes)}`;
  if (kind === 'hook') {
    const last = rules.findLast(({ objects }) => objects.length > 0);
    return `: ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}${last ? `, ${last.objects.join(', ')}` : ''}`;
  }
  return facts.length > 0 ? `: ${facts[0]}` : '';
}

export const packetText = ({ source, destination, destinationPort, protocol }: HopPacket): string =>
  `${protocol} ${source} to ${destination.includes(':') && destinationPort !== undefined ? `[${destination}]` : destination}${destinationPort === undefined ? '' : `:${destinationPort}`}`;

function details({ facts, rules = [], becomes, kind }: LocatedHop): string[] {
  const shown = becomes || kind === 'hook' ? facts : facts.slice(1);
  return [
    ...shown.map((fact) => `         ${fact}`),
    ...rules.flatMap(({ place, rule, verdict, objects, writer, packets, since, byChance }) => [
      `         ${[place, verdict, ...objects, ...(packets === undefined ? [] : [`${packets} packets so far`]), ...(since === undefined ? [] : [`as it is since ${since}`])].join(', ')}`,
      `           ${rule}`,
      ...(byChance ? ['           (chance decides here: other connections may go on elsewhere)'] : []),
      ...(writer === undefined || writer.includes('k8ts') ? [] : [`           written by ${writer}`]),
    ]),
  ];
}

/** At spaces; further lines get the indentation of the first, and two more. */
export function wrapped(text: string, width: number): string[] {
  const indent = /^ */.exec(text)![0].length;
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  let empty = true;
  for (const word of text.trim().split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(indent + 2);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
