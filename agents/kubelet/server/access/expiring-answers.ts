// Answers of the API server that are kept for a while, and requests for them that share one question. Bounded: the answer that was
// asked for first is dropped.
import type { Clock } from '../../../../controlplane/base/clock';
import { Unavailable } from '../../../../controlplane/base/errors';

/** As many as upstream keeps of each kind. */
const maxAnswers = 4096;
/** Further questions at the same time are refused, so that senders of invented tokens cannot make the kubelet flood the server. */
const maxAsking = 64;

export class ExpiringAnswers<T> {
  private readonly known = new Map<string, { readonly answer: T; readonly untilMs: number }>();
  private readonly asking = new Map<string, Promise<T>>();

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly lifeMs: (answer: T) => number,
  ) {}

  /** A failure is not kept. @throws what `ask` throws; Unavailable when too many questions are open */
  get(key: string, ask: () => Promise<T>): Promise<T> {
    const found = this.known.get(key);
    if (found && found.untilMs > this.clock.now()) return Promise.resolve(found.answer);
    const open = this.asking.get(key);
    if (open) return open;
    if (this.asking.size >= maxAsking)
      return Promise.reject(new Unavailable('too many open questions to the API server'));
    const question = ask()
      .then((answer) => this.keep(key, answer))
      .finally(() => this.asking.delete(key));
    this.asking.set(key, question);
    return question;
  }

  private keep(key: string, answer: T): T {
    this.known.delete(key);
    const [oldest] = this.known.keys();
    if (this.known.size >= maxAnswers && oldest !== undefined) this.known.delete(oldest);
    this.known.set(key, { answer, untilMs: this.clock.now() + this.lifeMs(answer) });
    return answer;
  }
}
