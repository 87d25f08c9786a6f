import t from 'tap';
import { isFlat, judgeSamples, renderMemory, renderVerdicts } from './report';
import { parseSamples, renderSamples, type Sample } from './samples';

const mebibyte = 1024 * 1024;
interface Shape {
  readonly process: string;
  readonly memory?: (at: number) => number;
  readonly files?: (at: number) => number;
  readonly pid?: (at: number) => number;
}
const samplesOf = (shapes: readonly Shape[]): readonly Sample[] =>
  Array.from({ length: 100 }, (_, i) => i * 10).flatMap((at) =>
    shapes.map(({ process, memory = () => 100, files = () => 30, pid = () => 7 }) => ({
      atSeconds: at,
      process,
      pid: pid(at),
      residentBytes: memory(at) * mebibyte,
      files: files(at),
      cpuSeconds: at / 10,
      ...(at % 60 === 0 ? { heapBytes: 20 * mebibyte } : {}),
    })),
  );

t.test('samples survive being written and read', async (t) => {
  const samples = samplesOf([{ process: 'server' }, { process: 'worker-1/kubelet' }]);
  t.strictSame(parseSamples(renderSamples(samples)), samples);
  t.strictSame(parseSamples(renderSamples([])), []);
});

t.test('a line that is no sample is named', async (t) => {
  const [head] = renderSamples([]).split('\n');
  t.throws(() => parseSamples(`${head}\n1,server,2,3,,4,5\n1,server,x,3,,4,5`), { message: /^line 3 / });
  t.throws(() => parseSamples(`${head}\n1,server`), { message: /^line 2 / });
  t.throws(() => parseSamples('seconds\n'), { message: /first line/ });
});

const grows = (at: number) => 100 + at / 20;
const cases: readonly { name: string; shape: Shape; flat: boolean }[] = [
  { name: 'all level', shape: { process: 'server' }, flat: true },
  { name: 'memory grows', shape: { process: 'server', memory: grows }, flat: false },
  { name: 'files grow', shape: { process: 'server', files: grows }, flat: false },
  { name: 'the store may grow', shape: { process: 'store', memory: grows }, flat: true },
  {
    name: 'less than an allocator takes at once',
    shape: { process: 'dns', memory: (at) => 10 + at / 300 },
    flat: true,
  },
  {
    name: 'a process that grows after it was started again',
    shape: { process: 'server', pid: (at) => (at < 300 ? 1 : 2), memory: (at) => (at < 300 ? 100 : grows(at)) },
    flat: false,
  },
  {
    name: 'a process that is level after it was started again',
    shape: { process: 'server', pid: (at) => (at < 300 ? 1 : 2), memory: (at) => (at < 300 ? grows(at) : 90) },
    flat: true,
  },
];
for (const { name, shape, flat } of cases) {
  t.test(name, async (t) => {
    t.equal(isFlat(judgeSamples(samplesOf([{ process: 'other' }, shape]))), flat);
  });
}

t.test('the table', async (t) => {
  const verdicts = judgeSamples(
    samplesOf([
      { process: 'server', pid: (at) => (at < 300 ? 1 : 2) },
      { process: 'worker-1/dns', memory: grows },
    ]),
  );
  t.match(verdicts[0], {
    process: 'server',
    restarts: 1,
    memory: { verdict: 'flat' },
    heap: { median2: 20 * mebibyte },
  });
  t.equal(Math.round(verdicts[0]!.cpuShare * 1000), 100, 'a tenth of a core');
  const lines = renderVerdicts(verdicts).split('\n');
  t.match(lines[0], /^process +first +half 1 +half 2/);
  t.match(
    lines[1],
    /^server +100\.0 +100\.0 +100\.0 +100\.0 +0\.0 +0\.0 +flat +20\.0 +20\.0 +30 30 +flat +10\.0 % +1$/,
  );
  t.match(lines[2], /^worker-1\/dns .* grows /);
});

t.test('the plot: nodes of one kind share a colour, later ones are dashed, the store is left out', async (t) => {
  const svg = renderMemory(
    samplesOf([{ process: 'server' }, { process: 'control/dns' }, { process: 'worker-1/dns' }, { process: 'store' }]),
    'title',
  );
  const strokes = [...svg.matchAll(/<path class="l" stroke="([^"]+)"( stroke-dasharray="[^"]+")? d/g)].map(
    ([, colour, dash]) => [colour, dash !== undefined],
  );
  t.equal(strokes.length, 3);
  t.strictSame(
    strokes.map(([, dashed]) => dashed),
    [false, false, true],
  );
  t.equal(strokes[1]![0], strokes[2]![0]);
  t.not(strokes[0]![0], strokes[1]![0]);
  t.match(svg, '>minutes<');
});
