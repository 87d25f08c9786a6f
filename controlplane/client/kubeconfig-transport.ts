// The transport of a process that runs longer than its certificate is valid: when its kubeconfig is replaced, later requests use
// the new file. Answers under way, watches too, end on the connection they began on.
import { stat } from 'node:fs/promises';
import { type Clock, systemClock } from '../base/clock';
import type { Request, Response, Transport } from './client';
import { HttpsTransport } from './https-transport';
import { loadKubeconfig } from './kubeconfig';

/** The transport checks the file before a request if its last check is older than this: one stat per request would be waste. */
const checkMs = 10_000;

export class KubeconfigTransport implements Transport {
  private checkedAtMs: number;

  private constructor(
    private readonly path: string,
    private current: HttpsTransport,
    private seen: string,
    private readonly clock: Pick<Clock, 'elapsed'>,
  ) {
    this.checkedAtMs = clock.elapsed();
  }

  /** Reads the file but opens no connection yet. @throws BadRequest naming the file and its fault */
  static async open(path: string, clock: Pick<Clock, 'elapsed'> = systemClock): Promise<KubeconfigTransport> {
    // The stamp first: a file that is replaced between the two steps is read again, so no replacement is missed.
    const seen = await stampOf(path);
    return new KubeconfigTransport(path, new HttpsTransport(await loadKubeconfig(path)), seen, clock);
  }

  get host(): string {
    return this.current.host;
  }

  async send(request: Request): Promise<Response> {
    if (this.clock.elapsed() - this.checkedAtMs >= checkMs) await this.refresh();
    return this.current.send(request);
  }

  close(): void {
    this.current.close();
  }

  /** A file that is missing or unreadable changes nothing: the credentials read before may still be valid. */
  private async refresh(): Promise<void> {
    this.checkedAtMs = this.clock.elapsed();
    const stamp = await stampOf(this.path);
    if (stamp === '' || stamp === this.seen) return;
    const options = await loadKubeconfig(this.path).catch(() => undefined);
    if (!options) return;
    this.seen = stamp;
    this.current.retire();
    this.current = new HttpsTransport(options);
  }
}

/** Differs when the file was replaced or written; '' when there is none. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return '';
  }
}
