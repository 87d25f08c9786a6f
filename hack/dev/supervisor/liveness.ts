// Finds processes that no longer notify. Each has a socket of its own, to which its event loop writes at intervals
// (dataplane/notify): a slow process is late, a blocked process is silent.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../../controlplane/base/clock';
import { listenForNotifications } from '../../../dataplane/notify/listen';
import { processState } from './proc';

/** The time between two checks. */
export const lookMs = 5_000;
/** A process may take this long until its first notification: at a start several processes load their code at once. */
export const bootMs = 120_000;
/** A check that is this late shows that this process was suspended, and perhaps the others too: their times start again. */
const suspendedMs = 3 * lookMs;

interface Watched {
  readonly pid: number;
  readonly timeoutMs: number;
  since: number;
  hasBooted: boolean;
  readonly socket: { close(): void };
}

export interface LivenessDeps {
  readonly clock: Clock;
  /** A process has been silent for `silentMs`; it is no longer watched. */
  readonly onSilent: (name: string, silentMs: number) => void;
}

export class Liveness {
  private readonly watched = new Map<string, Watched>();
  private lastLook: number;
  private cancel: () => void = () => {};

  constructor(private readonly deps: LivenessDeps) {
    this.lastLook = deps.clock.now();
  }

  /** `path` is the NOTIFY_SOCKET of the process. Call this before the process starts, or when it is adopted. */
  listen(path: string): { onBeat: () => void; close(): void } {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const heard = { onBeat: () => {} };
    const socket = listenForNotifications(path, (text) => {
      if (text.split('\n').includes('WATCHDOG=1')) heard.onBeat();
    });
    return Object.assign(heard, { close: () => socket.close() });
  }

  watch(name: string, pid: number, timeoutMs: number, socket: ReturnType<Liveness['listen']>): void {
    this.forget(name);
    const watched: Watched = { pid, timeoutMs, since: this.deps.clock.now(), hasBooted: false, socket };
    socket.onBeat = () => {
      watched.since = this.deps.clock.now();
      watched.hasBooted = true;
    };
    this.watched.set(name, watched);
    if (this.watched.size === 1) {
      this.lastLook = this.deps.clock.now();
      this.next();
    }
  }

  forget(name: string): void {
    this.watched.get(name)?.socket.close();
    this.watched.delete(name);
    if (this.watched.size === 0) this.cancel();
  }

  private next(): void {
    this.cancel = this.deps.clock.after(lookMs, () => this.look());
  }

  private look(): void {
    const now = this.deps.clock.now();
    const suspended = now - this.lastLook > suspendedMs;
    this.lastLook = now;
    for (const [name, watched] of [...this.watched]) {
      // T and t: a signal or a debugger has stopped it.
      if (suspended || /[Tt]/.test(processState(watched.pid) ?? '')) watched.since = now;
      const allowedMs = watched.hasBooted ? watched.timeoutMs : Math.max(bootMs, watched.timeoutMs);
      if (now - watched.since <= allowedMs) continue;
      this.forget(name);
      this.deps.onSilent(name, now - watched.since);
    }
    if (this.watched.size > 0) this.next();
  }
}
