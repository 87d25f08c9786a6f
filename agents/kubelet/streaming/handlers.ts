// What the streaming server asks of the kubelet: the port between the wire protocols and the container runtime.
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

/** The client's ends. A stream is there exactly when the request asks for it. */
export interface RemoteIo {
  /** Ends when the client closes its input. */
  readonly stdin?: Readable;
  /** Respect its back-pressure; need not be ended, the server does. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Calls back with every new size of the client's terminal, the latest one at once. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborted when the client has disconnected: end the session. */
  readonly signal: AbortSignal;
}

export interface StreamingHandlers {
  /**
   * Called before the connection is upgraded, the last moment for a plain HTTP answer. @throws NotFound, BadRequest, ...
   * whose message goes to the user.
   */
  check?(kind: 'exec' | 'attach' | 'portForward', pod: PodRef & { readonly container?: string }): Promise<void>;
  /** Runs a command and resolves with its exit status, after all its output has been written. */
  exec(request: ExecRequest, io: RemoteIo): Promise<number>;
  /** Joins the container's own process; resolves when it ends or the client leaves. */
  attach(request: AttachRequest, io: RemoteIo): Promise<void>;
  /**
   * One forwarded connection; resolves when both directions are done. A thrown message reaches the user's terminal.
   * forward-to-pod.ts has the usual implementation.
   */
  portForward(request: PortForwardRequest, connection: Duplex, signal: AbortSignal): Promise<void>;
}
