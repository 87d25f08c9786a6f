// When the volumes of one pod are set up: at the start, after a change of their content, and when a token is due for renewal.
import type { Pod } from '../../../controlplane/api';
import type { NodeFacts } from '../spec/field-ref';
import { VolumesFailed } from '../volumes/failures';
import type { PodDeps } from './deps';

export interface VolumeScheduleDeps extends Pick<PodDeps, 'clock'> {
  readonly volumes: Pick<PodDeps['volumes'], 'setUp' | 'watchReferences'>;
}

/** As upstream: after this time with failures, each time, an Event says which volumes are missing. */
const lateAfterMs = 123_000;

export class VolumeSchedule {
  private waitsSinceMs: number | undefined;
  /** False when the volumes are set up and their content has not changed since. */
  private due = true;
  private refreshAtMs: number | undefined;
  private shown = '';

  constructor(private readonly deps: VolumeScheduleDeps) {}

  /** The content of the volumes may have changed. */
  changed(): void {
    this.due = true;
  }

  /**
   * Takes the pod's current object: downward-API volumes show its labels and annotations, and ephemeral containers that are added later
   * may refer to further objects.
   */
  observe({ metadata, spec }: Pod): void {
    const added = spec?.ephemeralContainers?.map(({ name }) => name);
    const shown = JSON.stringify([metadata?.labels, metadata?.annotations, added]);
    if (shown !== this.shown) this.due = true;
    this.shown = shown;
  }

  /** Resolves to the time at which the volumes must be set up again, if any. @throws what PodVolumes.setUp throws */
  async setUp(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<number | undefined> {
    const { volumes, clock } = this.deps;
    if (!this.due && (this.refreshAtMs === undefined || this.refreshAtMs > clock.now())) return this.refreshAtMs;
    // Before the work, so that a change during the work causes another one.
    this.due = false;
    try {
      await volumes.watchReferences(pod, signal);
      this.refreshAtMs = await volumes.setUp(pod, facts, signal);
      this.waitsSinceMs = undefined;
      return this.refreshAtMs;
    } catch (err) {
      this.due = true;
      throw this.isLate() && err instanceof VolumesFailed ? err.late() : err;
    }
  }

  private isLate(): boolean {
    const now = this.deps.clock.now();
    this.waitsSinceMs ??= now;
    if (now - this.waitsSinceMs < lateAfterMs) return false;
    this.waitsSinceMs = now;
    return true;
  }
}
