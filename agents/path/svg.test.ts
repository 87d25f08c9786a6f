// The picture of a report: well-formed, complete, and safe whatever the names are.
import fc from 'fast-check';
import t from 'tap';
import type { LocatedHop, PathReport } from '../../controlplane/base/path-report';
import { completeReport, stoppedReport, worksReport } from './report.fixture';
import { renderSvg } from './svg';
import { cut, escapeXml, widthOf, wrap } from './svg-text';

/** The text of all elements, by element. @throws Error where a parser would */
function parseXml(xml: string): readonly { readonly tag: string; readonly text: string }[] {
  const found: { tag: string; text: string }[] = [];
  const open: { tag: string; text: string }[] = [];
  for (const piece of xml.match(/<[^>]*>|[^<]+/g) ?? []) {
    if (!piece.startsWith('<')) {
      if (/&(?!(?:amp|lt|gt|quot);)/.test(piece)) throw new Error(`a bare &: ${piece}`);
      if (open.length > 0) open.at(-1)!.text += piece;
      continue;
    }
    const [, end, tag = '', attributes = '', alone] =
      /^<(\/?)([a-zA-Z]+)((?: [a-zA-Z:-]+="[^"<]*")*)(\/?)>$/.exec(piece) ?? [];
    if (tag === '') throw new Error(`no tag: ${piece}`);
    if (/&(?!(?:amp|lt|gt|quot);)/.test(attributes)) throw new Error(`a bare & in ${piece}`);
    const names = [...attributes.matchAll(/ ([a-zA-Z:-]+)=/g)].map(([, name]) => name);
    if (new Set(names).size < names.length) throw new Error(`an attribute twice: ${piece}`);
    if (end === '/') {
      const last = open.pop();
      if (last?.tag !== tag) throw new Error(`${piece} closes ${last?.tag}`);
      found.push(last);
    } else if (alone !== '/') open.push({ tag, text: '' });
  }
  if (open.length > 0) throw new Error(`not closed: ${open.map(({ tag }) => tag).join(', ')}`);
  return found;
}

const titlesOf = (svg: string) => parseXml(svg).flatMap(({ tag, text }) => (tag === 'title' ? [text] : []));
const heightOf = (svg: string) => Number(/height="(\d+)"/.exec(svg)![1]);
const plain = (changes: Partial<LocatedHop> = {}): LocatedHop => ({
  kind: 'routing',
  name: 'routing',
  state: 'passes',
  facts: [],
  leg: 'request',
  node: 'worker-1',
  ...changes,
});

t.test('each hop is there, with its state as a word and a sign', async (t) => {
  for (const report of [worksReport, stoppedReport, completeReport]) {
    const svg = renderSvg(report);
    const titles = titlesOf(svg);
    for (const { name } of report.hops)
      t.ok(
        titles.some((title) => title.startsWith(`${escapeXml(name)}: `)),
        name,
      );
    t.equal(svg.match(/<g class="hop">/g)?.length, report.hops.length);
    t.match(svg, 'role="img"');
    t.match(svg, 'prefers-color-scheme:dark');
    t.notMatch(svg, /<script|href|url\((?!#)/, 'nothing runs, nothing is loaded');
  }
  const stopped = renderSvg(stoppedReport);
  for (const word of ['STOPS', 'in doubt', 'unknown'])
    t.match(stopped, new RegExp(`class="bold [a-z]+"[^>]*>${word}<`));
});

t.test('the guilty hop stands out, with its sentence and the remedy', async (t) => {
  const svg = renderSvg(stoppedReport);
  t.equal(svg.match(/<rect class="box-stops"/g)?.length, 2, 'the verdict and the hop');
  t.match(svg, 'To change it: on the node: iptables -t filter -D ufw-user-forward 3');
  t.match(parseXml(svg).find(({ tag }) => tag === 'desc')?.text, 'does not reach cart.shop:80');
  t.equal(renderSvg(worksReport).match(/box-stops"/g), null);
});

t.test('request and answer are lines of two kinds; the ends of the way are named', async (t) => {
  const svg = renderSvg(worksReport);
  t.match(svg, 'class="way request"');
  t.match(svg, 'class="way answer"');
  for (const text of ['from pod shop/web-7c9d8b6f5-x2x4k', 'to cart.shop:80', 'back at pod shop/web-7c9d8b6f5-x2x4k'])
    t.match(svg, `>${text}</text>`);
  t.notMatch(renderSvg(stoppedReport), '>to cart.shop:80</text>', 'it never came there');
});

t.test('a packet before and after its translation', async (t) => {
  const packet = { protocol: 'tcp', source: '10.0.0.1', destination: '10.0.0.2', destinationPort: 80 } as const;
  const hops = [plain({ becomes: packet }), plain({ becomes: { ...packet, source: '192.0.2.1' } })];
  const svg = renderSvg({ ...worksReport, hops });
  t.match(svg, />now {2}tcp 10\.0\.0\.1 to 10\.0\.0\.2:80</);
  t.match(svg, />before {2}tcp 10\.0\.0\.1 to 10\.0\.0\.2:80</);
  t.match(svg, />after {3}tcp 192\.0\.2\.1 to 10\.0\.0\.2:80</);
});

t.test('hostile names are text', async (t) => {
  const hostile = '</title><script>alert("1")</script>&lt;\u202egnp.\u0000\ud800]]>';
  const svg = renderSvg({
    ...stoppedReport,
    from: hostile,
    to: hostile,
    hops: [
      plain({
        name: hostile,
        node: hostile,
        state: 'stops',
        facts: [hostile],
        fault: { code: 'X', message: hostile, remedy: hostile },
      }),
    ],
    verdict: { works: 'no', hop: 0, sentence: hostile, remedy: hostile },
  });
  parseXml(svg);
  t.notMatch(svg, /<script|[^\P{Cc}\n]|\p{Bidi_Control}|\p{Surrogate}/u);
});

t.test('any text at all', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(text, text, text, (name, message, to) => {
      const hops = [plain({ name, state: 'doubtful', fault: { code: 'X', message } })];
      parseXml(renderSvg({ ...stoppedReport, to, hops, verdict: { works: 'unsure', hop: 0, sentence: message } }));
    }),
    { numRuns: 100 },
  );
});

t.test('long reports: hops that pass become one line, and the picture has an end', async (t) => {
  const many = (count: number, changes: Partial<LocatedHop> = {}): PathReport => ({
    ...worksReport,
    hops: Array.from({ length: count }, (_, i) =>
      plain({ name: `hop ${i}`, node: `worker-${Math.floor(i / 50)}`, ...changes }),
    ),
  });
  const folded = renderSvg(many(190));
  t.match(folded, '>50 hops pass</text>');
  t.ok(heightOf(folded) < 800);
  for (let i = 0; i < 190; i++)
    if (!titlesOf(folded).some((title) => title.includes(`hop ${i}\n`) || title.endsWith(`hop ${i}`)))
      t.fail(`hop ${i}`);
  const cutOff = renderSvg(many(5_000, { state: 'doubtful' }));
  t.match(cutOff, '>4800 more hops are not drawn: see --output text</text>');
  t.ok(heightOf(cutOff) < 12_000);
  const guilty = renderSvg({ ...many(100), verdict: { works: 'no', hop: 60, sentence: 'no' } });
  t.match(guilty, 'box-passes', 'the guilty hop is not folded');
  t.ok(heightOf(renderSvg({ ...worksReport, hops: [] })) > 0, 'no hops at all');
  const lanes = renderSvg({ ...worksReport, hops: Array.from({ length: 9 }, (_, i) => plain({ node: `w-${i}` })) });
  t.match(lanes, 'node w-4, and 4 more');
});

t.test('text is cut and wrapped by its width', async (t) => {
  t.equal(cut('short', 100, 10), 'short');
  t.equal(cut('a\nb', 100, 10), 'a b');
  t.equal(cut('0123456789', 40, 10), '0123…');
  t.equal(cut('漢字漢字漢字', 40, 10), '漢字…');
  t.equal(cut('😀😀😀😀', 30, 10), '😀…', 'no half of a character');
  t.strictSame(wrap('aa bb cc', 40, 10, 5), ['aa bb', 'cc']);
  t.strictSame(wrap('aaaaaaaaaa', 40, 10, 5), ['aaaaaa', 'aaaa']);
  t.strictSame(wrap('aa bb cc dd ee ff', 40, 10, 2), ['aa bb', 'cc d…']);
  t.strictSame(wrap('', 40, 10, 2), []);
  t.strictSame(wrap('x'.repeat(100), 40, 10, 2).length, 2);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 1, max: 4 }), (text, lines) => {
      const wrapped = wrap(text, 60, 10, lines);
      return wrapped.length <= lines && wrapped.every((line) => widthOf(line, 10) <= 60);
    }),
  );
});
