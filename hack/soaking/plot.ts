// A plot of lines over time as one SVG without scripts and fonts of its own. It is read on a white and on a dark page: lines have
// middle tones, texts follow prefers-color-scheme. Pure.

export interface Line {
  readonly name: string;
  /** Lines with one index share a colour. */
  readonly colour: number;
  readonly dashed?: boolean;
  /** In the order of x. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}
export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
}

const size = { width: 960, height: 460 } as const;
const margin = { top: 40, right: 190, bottom: 46, left: 56 } as const;
/** A label needs this many pixels of height. */
const labelHeight = 14;
/** A line has at most so many points; each is the highest value of its part of the time, so that no peak is lost. */
const mostPoints = 200;
/** Each has a contrast of at least 3 on white and on #0d1117. */
export const colours = [
  '#d1453b',
  '#2f81f7',
  '#2da44e',
  '#a87400',
  '#a15fe0',
  '#d0508f',
  '#128a8a',
  '#7d8590',
  '#c2602a',
] as const;

export function renderPlot({ title, xLabel, yLabel, lines }: Plot): string {
  const shown = lines.filter(({ points }) => points.length > 0);
  const all = shown.flatMap(({ points }) => points);
  const lastX = most(all.map((point) => point.x));
  const x = axis(0, lastX);
  const y = axis(0, most(all.map((point) => point.y)));
  const area = {
    width: size.width - margin.left - margin.right,
    height: size.height - margin.top - margin.bottom,
  };
  const px = (value: number) => round(margin.left + (value / lastX) * area.width);
  const py = (value: number) => round(margin.top + area.height - (value / y.end) * area.height);
  const right = margin.left + area.width;
  const bottom = margin.top + area.height;
  const labels = spread(
    shown.map(({ points }) => py(points.at(-1)!.y)),
    margin.top,
    size.height - margin.bottom,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeXml(title)}">`,
    '<style>text{font:12px sans-serif;fill:#24292f}.g{stroke:#8c959f;stroke-opacity:.35}.l{fill:none;stroke-width:1.5;stroke-linejoin:round}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>',
    `<text x="${margin.left}" y="22" style="font-size:15px;font-weight:bold">${escapeXml(title)}</text>`,
    ...y.ticks.flatMap((tick) => [
      `<path class="g" d="M${margin.left} ${py(tick)}H${right}"/>`,
      `<text x="${margin.left - 8}" y="${round(py(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ]),
    ...x.ticks
      .filter((tick) => tick <= lastX)
      .flatMap((tick) => [
        `<path class="g" d="M${px(tick)} ${bottom}v5"/>`,
        `<text x="${px(tick)}" y="${bottom + 19}" text-anchor="middle">${tick}</text>`,
      ]),
    `<text x="${round(margin.left + area.width / 2)}" y="${size.height - 8}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
    `<text transform="translate(14 ${round(margin.top + area.height / 2)})rotate(-90)" text-anchor="middle">${escapeXml(yLabel)}</text>`,
    ...shown.flatMap(({ name, colour, dashed, points }, i) => {
      const stroke = colours[colour % colours.length]!;
      const dash = dashed ? ' stroke-dasharray="5 3"' : '';
      const drawn = highest(points).map((point) => `${px(point.x)} ${py(point.y)}`);
      const end = points.at(-1)!;
      const label = labels[i]!;
      return [
        `<path class="l" stroke="${stroke}"${dash} d="M${drawn.join('L')}"/>`,
        `<path class="l" stroke="${stroke}" stroke-opacity=".5" d="M${px(end.x)} ${py(end.y)}L${right + 12} ${label}h8"/>`,
        `<text x="${right + 24}" y="${round(label + 4)}">${escapeXml(name)}</text>`,
      ];
    }),
    '</svg>',
  ].join('\n')}\n`;
}

/** Round steps from `start` to at least `last`: 1, 2 or 5 times a power of ten. */
export function axis(start: number, last: number): { readonly ticks: readonly number[]; readonly end: number } {
  const raw = (last - start) / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw)!;
  const count = Math.ceil((last - start) / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((start + i * step).toPrecision(12)));
  return { ticks, end: ticks.at(-1)! };
}

/** Moves labels apart until each has its height, and keeps them between the two bounds if there is room; same order as given. */
export function spread(wanted: readonly number[], top: number, bottom: number): readonly number[] {
  const order = wanted.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  const height = Math.min(labelHeight, order.length > 1 ? (bottom - top) / (order.length - 1) : labelHeight);
  const placed: number[] = [];
  for (const [k, { y }] of order.entries()) placed.push(Math.max(y, top, k === 0 ? top : placed[k - 1]! + height));
  for (let k = placed.length - 1; k >= 0; k--) {
    const limit = k === placed.length - 1 ? bottom : placed[k + 1]! - height;
    placed[k] = Math.min(placed[k]!, limit);
  }
  const result = new Array<number>(wanted.length).fill(0);
  for (const [k, { i }] of order.entries()) result[i] = round(placed[k]!);
  return result;
}

function highest(points: Line['points']): Line['points'] {
  const group = Math.ceil(points.length / mostPoints);
  if (group <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / group) }, (_, i) => {
    const part = points.slice(i * group, (i + 1) * group);
    return part.reduce((most, point) => (point.y > most.y ? point : most));
  });
}

/** At least 1, so that an axis has a length. Long lists do not fit into the arguments of Math.max. */
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 1);

const round = (value: number): number => Math.round(value * 10) / 10;

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
