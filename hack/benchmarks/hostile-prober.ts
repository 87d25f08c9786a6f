// Sends health requests to a server again and again, from a thread of its own, and keeps the longest time of an answer: no turn of
// the server's event loop was longer. On a connection that stays open, a request costs the server about fifty microseconds.
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Unavailable } from '../../controlplane/base/errors';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';

type Question = 'reset' | 'longest' | 'end';

export class Prober {
  private constructor(private readonly worker: Worker) {}

  static async start(connection: ConnectionOptions): Promise<Prober> {
    const { server, ca, cert, key } = connection;
    const worker = new Worker(__filename, {
      workerData: { server, ca, cert, key },
      execArgv: ['-r', 'ts-node/register'],
    });
    await once(worker, 'message');
    return new Prober(worker);
  }

  /** The longest answer while `work` ran, in milliseconds. */
  async during(work: () => Promise<void>): Promise<number> {
    await this.ask('reset');
    await work();
    return this.ask('longest');
  }

  async end(): Promise<void> {
    this.worker.postMessage('end');
    await once(this.worker, 'exit');
  }

  private async ask(question: Question): Promise<number> {
    this.worker.postMessage(question);
    const [answer] = (await once(this.worker, 'message')) as [number];
    return answer;
  }
}

const pauseMs = 2;

class Probe {
  private longest = 0;
  private sentAt = 0;
  private waiting: (() => void)[] = [];
  private ended = false;

  constructor(
    private readonly socket: TLSSocket,
    private readonly host: string,
  ) {
    socket.on('data', (chunk: Buffer) => this.read(chunk));
  }

  /** Resolves when a request that was sent later has been answered, so that a turn that just began counts. */
  settled(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  take(): number {
    const { longest } = this;
    this.longest = 0;
    return longest;
  }

  end(): void {
    this.ended = true;
    this.socket.destroy();
  }

  send(): void {
    if (this.ended) return;
    this.sentAt = performance.now();
    this.asked = this.waiting;
    this.waiting = [];
    this.socket.write(`GET /healthz HTTP/1.1\r\nHost: ${this.host}\r\n\r\n`);
  }

  private asked: (() => void)[] = [];

  private read(chunk: Buffer): void {
    // The answer is `ok` in one piece.
    if (!chunk.toString('latin1').endsWith('ok')) return;
    this.longest = Math.max(this.longest, performance.now() - this.sentAt);
    for (const resolve of this.asked) resolve();
    this.asked = [];
    setTimeout(() => this.send(), pauseMs);
  }
}

async function main({ server, ca, cert, key }: ConnectionOptions): Promise<void> {
  const { hostname, port, host } = new URL(server);
  const socket = connect({ host: hostname, port: Number(port), ca, cert, key, ALPNProtocols: ['http/1.1'] });
  socket.on('close', () => process.exit(0));
  socket.on('error', (cause) => {
    throw new Unavailable('the probe lost its connection', { cause });
  });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  const probe = new Probe(socket, host);
  probe.send();
  await probe.settled();
  parentPort!.on('message', async (question: Question) => {
    if (question === 'end') {
      probe.end();
      return;
    }
    await probe.settled();
    parentPort!.postMessage(probe.take());
  });
  parentPort!.postMessage(0);
}

if (!isMainThread && workerData) void main(workerData as ConnectionOptions);
