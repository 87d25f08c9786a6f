// The supervisor's input and output: the records of its control socket and of its files.

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
  /** Of processes that are stopped together, those with a lower number end first; default 0. */
  readonly stopOrder?: number;
  /** The process notifies (controlplane/process/watchdog.ts): if silent for this long, it is killed and started again. Absent: not watched. */
  readonly silentTimeoutMs?: number;
}

export interface ProcessStatus {
  readonly name: string;
  readonly state: 'running' | 'waiting' | 'stopping';
  /** Absent while the process waits for its next start. */
  readonly pid?: number;
  /** How often the process ended by itself since it was added. */
  readonly restarts: number;
  /** How many of these ends were kills of a silent process. */
  readonly hangs: number;
  /** Milliseconds since the epoch of the last start. */
  readonly startedAt?: number;
  /** The reason of its last end: "exit 1", "signal". */
  readonly lastExit?: string;
}

/** Written next to the control socket for each process, so that a new supervisor adopts running processes. */
export interface PidRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: shows whether the pid now belongs to another process. */
  readonly startTicks: string;
  readonly startedAt: number;
}

export const controlSocket = (runDir: string): string => `${runDir}/supervisor.sock`;
export const specsFile = (runDir: string): string => `${runDir}/processes.json`;
export const notifySocket = (runDir: string, name: string): string => `${runDir}/notify/${name.replace('/', '-')}`;
export const pidFile = (runDir: string, name: string): string => `${runDir}/pids/${name.replace('/', '-')}.json`;
