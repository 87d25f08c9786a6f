// Time as a port, so that tests decide what time it is.
import { eventLoop, type Work } from './event-loop';

/** Milliseconds since the epoch, and timers that an AbortSignal ends. */
export interface Clock {
  now(): number;
  /**
   * Milliseconds since some moment. It never goes back and has no steps, as now() has when someone sets the machine's clock; it stands
   * still while the machine sleeps. A duration that this process measures itself is a difference of two of these.
   */
  elapsed(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms`; the returned function cancels it and may be called any number of times. */
  after(ms: number, fn: () => void): () => void;
}

/** A timer's callback marks its own work in the event loop if the work is long. */
const timer: Work = { kind: 'timer', describe: () => ({}) };

/** The longest delay of a timer in Node.js, 24 days; a timer with a longer delay fires at once. */
const longestMs = 2 ** 31 - 1;

/** Returns a function that cancels the timer. */
function arm(ms: number, fn: () => void): () => void {
  let handle: NodeJS.Timeout;
  const step = (leftMs: number) => {
    handle = setTimeout(
      () => {
        if (leftMs > longestMs) return step(leftMs - longestMs);
        eventLoop.mark(timer);
        fn();
      },
      // A moment that is over: Node.js would warn about a negative delay.
      Math.max(0, Math.min(leftMs, longestMs)),
    );
  };
  step(ms);
  return () => clearTimeout(handle);
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = arm(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
  after(ms, fn) {
    return arm(ms, fn);
  },
};

/** Most writes within one second need the same text. */
let formatted = { second: Number.NaN, text: '' };

/** A point in time as Kubernetes writes metav1.Time: RFC 3339 in UTC with whole seconds. */
export function formatTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (formatted.second !== second) formatted = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return formatted.text;
}

/** A point in time as Kubernetes writes metav1.MicroTime: RFC 3339 in UTC with microseconds. */
export function formatMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}
