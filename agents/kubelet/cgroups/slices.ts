// With Docker's cgroup driver systemd the groups of pods are systemd's slices, which it makes when a container starts in them. It does not
// stop an empty slice by itself. One call stops the slices of all pods that have ended within a second.
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Exec } from '../../../dataplane/exec/exec';

const waitMs = 1000;
const timeoutMs = 20_000;

export class Slices {
  private waiting: string[] = [];

  constructor(private readonly deps: { readonly exec: Exec; readonly clock: Clock; readonly log: Logger }) {}

  /** Resolves at once. A slice that systemd does not know is no error. */
  stop(slice: string): void {
    this.waiting.push(slice);
    if (this.waiting.length > 1) return;
    this.deps.clock.after(waitMs, () => {
      const slices = this.waiting;
      this.waiting = [];
      this.deps.exec.run(['systemctl', 'stop', '--no-block', ...slices], { timeoutMs }).catch((error: unknown) => {
        this.deps.log.info('systemd did not stop the slices of pods', { slices: slices.length, error });
      });
    });
  }
}
