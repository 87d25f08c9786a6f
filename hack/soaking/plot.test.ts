import t from 'tap';
import { axis, colours, renderPlot, spread } from './plot';

t.test('axes have round steps and hold the highest value', async (t) => {
  for (const [most, ticks] of [
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [60, [0, 10, 20, 30, 40, 50, 60]],
    [61, [0, 20, 40, 60, 80]],
    [150, [0, 50, 100, 150]],
    [151.2, [0, 50, 100, 150, 200]],
    [12_000, [0, 2000, 4000, 6000, 8000, 10_000, 12_000]],
  ] as const) {
    t.strictSame(axis(0, most), { ticks, end: ticks.at(-1) }, String(most));
  }
});

t.test('labels move apart, keep their order, and stay inside', async (t) => {
  t.strictSame(spread([10, 100], 0, 200), [10, 100], 'far enough');
  t.strictSame(spread([100, 100, 100], 0, 200), [100, 114, 128], 'one height each');
  t.strictSame(spread([100, 101], 0, 105), [91, 105], 'pushed up from the bottom');
  t.strictSame(spread([50, 10], 0, 200), [50, 10], 'in the order given');
  const many = spread(new Array(100).fill(5), 0, 99);
  t.ok(many.every((y) => y >= 0 && y <= 99) && new Set(many).size === 100, 'narrower if there is no room');
  t.strictSame(spread([], 0, 9), []);
});

const line = (name: string, length: number, colour = 0) => ({
  name,
  colour,
  points: Array.from({ length }, (_, i) => ({ x: i, y: i === 77 ? 500 : 100 })),
});
const plot = (lines: Parameters<typeof renderPlot>[0]['lines']) =>
  renderPlot({ title: 'a <title> & more', xLabel: 'minutes', yLabel: 'MiB', lines });
/** The points of the thick lines of a plot. */
const paths = (svg: string) =>
  [...svg.matchAll(/<path class="l" stroke="[^"]+"(?: stroke-dasharray="[^"]+")? d="M([^"]+)"/g)].map(([, d]) =>
    d!.split('L').map((pair) => pair.split(' ').map(Number)),
  );

t.test('every line has a path, a colour and its name; texts are escaped', async (t) => {
  const svg = plot([line('server', 100), { ...line('a&b', 100, 1), dashed: true }]);
  t.equal(paths(svg).length, 2);
  t.match(svg, `stroke="${colours[1]}" stroke-dasharray`);
  for (const text of ['>server<', '>a&amp;b<', '>minutes<', '>MiB<', 'a &lt;title&gt; &amp; more']) t.match(svg, text);
  t.match(svg, 'prefers-color-scheme:dark');
  t.notMatch(svg, /NaN|undefined|<script/);
});

t.test('a higher value is drawn higher, a later value further right', async (t) => {
  const [points] = paths(plot([line('server', 100)]));
  const peak = points!.reduce((a, b) => (b[1]! < a[1]! ? b : a));
  t.equal(points!.indexOf(peak), 77);
  t.ok(points!.every(([x], i) => i === 0 || x! > points![i - 1]![0]!));
});

t.test('long series are thinned, and keep their peak; the file stays small', async (t) => {
  const long = Array.from({ length: 16 }, (_, i) => line(`worker-1/process-${i}`, 10_000, i));
  const svg = plot(long);
  t.ok(svg.length < 60_000, `${svg.length} bytes`);
  for (const points of paths(svg)) {
    t.ok(points.length <= 200);
    t.ok(points.some(([, y]) => y! < points[100]![1]! - 50));
  }
});

t.test('no lines, and lines without points', async (t) => {
  t.notMatch(plot([]), /NaN|Infinity/);
  t.notMatch(plot([{ name: 'nothing', colour: 0, points: [] }]), 'nothing');
});

t.test('colours can be seen on a white and on a dark page', async (t) => {
  const luminance = (colour: string) => {
    const [r, g, b] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  for (const colour of colours) {
    for (const page of ['#ffffff', '#0d1117']) {
      const [light, dark] = [luminance(colour), luminance(page)].sort((a, b) => b - a);
      t.ok((light! + 0.05) / (dark! + 0.05) >= 3, `${colour} on ${page}`);
    }
  }
});
