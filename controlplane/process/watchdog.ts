// Reports to the service manager (systemd with WatchdogSec, the supervisor of hack/up) that the event loop turns. A manager that hears
// nothing sends SIGINT first, at which Node.js prints the stack of JavaScript, also while the event loop is blocked.
import { setTraceSigInt } from 'node:util';

/** The longest time between two reports, however long the manager waits. */
const maxIntervalMs = 10_000;

/** A way to the service manager. sd_notify(3) needs system calls that Node.js lacks, so dataplane/notify implements it. */
export interface NotifySocket {
  /** Never waits and never fails. */
  send(text: string): void;
  close(): void;
}

/** `path` as in NOTIFY_SOCKET. Undefined when there is no such socket. */
export type OpenNotifySocket = (path: string) => NotifySocket | undefined;

export interface Watchdog {
  close(): void;
}

/**
 * Starts when the environment asks for it, as sd_watchdog_enabled(3) says, and removes the request from the environment: it does not
 * concern the programs that this process runs. Undefined when the environment does not ask; SIGINT then works as usual.
 */
export function startWatchdog(env: NodeJS.ProcessEnv, open: OpenNotifySocket): Watchdog | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  const timeoutMs = Number(micros) / 1000;
  if (path === undefined || !(timeoutMs > 0) || (pid !== undefined && Number(pid) !== process.pid)) return undefined;
  const socket = open(path);
  if (!socket) return undefined;
  setTraceSigInt(true);
  const beat = () => socket.send('WATCHDOG=1');
  beat();
  const timer = setInterval(beat, Math.min(maxIntervalMs, timeoutMs / 4));
  timer.unref();
  return {
    close: () => {
      clearInterval(timer);
      socket.close();
    },
  };
}
