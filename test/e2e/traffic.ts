// Outside clients of the demo, while the test disturbs the cluster.
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './cluster';

/** Requests to the NodePort of every node, one after the other, until the caller stops them. */
export class Traffic {
  private stopped = false;
  private requests = 0;
  private readonly failures: string[] = [];
  private readonly done: Promise<unknown>;

  constructor(ips: readonly string[]) {
    this.done = Promise.all(ips.map((ip) => this.loop(ip)));
  }

  async end(): Promise<{ requests: number; failures: readonly string[] }> {
    this.stopped = true;
    await this.done;
    return { requests: this.requests, failures: this.failures };
  }

  private async loop(ip: string): Promise<void> {
    while (!this.stopped) {
      this.requests++;
      await ask(`http://${ip}:30080/`).catch((err: unknown) => this.failures.push(`${ip}: ${err}`));
      await sleep(50);
    }
  }
}
