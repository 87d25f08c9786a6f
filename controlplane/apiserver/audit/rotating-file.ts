// The audit log as a file that is rotated by size and old parts of which are deleted by number and age. One caller at a time writes.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

export interface Rotation {
  /** The file is renamed before it would become larger. */
  readonly maxBytes: number;
  /** How many renamed files are kept; 0: all. */
  readonly maxBackups: number;
  /** How long renamed files are kept; 0: forever. */
  readonly maxAgeMs: number;
}

/** Takes text; resolves when the kernel has it. */
export interface LogWriter {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export class RotatingFile implements LogWriter {
  private file: FileHandle | undefined;
  private size = 0;

  constructor(
    private readonly path: string,
    private readonly rotation: Rotation,
    private readonly now: () => number,
  ) {}

  /** Opens the file, so that a wrong path is an error at the start. @throws NodeJS.ErrnoException */
  async open(): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const { O_APPEND, O_CREAT, O_WRONLY } = constants;
    this.file = await open(this.path, O_APPEND | O_CREAT | O_WRONLY, 0o600);
    this.size = (await this.file.stat()).size;
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    if (this.size > 0 && this.size + bytes.length > this.rotation.maxBytes) await this.rotate();
    if (!this.file) await this.open();
    await this.file!.appendFile(bytes);
    this.size += bytes.length;
  }

  async close(): Promise<void> {
    const file = this.file;
    this.file = undefined;
    await file?.close();
  }

  private async rotate(): Promise<void> {
    await this.close();
    await rename(this.path, await this.freeName());
    this.size = 0;
    await this.deleteOld();
  }

  /** The name contains the time, so that names sort by age. Two rotations may fall into one millisecond. */
  private async freeName(): Promise<string> {
    const there = new Set(await readdir(dirname(this.path)));
    for (let ms = this.now(); ; ms++) {
      const time = new Date(ms).toISOString().replaceAll(':', '-').slice(0, -1);
      const name = `${this.stem}${time}${extname(this.path)}`;
      if (!there.has(name)) return join(dirname(this.path), name);
    }
  }

  private get stem(): string {
    return `${basename(this.path, extname(this.path))}-`;
  }

  private async deleteOld(): Promise<void> {
    const { maxBackups, maxAgeMs } = this.rotation;
    const end = extname(this.path);
    const backups = (await readdir(dirname(this.path)))
      .filter((name) => name.startsWith(this.stem) && name.endsWith(end))
      .map((name) => ({ name, at: readTime(name.slice(this.stem.length, name.length - end.length)) }))
      .filter(({ at }) => !Number.isNaN(at))
      .sort((a, b) => b.at - a.at);
    const old = backups.filter(
      ({ at }, i) => (maxBackups > 0 && i >= maxBackups) || (maxAgeMs > 0 && at < this.now() - maxAgeMs),
    );
    for (const { name } of old) await rm(join(dirname(this.path), name), { force: true });
  }
}

/** NaN for a name of another file. */
function readTime(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(text);
  return match ? Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4]}Z`) : Number.NaN;
}
