// When the volumes of one pod are set up: at first, after a change of what they show, and when a token is due for renewal.
import type { Pod } from '../../../controlplane/api';
import type { NodeFacts } from '../spec/field-ref';
import type { PodDeps } from './deps';

export interface VolumeScheduleDeps extends Pick<PodDeps, 'clock'> {
  readonly volumes: Pick<PodDeps['volumes'], 'setUp' | 'watchReferences'>;
}

export class VolumeSchedule {
  /** False once the volumes are set up and nothing they show has changed since. */
  private due = true;
  private refreshAtMs: number | undefined;
  private shown = '';

  constructor(private readonly deps: VolumeScheduleDeps) {}

  /** Something that the volumes show has changed, or may have. */
  changed(): void {
    this.due = true;
  }

  /** The pod as the API has it now: downward-API volumes show its labels and annotations. */
  observe({ metadata }: Pod): void {
    const shown = JSON.stringify([metadata?.labels, metadata?.annotations]);
    if (shown !== this.shown) this.due = true;
    this.shown = shown;
  }

  /** Resolves to the time at which the volumes must be looked at again, if any. @throws what PodVolumes.setUp throws */
  async setUp(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<number | undefined> {
    const { volumes, clock } = this.deps;
    if (!this.due && (this.refreshAtMs === undefined || this.refreshAtMs > clock.now())) return this.refreshAtMs;
    // Before the work: a change during the work may come too late for it, and then leads to another one.
    this.due = false;
    try {
      await volumes.watchReferences(pod, signal);
      this.refreshAtMs = await volumes.setUp(pod, facts, signal);
      return this.refreshAtMs;
    } catch (err) {
      this.due = true;
      throw err;
    }
  }
}
