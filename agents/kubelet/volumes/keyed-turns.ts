// Work on one thing (a device, a folder) one after another, although several pods ask for it at the same time.
export class KeyedTurns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Runs `work` after all earlier work with this key has ended, with or without success. @throws what `work` throws */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.last.get(key) ?? Promise.resolve()).then(work, work);
    const ended = turn.then(
      () => {},
      () => {},
    );
    this.last.set(key, ended);
    try {
      return await turn;
    } finally {
      if (this.last.get(key) === ended) this.last.delete(key);
    }
  }
}
