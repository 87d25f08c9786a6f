// The starts of one pod's containers: which are running, when each may be repeated, and the waiting reason until then.
import type { Pod } from '../../../controlplane/api';
import type { PodIdentity } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { formatPod } from '../spec/container-spec';
import { aboutContainer } from './container-event';
import { crashLoopKey, formatDelay } from './crash-loop';
import type { PodDeps } from './deps';
import type { StartFailure } from './starter';
import type { WaitingReason } from './status-input';

export interface ContainerStartsDeps extends Pick<PodDeps, 'crashLoop' | 'clock'> {
  readonly events: Pick<PodDeps['events'], 'record'>;
}

export class ContainerStarts {
  private readonly underWay = new Set<string>();
  private readonly reasons = new Map<string, WaitingReason>();
  private readonly retryAt = new Map<string, number>();

  /** `changed` is called when a waiting reason in the status may have changed. */
  constructor(
    private readonly deps: ContainerStartsDeps,
    private readonly identity: PodIdentity,
    private readonly changed: () => void,
  ) {}

  /** Why containers do not run, by name. */
  get waiting(): ReadonlyMap<string, WaitingReason> {
    return this.reasons;
  }

  /** When the first of the failed starts is repeated, in ms since the epoch; undefined when none has failed. */
  get retryAtMs(): number | undefined {
    return this.retryAt.size === 0 ? undefined : Math.min(...this.retryAt.values());
  }

  /** Earliest time of the next start of a container whose last run is `last`; 0 when it may start at once. */
  notBefore(name: string, last: ContainerRecord | undefined): number {
    const retry = this.retryAt.get(name) ?? 0;
    if (last?.state !== 'exited') return retry;
    return Math.max(retry, this.deps.crashLoop.notBefore(this.key(name), last.finishedAtMs ?? 0));
  }

  isUnderWay(name: string): boolean {
    return this.underWay.has(name);
  }

  /** A start begins. After a run that ended, the next start has to wait longer. */
  begins(name: string, last: ContainerRecord | undefined): void {
    if (last?.state === 'exited') this.deps.crashLoop.restarted(this.key(name), this.deps.clock.now());
    this.underWay.add(name);
  }

  succeeded(name: string): void {
    this.reasons.delete(name);
    this.retryAt.delete(name);
  }

  /** True when the start may be repeated at once. */
  failed(name: string, { waiting, retryAtMs }: StartFailure): boolean {
    this.reasons.set(name, waiting);
    if (retryAtMs <= this.deps.clock.now()) return true;
    this.retryAt.set(name, retryAtMs);
    return false;
  }

  /** A start is over, with success or without. */
  ended(name: string): void {
    this.underWay.delete(name);
    this.changed();
  }

  /** The plan delays these containers because they ended: the status and one Event per delay say so. */
  heldBack(pod: Pod, names: readonly string[]): void {
    for (const name of names) {
      if (this.retryAt.has(name) || this.reasons.get(name)?.reason === 'CrashLoopBackOff') continue;
      const delay = formatDelay(this.deps.crashLoop.delayMs(this.key(name)));
      const where = formatPod(this.identity);
      const message = `back-off ${delay} restarting failed container=${name} pod=${where}`;
      this.reasons.set(name, { reason: 'CrashLoopBackOff', message });
      const text = `Back-off restarting failed container ${name} in pod ${where}`;
      this.deps.events.record(pod, 'Warning', 'BackOff', text, aboutContainer(pod, name));
      this.changed();
    }
  }

  /** Repeats failed starts at once, because an object that they need has changed. */
  retryNow(): void {
    this.retryAt.clear();
  }

  /** The pod has been removed from this node. */
  forget(): void {
    this.deps.crashLoop.forgetPod(this.identity.uid);
  }

  private key(container: string): string {
    return crashLoopKey(this.identity.uid, container);
  }
}
