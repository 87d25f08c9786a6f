// A file by which a kubelet that starts again knows what it decided before. The text is made when it is written, so changes during a write lead
// to exactly one more.
import { readFile } from 'node:fs/promises';
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { writePrivate } from '../../controlplane/pki/files';

export interface StateFileDeps {
  readonly path: string;
  readonly log: Logger;
  /** What is kept, as the start of a log line: image pulls, allocated resources. */
  readonly what: string;
  /** The whole content, now. */
  readonly text: () => string;
}

export class StateFile {
  private writing: Promise<void> | undefined;
  private changed = false;

  constructor(private readonly deps: StateFileDeps) {}

  save(): void {
    this.changed = true;
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** Resolves when the file shows all changes so far, or cannot be written: that is logged. */
  async saved(): Promise<void> {
    while (this.writing) await this.writing;
  }

  private async write(): Promise<void> {
    const { path, log, what, text } = this.deps;
    // Changes that come at the same time share one write.
    await Promise.resolve();
    while (this.changed) {
      this.changed = false;
      try {
        await writePrivate(path, text());
      } catch (error) {
        log.warn(`${what} are not stored; the next change tries again`, { path, error: describeError(error) });
      }
    }
  }
}

/**
 * What `parse` makes of the text; undefined when there is no file. One that is damaged counts as missing, and is logged with `effect`: what
 * follows from it.
 */
export async function readState<T>(
  { path, log, effect }: { readonly path: string; readonly log: Logger; readonly effect: string },
  parse: (text: string) => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn(`a file is not readable; ${effect}`, { path, error });
    return undefined;
  }
}
