// Carries out writes: plans a transaction from assumed or observed facts, sends it, and plans again from the facts of the answer when
// another writer was faster.
import { AppError, Conflict } from '../../base/errors';
import type { EtcdConnection } from './connection';
import { assume, type Facts, type Present, questions, readAnswer, type Write } from './facts';
import { KeyLocks } from './key-locks';
import { planWrite } from './plan';

/** Each failed transaction means that another writer has succeeded. */
const maxAttempts = 100;
/** Values kept of keys that change together with others: quotas. */
const maxLast = 1_000;

export class WriteLoop {
  /** Keys that change together with writes, as this process has written them last. */
  private readonly last = new Map<string, Present>();
  /** Writes that change the same further key would make each other fail again and again: they run one after the other. */
  private readonly locks = new KeyLocks();

  constructor(private readonly etcd: EtcdConnection) {}

  /** Resolves with the revision of etcd. @throws as the port says; OutcomeUnknown */
  async run(write: Write): Promise<number> {
    const shared = write.together.flatMap(({ action, key }) => (action === 'change' ? [key] : []));
    if (shared.length === 0) return this.attempt(write);
    const release = await this.locks.acquire(shared);
    try {
      return await this.attempt(write);
    } finally {
      release();
    }
  }

  private async attempt(write: Write): Promise<number> {
    const failure = questions(write);
    let facts = assume(write, this.last);
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      facts ??= readAnswer(write, await this.etcd.read('Txn', { compare: [], success: failure, failure: [] }));
      const plan = planWrite(write, facts);
      if (plan instanceof AppError) {
        if (facts.areObserved) throw plan;
        facts = undefined;
        continue;
      }
      const { compare, success, changed } = plan;
      const answer = await this.etcd.write('Txn', { compare, success, failure });
      const main = answer.header.revision;
      if (answer.succeeded) {
        for (const { key, index, value } of changed) this.remember(key, { main, index, value });
        return main;
      }
      facts = readAnswer(write, answer);
      this.learn(write, facts);
    }
    throw new Conflict(`key ${write.key}: other writers were faster ${maxAttempts} times`);
  }

  private learn({ together }: Write, { values }: Facts): void {
    for (const { action, key } of together) {
      const found = values.get(key);
      if (action !== 'change') continue;
      if (found) this.remember(key, found);
      else this.last.delete(key);
    }
  }

  private remember(key: string, present: Present): void {
    if (this.last.size >= maxLast) this.last.clear();
    this.last.set(key, present);
  }
}
