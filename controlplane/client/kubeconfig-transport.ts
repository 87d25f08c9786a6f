// The transport of a process that lives longer than its certificate: when its kubeconfig is replaced, requests from then on go
// out with what the new file says. Answers under way, watches too, end on the connection they began on.
import { stat } from 'node:fs/promises';
import { type Clock, systemClock } from '../base/clock';
import type { Request, Response, Transport } from './client';
import { HttpsTransport } from './https-transport';
import { loadKubeconfig } from './kubeconfig';

/** The file is looked at before a request when that was not done for this long: a stat each would be waste. */
const checkMs = 10_000;

export class KubeconfigTransport implements Transport {
  private checkedAtMs: number;

  private constructor(
    private readonly path: string,
    private current: HttpsTransport,
    private seen: string,
    private readonly clock: Pick<Clock, 'now'>,
  ) {
    this.checkedAtMs = clock.now();
  }

  /** Reads the file but opens no connection yet. @throws BadRequest naming the file and what is wrong in it */
  static async open(path: string, clock: Pick<Clock, 'now'> = systemClock): Promise<KubeconfigTransport> {
    // The stamp first: a file replaced between the two is read again, and none is missed.
    const seen = await stampOf(path);
    return new KubeconfigTransport(path, new HttpsTransport(await loadKubeconfig(path)), seen, clock);
  }

  async send(request: Request): Promise<Response> {
    if (this.clock.now() - this.checkedAtMs >= checkMs) await this.refresh();
    return this.current.send(request);
  }

  close(): void {
    this.current.close();
  }

  /** A file that is gone or cannot be read changes nothing: what was read before may still be good. */
  private async refresh(): Promise<void> {
    this.checkedAtMs = this.clock.now();
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
