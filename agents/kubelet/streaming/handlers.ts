// The interface between the streaming protocols and the container runtime: the kubelet implements it.
import type { Duplex, Readable, Writable } from 'node:stream';

export interface PodRef {
  readonly namespace: string;
  readonly pod: string;
  /** From the longer path form NAMESPACE/POD/UID/CONTAINER. */
  readonly uid?: string;
}
export interface AttachRequest extends PodRef {
  readonly container: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never together with tty: a terminal has one output. */
  readonly stderr: boolean;
  readonly tty: boolean;
}
export interface ExecRequest extends AttachRequest {
  readonly command: readonly string[];
}
export interface PortForwardRequest extends PodRef {
  readonly port: number;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The client's streams. A stream is set only if the request asks for it. */
export interface RemoteIo {
  /** Ends when the client closes its input. */
  readonly stdin?: Readable;
  /** Respect its back-pressure. The server ends it. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Calls back with the latest size of the client's terminal at once, then with every new size. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborted when the client has disconnected: end the session. */
  readonly signal: AbortSignal;
}

export interface StreamingHandlers {
  /**
   * Called before the upgrade, because a plain HTTP answer is not possible later. @throws NotFound, BadRequest, ...
   * The user sees the message.
   */
  check?(kind: 'exec' | 'attach' | 'portForward', pod: PodRef & { readonly container?: string }): Promise<void>;
  /** Runs a command and resolves with its exit status, after all its output has been written. */
  exec(request: ExecRequest, io: RemoteIo): Promise<number>;
  /** Attaches to the container's own process; resolves when the process ends or the client disconnects. */
  attach(request: AttachRequest, io: RemoteIo): Promise<void>;
  /**
   * One forwarded connection; resolves when both directions are done. A thrown message reaches the user's terminal.
   * forward-to-pod.ts has the usual implementation.
   */
  portForward(request: PortForwardRequest, connection: Duplex, signal: AbortSignal): Promise<void>;
}
