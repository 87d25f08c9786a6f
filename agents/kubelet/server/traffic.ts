// POST /path/traffic: what this node carries. A child process (`k8ts traffic`) reads the kernel and keeps sums from one question to the
// next; it lives while somebody asks.
import type { Clock } from '../../../controlplane/base/clock';
import { Unavailable } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { LineProgram, LineProgramEvents } from '../../../dataplane/exec/line-program';
import type { Accounting } from '../../../dataplane/traffic/accounting';

export interface TrafficDeps {
  /** The command that starts `k8ts`: the interpreter and the bundle. */
  readonly program: readonly string[];
  readonly nodeName: string;
  /** The pods of this node that have a network of their own. */
  readonly pods: () => readonly object[];
  readonly start: (argv: readonly string[], events: LineProgramEvents) => Child['program'];
  /** The setting of the kernel that the child changes: it is restored for a child that was killed. */
  readonly accounting: Pick<Accounting, 'remember' | 'restore'>;
  /** Takes away the table of nftables that a child which was killed has left. */
  readonly removeWatch: () => Promise<void>;
  readonly clock: Pick<Clock, 'elapsed' | 'after'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** A reading counts for all who ask within this time. */
const freshMs = 1_000;
/** Without questions the child ends: no client looks any more. */
const idleMs = 15_000;
/** A child that does not answer in this time hangs. */
const answerMs = 10_000;

interface Child {
  readonly program: Pick<LineProgram, 'send' | 'end' | 'kill'>;
  /** Of the question that it answers now. */
  waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void } | undefined;
}

export class Traffic {
  private child: Child | undefined;
  private reading: { readonly atMs: number; readonly done: boolean; readonly answer: Promise<string> } | undefined;
  private stopIdle = () => {};
  /** Children that have not ended: one whose input has ended may still be there when the next one starts. */
  private alive = 0;
  private closed = false;

  constructor(private readonly deps: TrafficDeps) {}

  /** A NodeTrafficStatus as JSON. @throws Unavailable when the child fails; the next question starts a new one */
  answer(): Promise<string> {
    if (this.closed) return Promise.reject(new Unavailable('this kubelet stops'));
    const now = this.deps.clock.elapsed();
    const known = this.reading;
    // One question at a time: who asks meanwhile gets the same answer.
    if (known && (!known.done || now - known.atMs < freshMs)) return known.answer;
    const reading = { atMs: now, done: false, answer: this.ask() };
    this.reading = reading;
    const done = () => {
      reading.done = true;
      reading.atMs = this.deps.clock.elapsed();
      this.endWhenIdle();
    };
    reading.answer.then(done, () => {
      done();
      // A failure counts for those who waited for it, not for the next one.
      if (this.reading === reading) this.reading = undefined;
    });
    return reading.answer;
  }

  /** Ends the child. */
  close(): void {
    this.closed = true;
    this.stopIdle();
    this.child?.program.end();
    this.child = undefined;
  }

  private async ask(): Promise<string> {
    const { deps } = this;
    this.stopIdle();
    this.child ??= this.startChild();
    const { child } = this;
    let stopWaiting = () => {};
    try {
      const line = await new Promise<string>((resolve, reject) => {
        child.waiting = { resolve, reject };
        stopWaiting = deps.clock.after(answerMs, () =>
          reject(new Unavailable(`the reader of this node's traffic did not answer within ${answerMs / 1000} s`)),
        );
        child.program.send(JSON.stringify({ nodeName: deps.nodeName, pods: deps.pods() }));
      });
      return checked(line);
    } catch (error) {
      // Whatever else it writes would be taken for the answer to the next question.
      child.program.kill();
      this.forget(child);
      throw error;
    } finally {
      stopWaiting();
      child.waiting = undefined;
    }
  }

  private startChild(): Child {
    if (this.alive++ === 0) this.attempt(() => this.deps.accounting.remember());
    const child: { program: Child['program']; waiting: Child['waiting'] } = { program: nothing, waiting: undefined };
    child.program = this.deps.start([...this.deps.program, 'traffic'], {
      onLine: (line) => child.waiting?.resolve(line),
      onEnd: (why) => {
        if (--this.alive === 0) this.cleanUp();
        this.forget(child);
        child.waiting?.reject(new Unavailable(`the reader of this node's traffic failed: ${why}`));
      },
    });
    return child;
  }

  private attempt(change: () => void): void {
    try {
      change();
    } catch (error) {
      this.deps.log.warn('counting of packets of connections cannot be restored', { error });
    }
  }

  private cleanUp(): void {
    this.attempt(() => this.deps.accounting.restore());
    // A child that starts meanwhile makes its table again with its next reading.
    this.deps.removeWatch().catch((error: unknown) => {
      this.deps.log.warn('the table that counts who is refused cannot be removed', { error });
    });
  }

  private forget(child: Child): void {
    if (this.child === child) this.child = undefined;
  }

  private endWhenIdle(): void {
    this.stopIdle();
    this.stopIdle = this.deps.clock.after(idleMs, () => {
      this.child?.program.end();
      this.child = undefined;
      this.reading = undefined;
    });
  }
}

const nothing: Child['program'] = { send: () => {}, end: () => {}, kill: () => {} };

/** The answer is not parsed here: it may be long, and those who asked parse it. @throws Unavailable with the child's error */
function checked(line: string): string {
  if (!line.startsWith('{') || !line.endsWith('}')) {
    throw new Unavailable("the reader of this node's traffic did not answer in JSON");
  }
  if (line.startsWith('{"error":')) {
    throw new Unavailable(`the traffic of this node cannot be read: ${(JSON.parse(line) as { error: string }).error}`);
  }
  return line;
}
