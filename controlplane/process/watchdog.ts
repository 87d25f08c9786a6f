// Reports to the service manager (systemd with WatchdogSec, the supervisor of hack/up) that the event loop turns. Without a report
// the manager sends SIGINT first; Node.js then prints the stack of JavaScript, even while the event loop is blocked.
import { setTraceSigInt } from 'node:util';

/** The longest time between two reports, however long the manager waits. */
const maxIntervalMs = 10_000;

/** Sends to the service manager. sd_notify(3) needs system calls that Node.js lacks, so dataplane/notify implements it. */
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
 * Starts when the environment requests it, as in sd_watchdog_enabled(3), and removes the request from the environment: it must not
 * reach the programs that this process runs. Undefined without such a request; SIGINT then works as usual.
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
