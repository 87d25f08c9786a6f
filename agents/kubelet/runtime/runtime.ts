// The container runtime that the kubelet needs. Implementations translate their failures: NotFound (no such container or
// image), Conflict (wrong state for the request), Unavailable (the daemon does not answer; retry), BadRequest (refused settings).
import type { Readable, Writable } from 'node:stream';

export type ContainerState = 'created' | 'running' | 'exited';

/** What a container may use, in the kernel's terms; an absent amount is not limited. */
export interface ContainerResources {
  readonly cpuShares?: number;
  readonly cpuQuotaMicros?: number;
  readonly cpuPeriodMicros?: number;
  readonly memoryBytes?: number;
}

/** The state of one container; times are milliseconds since the epoch. */
export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The reference or ID of the image that the container was created from. */
  readonly image: string;
  readonly imageId: string;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Why the runtime could not start it; such a container counts as ended. */
  readonly startError?: string;
  /** Host process ID of the first process while running. */
  readonly pid?: number;
  /** As the runtime last set them; absent when it did not say. */
  readonly resources?: ContainerResources;
  /** The file of its log on this machine, and the folder of its writable layer; absent when the runtime has no such thing. */
  readonly logPath?: string;
  readonly layerPath?: string;
}

/** One line of a listing: enough to decide whether inspect() is necessary. */
export interface ContainerSummary {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly propagation?: 'rprivate' | 'rslave' | 'rshared';
}

/** A device of the host that the container may use. */
export interface Device {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** Some of the letters r, w and m (mknod), instead of what `readOnly` says. */
  readonly permissions?: string;
}

/** A namespace to use: the container's own, the host's, or that of another container. */
export type NamespaceRef = 'own' | 'host' | { readonly container: string };

export interface ContainerSpec extends ContainerResources {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Replaces the image's entrypoint; absent keeps it. */
  readonly entrypoint?: readonly string[];
  /** Replaces the image's arguments; absent keeps them unless `entrypoint` is given. */
  readonly args?: readonly string[];
  readonly env: readonly string[];
  readonly workingDir?: string;
  /** uid, uid:gid or a name of the image. */
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly hostname?: string;
  readonly mounts: readonly Mount[];
  /** 'own' is a namespace with nothing but a loopback interface. */
  readonly network: NamespaceRef;
  /** 'own' is one that other containers may join. */
  readonly ipc: NamespaceRef;
  readonly pid: NamespaceRef;
  /** One of the runtimes that the daemon is configured with; absent means its default. */
  readonly runtime?: string;
  /** The cgroup, by its path from the root, in which the runtime makes the container's. Absent: where the runtime likes. */
  readonly cgroupParent?: string;
  readonly shmBytes?: number;
  readonly privileged?: boolean;
  readonly readOnlyRoot?: boolean;
  readonly noNewPrivileges?: boolean;
  /** 'unconfined' or the text of a profile; absent: the runtime's own. */
  readonly seccomp?: string;
  /** 'unconfined' or the name of a profile; absent: the runtime's own. */
  readonly appArmor?: string;
  /** Shows all of /proc, and writable, as the host sees it. */
  readonly unmaskedProc?: boolean;
  readonly addCapabilities?: readonly string[];
  readonly dropCapabilities?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly devices?: readonly Device[];
  readonly oomScoreAdj?: number;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
  /** False for containers whose output is never read. */
  readonly keepLog?: boolean;
}

/**
 * 'connected' comes first and after each reconnect: events may have been missed, so list again. Container events carry the
 * labels, so that a reader knows the pod without another call.
 */
export type RuntimeEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly error: unknown }
  | {
      readonly type: 'created' | 'started' | 'died' | 'removed' | 'oom';
      readonly id: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly timeMs: number;
      readonly exitCode?: number;
    }
  | { readonly type: 'images-changed' };

export interface ImageRecord {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** User the image runs as: '' is root. */
  readonly user: string;
  /** Folders of this machine that on top of each other are the image's files, the topmost first. Absent when the runtime has none. */
  readonly layers?: readonly string[];
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identityToken?: string;
  readonly serverAddress?: string;
}

export interface LogOptions {
  readonly follow?: boolean;
  readonly tailLines?: number;
  /** Only lines written at or after this time, in ms since the epoch. */
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
  readonly signal?: AbortSignal;
}
export interface LogChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export interface ExecOptions {
  readonly argv: readonly string[];
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  readonly tty?: boolean;
  /** Calls back with every new size of the terminal. */
  readonly onResize?: (listener: (size: TerminalSize) => void) => void;
  /** Counted from the start of the process, not from the call, so that the delay of a busy runtime does not count. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}
export type AttachOptions = Omit<ExecOptions, 'argv' | 'timeoutMs'>;

export interface RuntimeInfo {
  readonly name: string;
  readonly version: string;
  readonly operatingSystem: string;
  readonly kernelVersion: string;
  readonly rootDir: string;
  /** Who makes the cgroups of containers: `cgroupfs` (the runtime itself), `systemd`, or `none`. */
  readonly cgroupDriver: string;
}

export interface ContainerUsage {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  readonly workingSetBytes: number;
}

export interface ContainerRuntime {
  info(): Promise<RuntimeInfo>;
  /** Containers that carry the label io.kubernetes.pod.uid, in any state. */
  list(): Promise<readonly ContainerSummary[]>;
  /** @throws NotFound */
  inspect(id: string): Promise<ContainerRecord>;
  /** Resolves to the new container's ID. @throws AlreadyExists for the name, NotFound for the image, BadRequest */
  create(spec: ContainerSpec): Promise<string>;
  /** Does nothing for a running container. @throws NotFound, BadRequest when the runtime refuses (message says why) */
  start(id: string): Promise<void>;
  /** Changes the given amounts of a container, and leaves the others. @throws NotFound, BadRequest when the runtime refuses */
  update(id: string, resources: ContainerResources): Promise<void>;
  /** Sends the stop signal, waits `graceSeconds`, kills; resolves when the process has ended. Idempotent. */
  stop(id: string, graceSeconds: number): Promise<void>;
  /** Kills the container if it runs, and deletes it. Does nothing when it does not exist. */
  remove(id: string): Promise<void>;
  /** Never ends before the signal is aborted: reconnects by itself. */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>;
  /** In the order of writing. Ends at the end of the log; with `follow`, when the container ends. @throws NotFound */
  logs(id: string, options: LogOptions): AsyncIterable<LogChunk>;
  /**
   * Resolves to the exit code. @throws NotFound, Conflict when the container does not run, BadRequest when argv cannot start,
   * Timeout (the process is killed)
   */
  exec(id: string, options: ExecOptions): Promise<number>;
  /**
   * Resolves when the container or the caller's stdin and the attached streams have ended. @throws Conflict when the container does not run
   */
  attach(id: string, options: AttachOptions): Promise<void>;
  usage(id: string): Promise<ContainerUsage>;
  /** Undefined when the machine does not have the image. */
  image(reference: string): Promise<ImageRecord | undefined>;
  images(): Promise<readonly ImageRecord[]>;
  /** @throws Unavailable, NotFound, Forbidden (as AppError) with the registry's message */
  pull(reference: string, auth: RegistryAuth | undefined, signal?: AbortSignal): Promise<void>;
  removeImage(id: string): Promise<void>;
}
