// When the volumes of one pod are set up again: after a change of what they show, and when a token is due.
import type { Pod } from '../../../controlplane/api';
import type { NodeFacts } from '../spec/field-ref';
import type { PodDeps } from './deps';

export class VolumeSync {
  /** False once volumes are set up and nothing they show has changed since. */
  private due = true;
  private refreshAtMs: number | undefined;
  private shown = '';

  constructor(private readonly deps: Pick<PodDeps, 'volumes' | 'clock'>) {}

  /** Something that the volumes show has changed, or may have. */
  changed(): void {
    this.due = true;
  }

  /** The pod as the API has it now: its volumes may show labels and annotations, which its containers cannot know otherwise. */
  observe({ metadata }: Pod): void {
    const shown = JSON.stringify([metadata?.labels, metadata?.annotations]);
    if (shown !== this.shown) this.due = true;
    this.shown = shown;
  }

  /** Resolves to the time at which the volumes must be looked at again, if any. @throws what PodVolumes.setUp throws */
  async setUp(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<number | undefined> {
    const { volumes, clock } = this.deps;
    if (!this.due && (this.refreshAtMs === undefined || this.refreshAtMs > clock.now())) return this.refreshAtMs;
    // Before the work: a change that comes while it is under way may be too late for it, and must make it happen once more.
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
