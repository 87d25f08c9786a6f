// A cheap client: it writes requests as text on TLS connections that stay open, and counts answers without parsing them.
// A general HTTP client would take more of the machine than the server it measures.
import { connect, type TLSSocket } from 'node:tls';
import { Unavailable } from '../../controlplane/base/errors';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';

export interface Answer {
  readonly status: number;
  /** Bytes of the body. */
  readonly size: number;
}

const headEnd = Buffer.from('\r\n\r\n');

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
}

function render(host: string, { method, path, body, type = 'application/json' }: Call): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n`;
  if (body === undefined) return `${head}\r\n`;
  const text = JSON.stringify(body);
  return `${head}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

async function open({ server, ca, cert, key }: ConnectionOptions): Promise<TLSSocket> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca, cert, key, ALPNProtocols: ['http/1.1'] });
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** One connection with at most one request under way. */
export class ApiConnection {
  /** The start of an answer, until its head is complete. */
  private head: Buffer | undefined;
  private status = 0;
  private size = 0;
  private missing = 0;
  /** The body of a refusal, for the error. */
  private refusal = '';
  private settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  private constructor(
    private readonly socket: TLSSocket,
    private readonly host: string,
  ) {
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', (cause) => this.fail(cause));
    socket.on('close', () => this.fail());
  }

  static async open(options: ConnectionOptions): Promise<ApiConnection> {
    return new ApiConnection(await open(options), new URL(options.server).host);
  }

  /** @throws Unavailable for any answer of 300 or more */
  send(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(render(this.host, call));
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    let body = chunk;
    if (this.missing === 0) {
      const whole = this.head ? Buffer.concat([this.head, chunk]) : chunk;
      const end = whole.indexOf(headEnd);
      if (end < 0) {
        this.head = whole;
        return;
      }
      this.head = undefined;
      this.begin(whole.toString('latin1', 0, end));
      body = whole.subarray(end + headEnd.length);
    }
    this.missing -= body.length;
    if (this.status >= 300) this.refusal += body.toString();
    if (this.missing === 0) this.finish();
  }

  private begin(head: string): void {
    this.status = Number(head.slice(9, 12));
    this.size = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    this.missing = this.size;
    this.refusal = '';
  }

  private finish(): void {
    const { settle, status, size, refusal } = this;
    this.settle = undefined;
    if (status < 300) settle?.resolve({ status, size });
    else settle?.reject(new Unavailable(`the server answered ${status}: ${refusal.slice(0, 300)}`));
  }

  private fail(cause?: Error): void {
    this.settle?.reject(new Unavailable('the connection ended', { cause }));
    this.settle = undefined;
  }
}

/** A watch that reports every mark like `{"bench":"N"}` in its events. Resolves when its answer has begun. */
export async function openWatch(
  options: ConnectionOptions,
  path: string,
  onMark: (mark: number) => void,
): Promise<{ close(): void }> {
  const socket = await open(options);
  let text = '';
  let began = () => {};
  const answered = new Promise<void>((resolve) => {
    began = resolve;
  });
  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.on('data', (chunk: string) => {
    began();
    text += chunk;
    const end = text.lastIndexOf('\n');
    for (const match of text.slice(0, end + 1).matchAll(/"bench-mark":"(\d+)"/g)) onMark(Number(match[1]));
    text = text.slice(end + 1);
  });
  socket.write(render(new URL(options.server).host, { method: 'GET', path }));
  await answered;
  return { close: () => socket.destroy() };
}
