// What hack/soak records: one line of CSV for each process and time. Pure.
import { BadRequest } from '../../controlplane/base/errors';

export interface Sample {
  /** Seconds since the load began. */
  readonly atSeconds: number;
  /** As the supervisor names it: server, worker-1/kubelet; `store` for the files of the store. */
  readonly process: string;
  /** Another pid means that the process was started again; 0 for the store. */
  readonly pid: number;
  /** Resident memory; for the store, the size of its files. */
  readonly residentBytes: number;
  /** Used heap of Node.js, where it was read at this time. */
  readonly heapBytes?: number;
  readonly files: number;
  /** CPU time since the process began. */
  readonly cpuSeconds: number;
}

export const storeName = 'store';

const head = 'seconds,process,pid,resident_bytes,heap_bytes,open_files,cpu_seconds';

export const renderSample = (sample: Sample): string =>
  [
    Math.round(sample.atSeconds * 10) / 10,
    sample.process,
    sample.pid,
    sample.residentBytes,
    sample.heapBytes ?? '',
    sample.files,
    Math.round(sample.cpuSeconds * 100) / 100,
  ].join(',');

export const renderSamples = (samples: readonly Sample[]): string =>
  `${[head, ...samples.map(renderSample)].join('\n')}\n`;

/** @throws BadRequest that names the line */
export function parseSamples(text: string): readonly Sample[] {
  const [first, ...lines] = text.trimEnd().split('\n');
  if (first !== head) throw new BadRequest(`the first line of the samples is not ${head}`);
  return lines.map((line, i) => {
    const [at, process = '', pid, resident, heap, files, cpu, ...more] = line.split(',');
    const numbers = [at, pid, resident, heap, files, cpu].map(Number);
    if (more.length > 0 || cpu === undefined || numbers.some((value) => !Number.isFinite(value))) {
      throw new BadRequest(`line ${i + 2} of the samples is not a sample: ${line}`);
    }
    const [atSeconds, pidNumber, residentBytes, heapBytes, fileCount, cpuSeconds] = numbers as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      atSeconds,
      process,
      pid: pidNumber,
      residentBytes,
      ...(heap === '' ? {} : { heapBytes }),
      files: fileCount,
      cpuSeconds,
    };
  });
}

/** The samples of each process, in the order in which the processes first appear. */
export function byProcess(samples: readonly Sample[]): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Sample[]>();
  for (const sample of samples) {
    const list = found.get(sample.process);
    if (list) list.push(sample);
    else found.set(sample.process, [sample]);
  }
  return found;
}
