// DNS messages as bytes, where parsing would cost too much or lose information: reads the question, changes the ID, lowers TTLs,
// cuts to size. Offsets are those of RFC 1035, section 4.1. All functions accept any bytes and never throw.

export const headerSize = 12;
export const optType = 41;

export interface RawQuestion {
  /** Lower case, without a trailing dot; '' for the root. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The offset after the question. */
  readonly end: number;
  /** The name is written in lower case only. */
  readonly isLowerCase: boolean;
}

/** The only question of a message; undefined when there is none, more than one, or it is malformed. */
export function readQuestion(message: Buffer): RawQuestion | undefined {
  if (message.length < headerSize || message.readUInt16BE(4) !== 1) return undefined;
  let at = headerSize;
  let isLowerCase = true;
  const labels: string[] = [];
  for (;;) {
    const length = message[at];
    // In the first name of a message a pointer can only point into the header: no correct client sends that.
    if (length === undefined || length > 63) return undefined;
    if (length === 0) break;
    const end = at + 1 + length;
    if (end >= message.length || end - headerSize > 254) return undefined;
    for (let i = at + 1; i < end; i++) {
      const byte = message[i]!;
      // A dot inside a label would make the label look like two.
      if (byte === 0x2e) return undefined;
      if (byte >= 0x41 && byte <= 0x5a) isLowerCase = false;
    }
    labels.push(message.toString('latin1', at + 1, end));
    at = end;
  }
  if (at + 5 > message.length) return undefined;
  const name = labels.join('.');
  return {
    name: isLowerCase ? name : name.toLowerCase(),
    type: message.readUInt16BE(at + 1),
    class: message.readUInt16BE(at + 3),
    end: at + 5,
    isLowerCase,
  };
}

export const isResponse = (message: Buffer): boolean => (message[2]! & 0x80) !== 0;
export const isTruncated = (message: Buffer): boolean => (message[2]! & 0x02) !== 0;
export const rcodeOf = (message: Buffer): number => message[3]! & 0x0f;

/** A copy with the ID of another message. */
export function withId(message: Buffer, query: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(message.length);
  message.copy(copy);
  copy[0] = query[0]!;
  copy[1] = query[1]!;
  return copy;
}

/** One record's place in a message. */
interface RawRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly type: number;
  /** The offset of its owner's name. */
  readonly at: number;
  readonly ttlAt: number;
  readonly dataAt: number;
  readonly end: number;
}

/** All records of a message in order; undefined when it is malformed. */
export function readRecords(message: Buffer): RawRecord[] | undefined {
  const question = readQuestion(message);
  if (!question) return undefined;
  const records: RawRecord[] = [];
  let at = question.end;
  const sections = ['answer', 'authority', 'additional'] as const;
  for (const [i, section] of sections.entries()) {
    for (let n = message.readUInt16BE(6 + 2 * i); n > 0; n--) {
      const fixed = skipName(message, at);
      if (fixed === undefined || fixed + 10 > message.length) return undefined;
      const end = fixed + 10 + message.readUInt16BE(fixed + 8);
      if (end > message.length) return undefined;
      records.push({ section, type: message.readUInt16BE(fixed), at, ttlAt: fixed + 4, dataAt: fixed + 10, end });
      at = end;
    }
  }
  return records;
}

/**
 * RFC 6891, section 6.1.1: at most one OPT, among the additional records, owned by the root. True for a message that
 * readRecords cannot read.
 */
export function hasProperEdns(message: Buffer): boolean {
  const found = (readRecords(message) ?? []).filter(({ type }) => type === optType);
  return found.length <= 1 && found.every(({ section, at }) => section === 'additional' && message[at] === 0);
}

/** The offset after a name, without following its pointer. */
function skipName(message: Buffer, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += length + 1;
  }
}

/** Header and question alone, with the TC bit: the client must ask again over TCP. */
export function truncated(message: Buffer): Buffer {
  const end = readQuestion(message)?.end ?? headerSize;
  const short = Buffer.from(message.subarray(0, end));
  short[2]! |= 0x02;
  short.fill(0, 6, headerSize);
  if (end === headerSize) short.writeUInt16BE(0, 4);
  return short;
}
