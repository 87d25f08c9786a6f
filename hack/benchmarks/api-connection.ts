// A cheap client: it writes requests as text on TLS connections that stay open, and counts answers without parsing them.
// A general HTTP client would take more of the machine than the server it measures.
import { connect, type TLSSocket } from 'node:tls';
import { Unavailable } from '../../controlplane/base/errors';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';

export interface Answer {
  readonly status: number;
  /** Bytes of the body. */
  readonly size: number;
  /** The body, only when it was asked for. */
  readonly text: string;
}

const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = '0\r\n\r\n';

export interface Call {
  readonly method: string;
  readonly path: string;
  /** Bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
}

function render(host: string, call: Call): string | Buffer {
  const { method, path, body, type = 'application/json', accept = 'application/json' } = call;
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: ${accept}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  const sent = Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const whole = `${head}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n\r\n`;
  return typeof sent === 'string' ? whole + sent : Buffer.concat([Buffer.from(whole), sent]);
}

async function open({ server, ca, cert, key, insecureSkipTlsVerify }: ConnectionOptions): Promise<TLSSocket> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      ca,
      cert,
      key,
      rejectUnauthorized: !insecureSkipTlsVerify,
      ALPNProtocols: ['http/1.1'],
    });
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
  /** Bytes of the body that have not come; of a body in chunks 1 until its end has come. */
  private missing = 0;
  private chunked = false;
  /** The last characters of a body in chunks. */
  private tail = '';
  /** The body of a refusal, for the error, and of an answer that the caller wants to read. */
  private text = '';
  private wanted = false;
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

  /** With `read`, the answer has its text. @throws Unavailable for any answer of 300 or more */
  send(call: Call, read = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.wanted = read;
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
    if (this.chunked) this.readChunks(body);
    else this.missing -= body.length;
    if (this.wanted || this.status >= 300) this.text += body.toString();
    if (this.missing === 0) this.finish();
  }

  /** Looks at the end alone: no other answer is on its way, and a body that ends so inside would end the figure too early by a part. */
  private readChunks(body: Buffer): void {
    this.size += body.length;
    this.tail = (this.tail + body.toString('latin1', Math.max(0, body.length - lastChunk.length))).slice(
      -lastChunk.length,
    );
    if (this.tail === lastChunk) this.missing = 0;
  }

  private begin(head: string): void {
    this.status = Number(head.slice(9, 12));
    this.chunked = /\r\ntransfer-encoding: chunked/i.test(head);
    this.tail = '';
    this.size = this.chunked ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    this.missing = this.chunked ? 1 : this.size;
    this.text = '';
  }

  private finish(): void {
    const { settle, status, size, text } = this;
    this.settle = undefined;
    if (status < 300) settle?.resolve({ status, size, text });
    else settle?.reject(new Unavailable(`the server answered ${status}: ${text.slice(0, 300)}`));
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
