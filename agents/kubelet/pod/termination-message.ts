// The last words of an ended container: its termination message file, or the end of its log.
import { readFileSync } from 'node:fs';
import type { Pod } from '../../../controlplane/api';
import { labels } from '../runtime/labels';
import type { ContainerRecord, ContainerRuntime } from '../runtime/runtime';

const maxFileBytes = 4096;
const maxLogLines = 80;
const maxLogBytes = 2048;

export class TerminationMessages {
  private readonly known = new Map<string, string>();

  constructor(private readonly runtime: ContainerRuntime) {}

  get(id: string): string | undefined {
    return this.known.get(id) || undefined;
  }

  /** Reads what ended containers have left; `changed` is called when a log had to be asked for and said something. */
  collect(pod: Pod, records: readonly ContainerRecord[], changed: () => void): void {
    for (const record of records) {
      if (record.state !== 'exited' || this.known.has(record.id)) continue;
      const text = readMessage(record.labels[labels.terminationLog]);
      this.known.set(record.id, text);
      const name = record.labels[labels.containerName];
      const container = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
        (each) => each.name === name,
      );
      const fallback = container?.terminationMessagePolicy === 'FallbackToLogsOnError';
      if (text === '' && fallback && record.exitCode !== 0) {
        // A log that cannot be read leaves the message empty.
        void this.fromLog(record.id).then(changed, () => {});
      }
    }
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) this.known.delete(id);
  }

  private async fromLog(id: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const { data } of this.runtime.logs(id, { tailLines: maxLogLines })) chunks.push(data);
    this.known.set(id, Buffer.concat(chunks).subarray(-maxLogBytes).toString('utf8'));
  }
}

/** Read in place: a few bytes of a local file, and the status that needs them is being made. */
function readMessage(path: string | undefined): string {
  if (!path) return '';
  try {
    return readFileSync(path).subarray(0, maxFileBytes).toString('utf8');
  } catch {
    // Gone with its pod's folder: nothing was left.
    return '';
  }
}
