// What the picture of a report is made of: a card for each stay on a machine, with a line for each hop, and more where something is wrong. Pure.
import type { HopPacket, HopState } from '../../controlplane/base/hops';
import type { Leg, LocatedHop } from '../../controlplane/base/path-report';
import { signs, sizes, stateWords } from './svg-style';
import { cut, escapeXml, widthOf, wrap } from './svg-text';
import { packetText } from './text';

export const cardWidth = 560;
export const lineHeight = 18;
export const hopHeight = 22;
export const outside = 'outside the nodes';
const maxTitle = 1_500;

/** Parts with a known height, placed one below another. */
export interface Part {
  readonly height: number;
  readonly draw: (x: number, y: number) => string;
}

/** Hops one after another on one machine and leg. */
export interface Stay {
  readonly leg: Leg;
  readonly node: string | undefined;
  readonly hops: readonly (LocatedHop & { readonly index: number; readonly before?: HopPacket })[];
}
export type PlacedHop = Stay['hops'][number];

const legWords: Readonly<Record<Leg, string>> = {
  name: 'question to the name server',
  request: 'request',
  upstream: 'request from the Ingress on',
  answer: 'answer',
};

interface CardOptions {
  readonly guilty: number | undefined;
  readonly compact: boolean;
  readonly title?: string;
  readonly width?: number;
}

export function cardPart({ leg, node, hops }: Stay, { guilty, compact, title, width = cardWidth }: CardOptions): Part {
  const lines = (compact ? runsOf(hops, guilty) : hops.map((hop) => [hop])).map((run) =>
    run.length > 1 ? runPart(run) : hopPart(run[0]!, run[0]!.index === guilty, width),
  );
  const height = lines.reduce((sum, part) => sum + part.height, 0) + 34;
  const name = title ?? `${legWords[leg]}, ${node === undefined ? outside : `node ${node}`}`;
  return {
    height,
    draw: (x, y) => {
      let at = y + 28;
      const drawn = lines.map((part) => {
        const text = part.draw(x + 10, at);
        at += part.height;
        return text;
      });
      const frame = `<rect class="card" x="${round(x)}" y="${round(y)}" width="${width}" height="${round(height)}" rx="8"/>`;
      return `<g>${frame}${textAt(x + 12, y + 18, cut(name, width - 24, sizes.small), 'small quiet')}${drawn.join('')}</g>`;
    },
  };
}

/** Hops that pass and say nothing of note, together; every other one alone. */
function runsOf(hops: readonly PlacedHop[], guilty: number | undefined): readonly PlacedHop[][] {
  const runs: PlacedHop[][] = [];
  const plain = ({ state, becomes, index }: PlacedHop) => state === 'passes' && !becomes && index !== guilty;
  for (const hop of hops) {
    const last = runs.at(-1);
    if (last && plain(hop) && last.every(plain)) last.push(hop);
    else runs.push([hop]);
  }
  return runs;
}

const runPart = (run: readonly PlacedHop[]): Part => ({
  height: hopHeight,
  draw: (x, y) =>
    `<g>${titled(run.map(({ name }) => name).join('\n'))}${sign('passes', x, y)}${textAt(x + 26, y + 13, `${run.length} hops pass`, 'quiet')}</g>`,
});

function hopPart(hop: PlacedHop, guilty: boolean, width: number): Part {
  const { state, name, fault, becomes, before } = hop;
  const inner = width - 20;
  const room = inner - 34;
  const word = state === 'passes' ? '' : stateWords[state];
  const wordWidth = word === '' ? 0 : widthOf(word, sizes.text) + 12;
  const shownName = cut(name, room - wordWidth, sizes.text);
  const left = room - wordWidth - widthOf(shownName, sizes.text) - 14;
  const note = summary(hop);
  const shownNote = note === '' || left < 60 ? '' : cut(note, left, sizes.small);
  const kindOfName = state === 'passes' ? '' : ' class="bold"';
  // The note follows the name wherever that ends in the reader's font.
  const nameAndNote = (x: number, y: number) =>
    `<text x="${round(x)}" y="${round(y)}"><tspan${kindOfName}>${escapeXml(shownName)}</tspan>${shownNote === '' ? '' : `<tspan class="small quiet" dx="12">${escapeXml(shownNote)}</tspan>`}</text>`;
  const nat = becomes
    ? [...(before ? [`before  ${packetText(before)}`] : []), `${before ? 'after   ' : 'now  '}${packetText(becomes)}`]
    : [];
  const reason = fault?.message ?? (state === 'passes' ? '' : (hop.facts.at(-1) ?? ''));
  const told = wrap(reason, room, sizes.text, guilty ? 6 : 3);
  const remedy = guilty && fault?.remedy ? wrap(`To change it: ${fault.remedy}`, room, sizes.small, 4) : [];
  const pad = guilty ? 8 : 0;
  const height = hopHeight + (nat.length + told.length + remedy.length) * lineHeight + 2 * pad;
  return {
    height: height + (guilty ? 6 : 0),
    draw: (x, y) => {
      let at = y + pad;
      const out = [`<g class="hop">${titled(fullText(hop))}`];
      if (guilty)
        out.push(
          `<rect class="box-${state}" stroke-width="2" x="${round(x - 4)}" y="${round(y)}" width="${inner + 8}" height="${height}" rx="6"/>`,
        );
      out.push(sign(state, x, at), nameAndNote(x + 26, at + 13));
      if (word !== '') out.push(textAt(x + inner - 6, at + 13, word, `bold ${state}`, 'end'));
      at += hopHeight;
      for (const [lines, kind, size] of [
        [nat, 'mono nat', sizes.small],
        [told, guilty ? 'bold' : '', sizes.text],
        [remedy, 'mono', sizes.small],
      ] as const) {
        for (const line of lines) {
          out.push(textAt(x + 26, at + 12, cut(line, room, size), kind));
          at += lineHeight;
        }
      }
      return `${out.join('')}</g>`;
    },
  };
}

/** In a few words what is true at a hop. */
function summary({ state, fault, kind, facts, rules = [], becomes }: LocatedHop): string {
  // Below it stands why.
  if (state !== 'passes' && (fault || facts.length < 2)) return '';
  if (kind !== 'hook') return facts[0] ?? '';
  if (rules.length === 0) return becomes ? 'translates' : 'no rule matched';
  const objects = rules.findLast((rule) => rule.objects.length > 0)?.objects ?? [];
  return [becomes ? 'translates' : '', rules.length === 1 ? '1 rule' : `${rules.length} rules`, ...objects]
    .filter((part) => part !== '')
    .join(', ');
}

function fullText({ state, name, facts, fault, becomes, rules = [] }: LocatedHop): string {
  const said = rules.map(({ place, verdict, objects }) => [place, verdict, ...objects].join(', '));
  return [
    `${name}: ${stateWords[state]}`,
    ...facts,
    ...(fault ? [fault.message, fault.remedy ?? ''] : []),
    ...(becomes ? [`now ${packetText(becomes)}`] : []),
    ...said,
  ].join('\n');
}

export const sign = (state: HopState, x: number, y: number, scale = 1): string =>
  `<g class="${state}" transform="translate(${round(x)} ${round(y)})${scale === 1 ? '' : ` scale(${scale})`}">${signs[state]}</g>`;

export const textAt = (x: number, y: number, text: string, kind: string, anchor?: 'end'): string =>
  `<text x="${round(x)}" y="${round(y)}"${kind === '' ? '' : ` class="${kind}"`}${anchor ? ` text-anchor="${anchor}"` : ''} xml:space="preserve">${escapeXml(text)}</text>`;

/** What a reader sees who points at it. */
export const titled = (text: string): string => `<title>${escapeXml(shortened(text))}</title>`;

export const shortened = (text: string): string => (text.length > maxTitle ? `${text.slice(0, maxTitle)}…` : text);

export const round = (value: number): number => Math.round(value * 10) / 10;
