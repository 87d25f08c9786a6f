// The termination message of an ended container: its termination message file, or the end of its log. The container controls
// the size of both, so the kubelet reads a limited number of bytes for a limited time.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Pod } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import { describeError } from '../../../controlplane/base/errors';
import { labels } from '../runtime/labels';
import type { ContainerRecord, ContainerRuntime } from '../runtime/runtime';
import { findContainer } from '../spec/container';

// As upstream.
const maxFileBytes = 4096;
const maxLogLines = 80;
const maxLogBytes = 2048;
/** A runtime that does not answer must not hold back the status of the pod. */
const logLimitMs = 10_000;

export interface TerminationMessagesDeps {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
}

export class TerminationMessages {
  private readonly known = new Map<string, string>();
  private readonly reading = new Map<string, Promise<void>>();

  /** `changed` is called after messages that collect() began to read have been read. */
  constructor(
    private readonly deps: TerminationMessagesDeps,
    private readonly changed: () => void = () => {},
  ) {}

  get(id: string): string | undefined {
    return this.known.get(id) || undefined;
  }

  /** The record that the status may show: an ended container counts as running until its message is known. */
  shown(record: ContainerRecord): ContainerRecord {
    return this.reading.has(record.id) ? { ...record, state: 'running' } : record;
  }

  /** Begins to read messages of ended containers. Undefined when all are known, else resolves when they are; never rejects. */
  collect(pod: Pod, records: readonly ContainerRecord[]): Promise<void> | undefined {
    for (const record of records) {
      const { id } = record;
      if (record.state !== 'exited' || this.known.has(id) || this.reading.has(id)) continue;
      const done = this.read(pod, record).then((text) => {
        // A container that was forgotten meanwhile needs no message.
        if (this.reading.delete(id)) this.known.set(id, text);
        if (this.reading.size === 0) this.changed();
      });
      this.reading.set(id, done);
    }
    return this.reading.size === 0 ? undefined : Promise.all(this.reading.values()).then(() => {});
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.known.delete(id);
      this.reading.delete(id);
    }
  }

  private async read(pod: Pod, record: ContainerRecord): Promise<string> {
    // A container that was never started has no message.
    if (record.startError !== undefined) return '';
    const text = await readMessageFile(record.labels[labels.terminationLog]);
    if (text !== '' || record.exitCode === 0) return text;
    const name = record.labels[labels.containerName];
    const container = findContainer(pod, name ?? '');
    return container?.terminationMessagePolicy === 'FallbackToLogsOnError' ? this.endOfLog(record.id) : '';
  }

  private async endOfLog(id: string): Promise<string> {
    const { runtime, clock } = this.deps;
    const limit = new AbortController();
    const cancel = clock.after(logLimitMs, () => limit.abort(new Error('the log was not read in time')));
    let end = Buffer.alloc(0);
    try {
      for await (const { data } of runtime.logs(id, { tailLines: maxLogLines, signal: limit.signal })) {
        end = Buffer.concat([end, data.subarray(-maxLogBytes)]).subarray(-maxLogBytes);
      }
      return end.toString('utf8');
    } catch (err) {
      return `Error on reading termination message from logs: ${describeError(err)}`;
    } finally {
      cancel();
    }
  }
}

/** The end of the file; '' when there is none. */
export async function readMessageFile(path: string | undefined): Promise<string> {
  if (!path) return '';
  try {
    // To open a FIFO may block, and to open a device may have an effect.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = await file.stat();
      if (!info.isFile()) throw new Error('not a regular file');
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(Math.min(info.size, maxFileBytes)),
        position: Math.max(0, info.size - maxFileBytes),
      });
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (err) {
    // The pod's folder was deleted, and the message with it.
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return '';
    return `Error on reading termination log ${path}: ${describeError(err)}`;
  }
}
