// A client that counts how each request ends: sent = answered + refused + reset + timed out, whenever no request is under way.
// It shows whether a change under constant load lost a request.
import type { Socket } from 'node:net';

export type Outcome = 'answered' | 'refused' | 'reset' | 'timedOut';

export interface LedgerOptions {
  /** `new`: one connection for each request. `kept`: one for all requests of a worker, opened again when it ends. */
  readonly connection: 'new' | 'kept';
  readonly connect: (signal: AbortSignal) => Promise<Socket>;
  /** Requests under way at the same time. */
  readonly workers?: number;
  /** A request that takes longer counts as timed out; far more than a busy machine needs. */
  readonly timeoutMs?: number;
}

/** The request that servers of a ledger understand, and their answer. */
export const question = '?\n';
/** `last`: the server closes this connection next, as `Connection: close` says in HTTP. */
export const answerOf = (name: string, last = false): string => `${name}${last ? ' last' : ''}\n`;

export class Ledger {
  sent = 0;
  readonly counts: Record<Outcome, number> = { answered: 0, refused: 0, reset: 0, timedOut: 0 };
  /** The number of answers by the server's name. */
  readonly answers = new Map<string, number>();
  private readonly underWay = new Set<Promise<void>>();
  private readonly workers: Promise<void>[];
  private stopped = false;
  private progress = Promise.withResolvers<void>();

  /** The workers start at once. */
  constructor(private readonly options: LedgerOptions) {
    this.workers = Array.from({ length: options.workers ?? 4 }, () => this.work());
  }

  /** The number of requests without an answer. */
  get lost(): number {
    return this.counts.refused + this.counts.reset + this.counts.timedOut;
  }

  /** Resolves when `name`, or any server, has answered `count` more requests. @throws a worker's failure */
  async answeredBy(name: string | undefined, count = 1): Promise<void> {
    const now = () => (name === undefined ? this.counts.answered : (this.answers.get(name) ?? 0));
    const wanted = now() + count;
    while (now() < wanted) await Promise.race([this.progress.promise, this.failed()]);
  }

  /** Resolves when every request that is under way now has been accounted for. */
  async turnover(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** Ends after the running requests. @throws a worker's failure: an outcome that is none of the four */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.workers);
  }

  private failed(): Promise<never> {
    return new Promise((_, reject) => {
      for (const worker of this.workers) worker.catch(reject);
    });
  }

  private async work(): Promise<void> {
    let kept: Socket | undefined;
    while (!this.stopped) {
      const request = this.request(kept).then((socket) => {
        kept = socket;
      });
      this.underWay.add(request);
      try {
        await request;
      } finally {
        this.underWay.delete(request);
      }
    }
    kept?.destroy();
  }

  /** Returns the connection if it can be used again. */
  private async request(kept: Socket | undefined): Promise<Socket | undefined> {
    const signal = AbortSignal.timeout(this.options.timeoutMs ?? 30_000);
    this.sent++;
    let socket: Socket | undefined;
    try {
      socket = kept ?? (await this.options.connect(signal)).on('error', () => {});
      const [name = '', last] = (await ask(socket, signal)).split(' ');
      this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
      this.account('answered');
      if (this.options.connection === 'kept' && last === undefined) return socket;
    } catch (err) {
      this.account(outcomeOf(err));
    }
    socket?.destroy();
    return undefined;
  }

  private account(outcome: Outcome): void {
    this.counts[outcome]++;
    this.progress.resolve();
    this.progress = Promise.withResolvers();
  }
}

/** Sends one request and reads one line. */
function ask(socket: Socket, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const end = (settle: () => void) => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onData = (data: Buffer) => {
      text += data;
      if (text.endsWith('\n')) end(() => resolve(text.trim()));
    };
    const onEnd = () => end(() => reject(Object.assign(new Error('closed without an answer'), { code: 'ECONNRESET' })));
    const onError = (err: Error) => end(() => reject(err));
    const onAbort = () => end(() => reject(signal.reason));
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.write(question);
  });
}

const outcomes: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timedOut',
};

function outcomeOf(err: unknown): Outcome {
  for (let cause: unknown = err; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError') return 'timedOut';
    const { code } = cause as NodeJS.ErrnoException;
    const outcome = typeof code === 'string' ? outcomes[code] : undefined;
    if (outcome) return outcome;
  }
  throw new Error('a request ended in a way the ledger does not know', { cause: err });
}
