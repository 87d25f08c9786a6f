// Caches earlier answers as bytes. The key is the query's bytes after its ID, so neither query nor answer is parsed again. Any
// change of the zone empties the cache.

/** One question's answer, in several forms when its records are returned in rotating order. */
export class CachedAnswer<Tag> {
  private readonly forms: (Buffer | undefined)[];
  private next = 0;
  /** Set by the cache that holds it. */
  bytes = 0;
  constructor(
    count: number,
    private readonly make: (turn: number) => Buffer,
    /** Data of the owner, so that a hit can be counted without reading the answer. */
    readonly tag: Tag,
  ) {
    this.forms = new Array(Math.max(1, count)).fill(undefined);
  }

  /** The next form. The buffer is shared: copy it before a change. */
  take(): Buffer {
    const turn = this.next;
    this.next = turn + 1 === this.forms.length ? 0 : turn + 1;
    let form = this.forms[turn];
    if (form === undefined) {
      form = this.make(turn);
      this.forms[turn] = form;
    }
    return form;
  }
}

/**
 * Bounded by count and by bytes, because one question has many forms (sizes and flags of EDNS) with a long answer each. Two
 * generations: a full generation becomes the old one, and a hit moves an answer from the old generation to the new.
 */
export class AnswerCache<Tag> {
  private young = new Map<string, CachedAnswer<Tag>>();
  private old = new Map<string, CachedAnswer<Tag>>();
  private youngBytes = 0;
  constructor(
    private readonly generationSize = 8_192,
    private readonly generationBytes = 8 << 20,
  ) {}

  /** The key of a query: all bytes but the ID. */
  static keyOf(query: Buffer): string {
    return query.toString('latin1', 2);
  }

  get(key: string): CachedAnswer<Tag> | undefined {
    const found = this.young.get(key);
    if (found) return found;
    const older = this.old.get(key);
    if (older) this.set(key, older, older.bytes);
    return older;
  }

  /** `bytes`: the size of all forms together. */
  set(key: string, answer: CachedAnswer<Tag>, bytes: number): void {
    if (bytes > this.generationBytes) return;
    if (this.young.size >= this.generationSize || this.youngBytes + bytes > this.generationBytes) {
      this.old = this.young;
      this.young = new Map();
      this.youngBytes = 0;
    }
    answer.bytes = bytes;
    this.youngBytes += bytes;
    this.young.set(key, answer);
  }

  clear(): void {
    if (this.young.size === 0 && this.old.size === 0) return;
    this.young = new Map();
    this.old = new Map();
    this.youngBytes = 0;
  }
}
