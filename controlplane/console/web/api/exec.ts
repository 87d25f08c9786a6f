// A terminal in a container: one WebSocket that carries its input, its output and its size.
import { execProtocol, parseFrame, resizeFrame, stdinFrame, tokenProtocol } from '../../model/exec-frames';

export interface ExecEvents {
  readonly onOpen: () => void;
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Called once. '' when the program ended well. */
  readonly onEnd: (message: string) => void;
}

export class ExecSession {
  private readonly socket: WebSocket;
  private ended = false;

  /** `path` is a path of the API with its query. */
  constructor(
    path: string,
    token: string,
    private readonly events: ExecEvents,
  ) {
    this.socket = new WebSocket(`wss://${location.host}${path}`, [execProtocol, tokenProtocol(token)]);
    this.socket.binaryType = 'arraybuffer';
    this.socket.addEventListener('open', () => events.onOpen());
    this.socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) =>
      this.receive(new Uint8Array(data)),
    );
    // A browser hides why a WebSocket was refused.
    this.socket.addEventListener('close', ({ reason }) => this.end(reason === '' ? undefined : reason));
  }

  send(text: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(stdinFrame(text));
  }

  resize(columns: number, rows: number): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(resizeFrame(columns, rows));
  }

  close(): void {
    this.ended = true;
    this.socket.close();
  }

  private receive(message: Uint8Array): void {
    const frame = parseFrame(message);
    if (frame?.kind === 'output') this.events.onOutput(frame.bytes);
    if (frame?.kind === 'end') this.end(frame.message);
  }

  private end(message: string | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.events.onEnd(message ?? connectionLost);
    this.socket.close();
  }
}

/** The connection ended without a word of the server. */
export const connectionLost = '\u0000';
