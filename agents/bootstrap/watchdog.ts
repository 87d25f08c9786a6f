// Signs of life of a process for the one that started it (systemd with WatchdogSec, the supervisor of hack/up), and the stack of one
// that gives none: both send SIGINT first, at which Node.js prints what the process is doing, also while its event loop is blocked.
import { setTraceSigInt } from 'node:util';
import { openNotifySocket } from '../../dataplane/notify/notify';

/** So often at least, however long the manager waits. */
const maxIntervalMs = 10_000;

export interface Watchdog {
  close(): void;
}

/**
 * Begins when the environment asks for it, as sd_watchdog_enabled(3) says, and takes the request out of it: programs that this process
 * runs are not meant. Undefined when it does not, and SIGINT is then as usual.
 */
export function startWatchdog(env: NodeJS.ProcessEnv): Watchdog | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  const timeoutMs = Number(micros) / 1000;
  if (path === undefined || !(timeoutMs > 0) || (pid !== undefined && Number(pid) !== process.pid)) return undefined;
  const socket = openNotifySocket(path);
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
