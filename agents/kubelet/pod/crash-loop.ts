// When a container that ended may start again: 10 s after the first restart, then doubling up to 5 minutes. The delay is reset after the
// container ran, or did not run, for 10 minutes. Source: kubernetes.io "Pod Lifecycle", container restarts.

const initialMs = 10_000;
const maxMs = 300_000;
const resetMs = 600_000;

interface Entry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

export class CrashLoop {
  private readonly entries = new Map<string, Entry>();

  /** Earliest time of the next start of a container that ended at `finishedAtMs`; 0 when it may start at once. */
  notBefore(key: string, finishedAtMs: number): number {
    const entry = this.entries.get(key);
    if (!entry || finishedAtMs - entry.updatedMs > resetMs) return 0;
    return finishedAtMs + entry.delayMs;
  }

  /** Records a start after an end: the next start has to wait longer. */
  restarted(key: string, now: number): void {
    const entry = this.entries.get(key);
    const fresh = !entry || now - entry.updatedMs > resetMs;
    this.entries.set(key, { delayMs: fresh ? initialMs : Math.min(maxMs, entry.delayMs * 2), updatedMs: now });
  }

  delayMs(key: string): number {
    return this.entries.get(key)?.delayMs ?? initialMs;
  }

  forgetPod(podUid: string): void {
    for (const key of this.entries.keys()) if (key.startsWith(`${podUid}/`)) this.entries.delete(key);
  }
}

export const crashLoopKey = (podUid: string, container: string): string => `${podUid}/${container}`;

/** Seconds in the format of Go: 10s, 2m40s, 5m0s. */
export function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
