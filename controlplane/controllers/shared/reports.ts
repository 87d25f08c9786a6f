// Events about claims that wait. A claim is looked at whenever something changes that may help it; its Event is written only when it says
// something else, or when some time has passed: Events are deleted after an hour, and the claim still waits then. Upstream writes one
// each 15 s.
import type { KubeObject } from '../../api/types';
import type { Clock } from '../../base/clock';
import type { EventRecorder } from '../../client/event-recorder';

/** What an Event says. */
export interface Report {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Less than the life of an Event. */
export const repeatMs = 30 * 60_000;

export class Reports {
  private readonly last = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(
    private readonly recorder: EventRecorder,
    private readonly clock: Clock,
  ) {}

  /** Returns after how many milliseconds the key must be looked at again. */
  record(key: string, object: KubeObject, { type, reason, message }: Report): number {
    const now = this.clock.now();
    const text = `${object.metadata?.uid} ${reason} ${message}`;
    const last = this.last.get(key);
    if (last?.text === text && now - last.at < repeatMs) return last.at + repeatMs - now;
    this.last.set(key, { text, at: now });
    this.recorder.record(object, type, reason, message);
    return repeatMs;
  }

  forget(key: string): void {
    this.last.delete(key);
  }
}
