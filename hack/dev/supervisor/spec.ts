// What the supervisor is told, and what it tells: the records of its control socket and of its files.

export interface ProcessSpec {
  /** server, registry, worker-1/kubelet; unique. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Both outputs are appended here. */
  readonly log: string;
  /** Files to remove before each start: pid files of a process that was killed. */
  readonly removeFirst?: readonly string[];
  /** SIGTERM, then after this time SIGKILL; default 10,000. */
  readonly stopTimeoutMs?: number;
  /** It gives signs of life (controlplane/process/watchdog.ts): silent for so long, it is killed and started again. Absent: not watched. */
  readonly silentTimeoutMs?: number;
}

export interface ProcessStatus {
  readonly name: string;
  readonly state: 'running' | 'waiting' | 'stopping';
  /** Absent while it waits to be started again. */
  readonly pid?: number;
  /** How often it ended by itself since the supervisor was told to run it. */
  readonly restarts: number;
  /** How often of these it was killed because it gave no sign of life. */
  readonly hangs: number;
  /** Milliseconds since the epoch of the last start. */
  readonly startedAt?: number;
  /** How it ended last: "exit 1", "signal". */
  readonly lastExit?: string;
}

/** Written beside the control socket for each process, so that a new supervisor adopts what runs. */
export interface PidRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with it a number given to another process is told apart. */
  readonly startTicks: string;
  readonly startedAt: number;
}

export const controlSocket = (runDir: string): string => `${runDir}/supervisor.sock`;
export const specsFile = (runDir: string): string => `${runDir}/processes.json`;
export const notifySocket = (runDir: string, name: string): string => `${runDir}/notify/${name.replace('/', '-')}`;
export const pidFile = (runDir: string, name: string): string => `${runDir}/pids/${name.replace('/', '-')}.json`;
