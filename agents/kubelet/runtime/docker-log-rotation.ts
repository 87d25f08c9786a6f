// Whether Docker's follower of a json-file log has jumped over lines. Docker rotates LOG to LOG.1, LOG.1 to LOG.2, and so on. Its follower
// reads one open file to the end and then opens LOG: while a slow reader keeps it in an old file, whole files pass by unread. So the
// kubelet looks at the same files: the last line of each file that was rotated must come before any later line.
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export class LogRotations {
  /** Identity of the file that was LOG at the last look. */
  private current: string | undefined;
  /** Times of the last lines of the files that were rotated since the log was opened, oldest first. */
  private ends: string[] = [];

  /** Without a path nothing is checked. */
  constructor(private readonly path: string | undefined) {}

  /** Call this before the log is opened. Docker then sends all files that exist now, in order. */
  async start(): Promise<void> {
    this.ends = [];
    this.current = undefined;
    if (this.path === undefined) return;
    // For a moment in a rotation there is no LOG.
    for (let i = 0; i < 10 && this.current === undefined; i++) {
      if (i > 0) await sleep(10);
      this.current = await identity(this.path);
    }
  }

  /** Call this between the arrival of lines and their check: Docker wrote them before now. `last` is the time of the last line given. */
  async look(last: string): Promise<void> {
    if (this.current === undefined) return;
    // Without LOG a rotation is under way, and no line is in the new file yet.
    const now = await identity(this.path!);
    if (now === undefined || now === this.current) return;
    const files = await filesSince(this.path!, this.current);
    this.current = files.current;
    // An end before the last line says that a clock was set back. Then times do not show the order.
    this.ends.push(...files.ends.filter((end) => end > last && !this.ends.includes(end)));
  }

  /** Whether the end of a rotated file has not come yet. */
  get pending(): boolean {
    return this.ends.length > 0;
  }

  /** Whether lines are missing between the last line that was given and a new one. Both are given by their times. */
  isGap(last: string, time: string): boolean {
    if (this.ends[0] === last) this.ends.shift();
    return this.ends[0] !== undefined && time > this.ends[0];
  }
}

async function identity(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && identityOf(info);
}

/** A file system uses the number of a deleted file again at once, so the time of creation belongs to the identity. */
const identityOf = (info: { dev: bigint; ino: bigint; birthtimeNs: bigint }): string =>
  `${info.dev}:${info.ino}:${info.birthtimeNs}`;

interface Files {
  /** Identity of LOG. */
  readonly current: string | undefined;
  /** Times of the last lines of the other files, oldest first. */
  readonly ends: string[];
}

/** The files from the one with this identity on, or all when it was deleted. */
async function filesSince(path: string, oldest: string): Promise<Files> {
  for (let attempt = 0; ; attempt++) {
    const current = await identity(path);
    const ends: string[] = [];
    for (let i = 1; ; i++) {
      const file = await lastLine(`${path}.${i}`);
      if (!file) break;
      if (file.time !== undefined) ends.unshift(file.time);
      if (file.identity === oldest) break;
    }
    // The names moved if there was one more rotation meanwhile.
    if ((await identity(path)) === current || attempt === 3) return { current, ends };
  }
}

async function lastLine(
  path: string,
): Promise<{ readonly identity: string; readonly time: string | undefined } | undefined> {
  const file = await open(path).catch(() => undefined);
  if (!file) return undefined;
  try {
    const info = await file.stat({ bigint: true });
    return { identity: identityOf(info), time: timeAtEnd(await tail(file, Number(info.size))) };
  } finally {
    await file.close();
  }
}

/** The time is at the end of a line, and shorter than this. */
const tailLength = 128;

async function tail(file: FileHandle, size: number): Promise<string> {
  const length = Math.min(size, tailLength);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString('latin1', 0, bytesRead);
}

/** Docker leaves out the zeros at the end of the time in a file, and writes nine digits in an answer. */
export function timeAtEnd(text: string): string | undefined {
  const [, seconds, , fraction = ''] = timeForm.exec(text) ?? [];
  return seconds === undefined ? undefined : `${seconds}.${fraction.padEnd(9, '0')}Z`;
}

const timeForm = /"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.(\d{1,9}))?Z"\}\n$/;
