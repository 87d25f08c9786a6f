// Answers seen before, as bytes: found by the bytes of the query after its ID, so that neither is parsed again. Anything
// that changes the zone empties it.

/** One question's answer; several forms of it when there are several orders to give in turn. */
export class CachedAnswer<Tag> {
  private readonly forms: (Buffer | undefined)[];
  private next = 0;
  /** Known to the cache it is in. */
  bytes = 0;
  constructor(
    count: number,
    private readonly make: (turn: number) => Buffer,
    /** Whatever the owner wants to know about a hit without looking into it. */
    readonly tag: Tag,
  ) {
    this.forms = new Array(Math.max(1, count)).fill(undefined);
  }

  /** The next form. Shared: copy it before changing anything. */
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
 * Bounded by count and by bytes, since one question has many forms (sizes and flags of EDNS) and a long answer under each: a full generation
 * becomes the old one, from which what is still asked for is taken over.
 */
export class AnswerCache<Tag> {
  private young = new Map<string, CachedAnswer<Tag>>();
  private old = new Map<string, CachedAnswer<Tag>>();
  private youngBytes = 0;
  constructor(
    private readonly generationSize = 8_192,
    private readonly generationBytes = 8 << 20,
  ) {}

  /** Bytes of any query that can be a key: all but the ID. */
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

  /** `bytes`: of all its forms. */
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
