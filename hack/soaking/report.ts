// From samples to the table, the figures and the plot of a soak. Pure.
import { type Judgement, judgeFlat } from './flat';
import { type Line, renderPlot } from './plot';
import { byProcess, type Sample, storeName } from './samples';

export interface Verdict {
  readonly process: string;
  /** How often another process took its place during the samples. Only the last one is judged. */
  readonly restarts: number;
  /** Of one core, over all samples. */
  readonly cpuShare: number;
  readonly memory: Judgement;
  readonly heap?: Judgement;
  readonly files: Judgement;
}

const mebibyte = 1024 * 1024;
/** Growth below this is flat: the allocators of Node.js and of Go take memory from the kernel in larger pieces. */
const leastBytes = 2 * mebibyte;
/** Connections come and go with requests. */
const leastFiles = 4;

export function judgeSamples(samples: readonly Sample[]): readonly Verdict[] {
  return [...byProcess(samples)].map(([process, list]) => {
    const lives = [...new Set(list.map(({ pid }) => pid))];
    const last = list.filter(({ pid }) => pid === lives.at(-1));
    const points = (value: (sample: Sample) => number | undefined) =>
      last.flatMap((sample) => {
        const of = value(sample);
        return of === undefined ? [] : [{ at: sample.atSeconds, value: of }];
      });
    const heap = points(({ heapBytes }) => heapBytes);
    const seconds = last.at(-1)!.atSeconds - last[0]!.atSeconds;
    return {
      process,
      restarts: lives.length - 1,
      cpuShare: seconds > 0 ? (last.at(-1)!.cpuSeconds - last[0]!.cpuSeconds) / seconds : 0,
      memory: judgeFlat(
        points(({ residentBytes }) => residentBytes),
        { least: leastBytes },
      ),
      ...(heap.length === 0 ? {} : { heap: judgeFlat(heap, { least: leastBytes }) }),
      files: judgeFlat(
        points(({ files }) => files),
        { least: leastFiles },
      ),
    };
  });
}

/** Whether a process grows, in memory or open files. The store is not judged: it keeps Events for an hour. */
export const isFlat = (verdicts: readonly Verdict[]): boolean =>
  verdicts
    .filter(({ process }) => process !== storeName)
    .every(({ memory, files }) => memory.verdict !== 'grows' && files.verdict !== 'grows');

const inMiB = (bytes: number): string => (bytes / mebibyte).toFixed(1);

/** One row for each process; memory in MiB. */
export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const head = [
    'process',
    'first',
    'half 1',
    'half 2',
    'max',
    'growth',
    'noise',
    'memory',
    'heap 1',
    'heap 2',
    'files',
    '',
    'CPU',
    'restarts',
  ];
  const rows = verdicts.map(({ process, memory, heap, files, cpuShare, restarts }) => [
    process,
    inMiB(memory.first),
    inMiB(memory.median1),
    inMiB(memory.median2),
    inMiB(memory.max),
    inMiB(memory.growth),
    inMiB(memory.noise),
    memory.verdict,
    heap ? inMiB(heap.median1) : '',
    heap ? inMiB(heap.median2) : '',
    process === storeName ? '' : `${Math.round(files.median1)} ${Math.round(files.median2)}`,
    process === storeName ? '' : files.verdict,
    process === storeName ? '' : `${(cpuShare * 100).toFixed(1)} %`,
    process === storeName ? '' : String(restarts),
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((cells) => cells[i]!.length)));
  return all
    .map(
      (cells) =>
        `${cells
          .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The resident memory of each process over time. Processes of one kind share a colour; those of later nodes are dashed. */
export function renderMemory(samples: readonly Sample[], title: string): string {
  const found = [...byProcess(samples)].filter(([process]) => process !== storeName);
  const kindOf = (process: string) => process.split('/').at(-1)!;
  const kinds = [...new Set(found.map(([process]) => kindOf(process)))];
  const seen = new Set<string>();
  const inHours = (samples.at(-1)?.atSeconds ?? 0) >= 3 * 3600;
  const lines = found.map(([process, list]): Line => {
    const kind = kindOf(process);
    const dashed = seen.has(kind);
    seen.add(kind);
    return {
      name: process,
      colour: kinds.indexOf(kind),
      dashed,
      points: list.map(({ atSeconds, residentBytes }) => ({
        x: atSeconds / (inHours ? 3600 : 60),
        y: residentBytes / mebibyte,
      })),
    };
  });
  return renderPlot({ title, xLabel: inHours ? 'hours' : 'minutes', yLabel: 'resident memory, MiB', lines });
}
