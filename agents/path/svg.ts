// The report as a picture: a lane for each machine, a card for each stay of the packet on one, the hops in it in order, and the way between
// the cards as a line: whole for the request, dashed for the answer. Without scripts and links to anything. Pure.
import type { HopPacket, HopState } from '../../controlplane/base/hops';
import type { Leg, LocatedHop, PathReport } from '../../controlplane/base/path-report';
import {
  cardPart,
  cardWidth,
  hopHeight,
  lineHeight,
  outside,
  type Part,
  type PlacedHop,
  round,
  type Stay,
  shortened,
  sign,
  textAt,
  titled,
} from './svg-hop';
import { sizes, stateWords, style } from './svg-style';
import { cut, escapeXml, widthOf, wrap } from './svg-text';

const page = { width: 1040, margin: 24 } as const;
const gap = 30;
/** Machines beyond these share the last lane. */
const maxLanes = 5;
/** With more hops, those that pass are one line. */
const manyHops = 80;
/** A longer picture shows less, not more. The rest is in the other outputs. */
const maxHops = 200;

export function renderSvg(report: PathReport): string {
  const { from, to, hops, verdict } = report;
  const all = numbered(hops);
  const stays = staysOf(all.filter(({ kind }) => kind !== 'probe').slice(0, maxHops));
  const probes = all.filter(({ kind }) => kind === 'probe').slice(0, maxHops);
  const lanes = lanesOf(stays);
  const compact = hops.length > manyHops;
  const parts: string[] = [];
  const head = verdictPart(report);
  parts.push(head.draw(page.margin, page.margin));
  let y = page.margin + head.height + 22;
  parts.push(laneHeads(lanes, y));
  const lanesTop = y + 34;
  y = lanesTop + 18;
  const places: Place[] = [];
  const put = (part: Part, lane: number, leg: Leg) => {
    const x = lanes.x(lane);
    places.push({ x, top: y, bottom: y + part.height, leg });
    parts.push(part.draw(x, y));
    y += part.height + gap;
  };
  const [first] = stays;
  if (first) put(endPart(`from ${from}`), lanes.of(first.node), first.leg);
  for (const [i, stay] of stays.entries()) {
    const lane = lanes.of(stay.node);
    put(cardPart(stay, { guilty: verdict.hop, compact }), lane, stay.leg);
    const next = stays[i + 1]?.leg;
    if (stay.hops.some(({ state }) => state === 'stops')) continue;
    if (next === 'answer' && stay.leg !== 'answer') put(endPart(`to ${to}`), lane, stay.leg);
    if (next !== 'answer' && stay.leg === 'answer') put(endPart(`back at ${from}`), lane, stay.leg);
  }
  const lanesBottom = stays.length > 0 ? y - gap + 10 : y;
  if (probes.length > 0) {
    const stay: Stay = { leg: 'request', node: undefined, hops: probes };
    const card = cardPart(stay, {
      guilty: verdict.hop,
      compact,
      title: 'tried out',
      width: page.width - 2 * page.margin,
    });
    parts.push(card.draw(page.margin, y));
    y += card.height + gap;
  }
  const shown = stays.reduce((sum, { hops: own }) => sum + own.length, 0) + probes.length;
  if (shown < hops.length) {
    parts.push(textAt(page.margin, y, `${hops.length - shown} more hops are not drawn: see --output text`, 'quiet'));
    y += hopHeight;
  }
  parts.push(legend(page.margin, y));
  const height = Math.ceil(y + 40);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${page.width}" height="${height}" viewBox="0 0 ${page.width} ${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeXml(shortened(`${from} to ${to}`))}</title><desc id="desc">${escapeXml(shortened(`${verdict.sentence} ${hops.length} hops.`))}</desc>`,
    style,
    `<defs>${arrow('request')}${arrow('answer')}</defs>`,
    `<rect class="page" width="100%" height="100%"/>`,
    laneLines(lanes, lanesTop, lanesBottom),
    ways(places),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Bold letters are as wide as those of this size. */
const boldSize = sizes.text * 1.1;

/** An end of the way. */
const endPart = (text: string): Part => ({
  height: 26,
  draw: (x, y) => {
    const shown = cut(text, cardWidth - 24, boldSize);
    const width = round(widthOf(shown, boldSize) + 24);
    return `<g>${titled(text)}<rect class="end" x="${round(x)}" y="${round(y)}" width="${width}" height="26" rx="4"/>${textAt(x + 12, y + 17, shown, 'bold')}</g>`;
  },
});

/** With the packet as it was before each translation. A leg begins with a packet that the report does not have. */
function numbered(hops: readonly LocatedHop[]): readonly PlacedHop[] {
  let packet: HopPacket | undefined;
  let leg: Leg | undefined;
  return hops.map((hop, index) => {
    if (hop.leg !== leg) packet = undefined;
    leg = hop.leg;
    const before = packet;
    packet = hop.becomes ?? packet;
    return { ...hop, index, ...(before ? { before } : {}) };
  });
}

function staysOf(hops: readonly PlacedHop[]): readonly Stay[] {
  const stays: { leg: Leg; node: string | undefined; hops: PlacedHop[] }[] = [];
  for (const hop of hops) {
    const last = stays.at(-1);
    if (last && last.leg === hop.leg && last.node === hop.node) last.hops.push(hop);
    else stays.push({ leg: hop.leg, node: hop.node, hops: [hop] });
  }
  return stays;
}

interface Lanes {
  readonly names: readonly string[];
  of(node: string | undefined): number;
  x(lane: number): number;
}

/** In the order in which the packet comes to the machines. */
function lanesOf(stays: readonly Stay[]): Lanes {
  const all = [...new Set(stays.map(({ node }) => node))];
  const shown = all.slice(0, maxLanes);
  const step = shown.length < 2 ? 0 : (page.width - 2 * page.margin - cardWidth) / (shown.length - 1);
  return {
    names: shown.map((node, i) => {
      const more = i === maxLanes - 1 ? all.length - maxLanes : 0;
      return `${node === undefined ? outside : `node ${node}`}${more > 0 ? `, and ${more} more` : ''}`;
    }),
    of: (node) => Math.min(all.indexOf(node), maxLanes - 1),
    x: (lane) => page.margin + lane * step,
  };
}

function laneHeads({ names, x }: Lanes, y: number): string {
  const step = names.length < 2 ? cardWidth : x(1) - x(0);
  return names
    .map((name, i) => {
      const room = Math.min(i === names.length - 1 ? cardWidth : step - 10, 260);
      const text = cut(name, room - 24, sizes.head);
      const width = Math.min(room, widthOf(text, sizes.head) + 24);
      return `<g>${titled(name)}<rect class="card" x="${x(i)}" y="${y}" width="${round(width)}" height="26" rx="13"/>${textAt(x(i) + 12, y + 17, text, 'bold')}</g>`;
    })
    .join('');
}

const laneLines = ({ names, x }: Lanes, top: number, bottom: number): string =>
  names.map((_, i) => `<path class="lane" d="M${round(x(i) + 20)} ${top - 8}V${round(bottom)}"/>`).join('');

interface Place {
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
  readonly leg: Leg;
}

const directionOf = (leg: Leg): 'request' | 'answer' => (leg === 'answer' ? 'answer' : 'request');

/** From each card down to the next one. */
function ways(places: readonly Place[]): string {
  return places
    .slice(1)
    .map((to, i) => {
      const from = places[i]!;
      const kind = directionOf(to.leg);
      // The two directions leave at two places, so that lines of one lane do not cover each other.
      const inset = kind === 'answer' ? 70 : 44;
      const [x1, x2, middle] = [round(from.x + inset), round(to.x + inset), round(from.bottom + gap / 2 - 2)];
      const path =
        x1 === x2
          ? `M${x1} ${round(from.bottom)}V${round(to.top - 7)}`
          : `M${x1} ${round(from.bottom)}V${middle}H${x2}V${round(to.top - 7)}`;
      return `<path class="way ${kind}" d="${path}" marker-end="url(#to-${kind})"/>`;
    })
    .join('');
}

const arrow = (kind: string): string =>
  `<marker id="to-${kind}" viewBox="0 0 10 10" refX="3" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path class="to-${kind}" d="M0 0l10 5-10 5z"/></marker>`;

function verdictPart({ from, to, verdict, probed }: PathReport): Part {
  const state: HopState = verdict.works === 'yes' ? 'passes' : verdict.works === 'no' ? 'stops' : 'doubtful';
  const width = page.width - 2 * page.margin;
  const room = width - 60;
  const lines = wrap(verdict.sentence, room, sizes.text, 6);
  const remedy = verdict.remedy ? wrap(`To change it: ${verdict.remedy}`, room, sizes.small, 4) : [];
  const asked = `${from} → ${to}`;
  const how = probed ? 'looked at, and tried out' : 'looked at, not tried out';
  const box = (lines.length + remedy.length) * lineHeight + 22;
  return {
    height: box + 36,
    draw: (x, y) => {
      const below = y + 36;
      const out = [
        `<g>${titled(asked)}${textAt(x, y + 16, cut(asked, width - 200, sizes.title), 'title bold')}</g>`,
        textAt(x + width, y + 16, how, 'small quiet', 'end'),
        `<g>${titled(`${verdict.sentence}\n${verdict.remedy ?? ''}`)}<rect class="box-${state}" stroke-width="1.5" x="${x}" y="${below}" width="${width}" height="${box}" rx="8"/>`,
        sign(state, x + 14, below + 12, 1.4),
      ];
      let at = below + 24;
      for (const [group, kind] of [
        [lines, 'bold'],
        [remedy, 'mono'],
      ] as const) {
        for (const line of group) {
          out.push(textAt(x + 46, at, line, kind));
          at += lineHeight;
        }
      }
      return `${out.join('')}</g>`;
    },
  };
}

function legend(x: number, y: number): string {
  let at = x;
  const out: string[] = [];
  for (const state of Object.keys(stateWords) as HopState[]) {
    out.push(sign(state, at, y), textAt(at + 22, y + 13, stateWords[state], 'small quiet'));
    at += 100;
  }
  for (const kind of ['request', 'answer'] as const) {
    out.push(
      `<path class="way ${kind}" d="M${at} ${y + 8}h34" marker-end="url(#to-${kind})"/>`,
      textAt(at + 50, y + 13, kind, 'small quiet'),
    );
    at += 124;
  }
  return `<g aria-hidden="true">${out.join('')}</g>`;
}
