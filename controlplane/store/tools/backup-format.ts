// The format of a backup, the same for every backend. Pure: bytes in, bytes out.
//
//   k8ts backup 1\n                 the version of the format
//   LENGTH HEAD VALUE ...           records: the header, then one for each key in ascending order, then the end
//   SHA-256                         of all bytes before it
//
// LENGTH is that of HEAD in bytes (32 bits, big-endian). HEAD is JSON. VALUE has the number of bytes that HEAD says, as they are in
// the store: an encrypted value stays encrypted. A reader and a writer hold one record at a time.
import { createHash, type Hash } from 'node:crypto';
import { Unsupported } from '../../base/errors';
import type { Claims, StoredValue } from '../store';

/** One key with what it holds. */
export interface Entry extends Pick<StoredValue, 'key' | 'value' | 'modRevision'> {
  /** Sorted. */
  readonly claims: Claims;
}

export interface BackupHeader {
  /** The newest revision of the store at the moment of the backup. */
  readonly revision: number;
  /** RFC 3339. */
  readonly created: string;
  /** The version of k8ts that wrote it. */
  readonly version: string;
}

export interface Backup {
  readonly header: BackupHeader;
  /** Can be read once. @throws Unsupported for a file that is cut off or damaged: complete only when it has ended. */
  readonly entries: AsyncIterable<Entry>;
}

interface EntryHead {
  readonly key: string;
  readonly mod: number;
  readonly claims?: Claims;
  readonly bytes: number;
}

const magic = Buffer.from('k8ts backup ');
const formatVersion = 1;
const lengthBytes = 4;
const hashBytes = 32;
/** A head has one key and its claims; a value is one object. Greater numbers are damage, and must not take memory. */
const maxHeadBytes = 1 << 22;
const maxValueBytes = 1 << 27;
/** Far more than a server can reach, and as far from the greatest number that stays exact: a restore adds to it. */
const maxRevision = 2 ** 52;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** The parts of a backup, in order. Joins small records: each part has about 256 KiB or more, but the last. */
export async function* encodeBackup(header: BackupHeader, entries: AsyncIterable<Entry>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const pack = (parts: readonly Buffer[]) => {
    const part = Buffer.concat(parts);
    hash.update(part);
    return part;
  };
  let parts = [Buffer.concat([magic, Buffer.from(`${formatVersion}\n`)]), ...record(header)];
  let size = 0;
  let count = 0;
  for await (const { key, value, modRevision, claims } of entries) {
    const held = claims.length > 0 ? { claims } : {};
    const head: EntryHead = { key, mod: modRevision, ...held, bytes: value.length };
    parts.push(...record(head), value);
    size += value.length + key.length;
    count++;
    if (size < partBytes) continue;
    yield pack(parts);
    parts = [];
    size = 0;
  }
  parts.push(...record({ end: count }));
  yield pack(parts);
  yield hash.digest();
}
const partBytes = 1 << 18;

function record(head: object): Buffer[] {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(text.length);
  return [length, text];
}

/** @throws Unsupported for bytes that are no backup, or one of a newer version */
export async function decodeBackup(chunks: AsyncIterable<Buffer>): Promise<Backup> {
  const bytes = new HashedBytes(chunks[Symbol.asyncIterator]());
  const line = await bytes.take(magic.length + 2);
  if (!line?.subarray(0, magic.length).equals(magic))
    throw new Unsupported('it is not a backup made by k8ts store backup');
  const version = line.toString('latin1', magic.length);
  if (version !== `${formatVersion}\n`) {
    throw new Unsupported(`it was written by a newer version (format ${version.trim()}, this is ${formatVersion})`);
  }
  const header = (await bytes.head()) as unknown as BackupHeader;
  const { revision, created } = header;
  if (!(Number.isSafeInteger(revision) && revision >= 0 && revision <= maxRevision)) {
    throw damaged('its header has no revision');
  }
  // How far restored revisions are from those of the backup follows from it.
  if (typeof created !== 'string' || !time.test(created) || Number.isNaN(Date.parse(created))) {
    throw damaged('its header has no time');
  }
  return { header, entries: entriesOf(bytes) };
}

async function* entriesOf(bytes: HashedBytes): AsyncGenerator<Entry> {
  let last = '';
  for (let count = 0; ; count++) {
    const head = await bytes.head();
    if ('end' in head) {
      if (head['end'] !== count) throw damaged(`it has ${count} keys, and should have ${head['end']}`);
      return bytes.checkEnd();
    }
    const { key, mod, claims = [], bytes: size } = head as unknown as EntryHead;
    if (!isKey(key) || !Number.isInteger(size) || size < 0 || size > maxValueBytes || !areClaims(claims)) {
      throw damaged(`record ${count} is wrong`);
    }
    if (count > 0 && Buffer.compare(Buffer.from(key), Buffer.from(last)) <= 0) throw damaged(`${key} follows ${last}`);
    last = key;
    const value = await bytes.need(size);
    // A copy: the value may outlive the chunk of the file that it is a part of.
    yield { key, value: Buffer.from(value), modRevision: mod, claims };
  }
}

// A checksum is no signature: a file from elsewhere may have one, whatever its records are.
const isKey = (key: unknown): key is string => typeof key === 'string' && key.startsWith('/registry/');
const areClaims = (claims: unknown): claims is Claims =>
  Array.isArray(claims) && claims.every((claim) => typeof claim === 'string');

/** Bytes of a stream in the sizes that a reader asks for, and the hash of those that were taken. */
class HashedBytes {
  private rest: Buffer = Buffer.alloc(0);
  private readonly hash: Hash = createHash('sha256');

  constructor(private readonly chunks: AsyncIterator<Buffer>) {}

  /** Undefined when the stream ends before. */
  async take(size: number): Promise<Buffer | undefined> {
    if (this.rest.length < size) await this.fetch(size);
    if (this.rest.length < size) return undefined;
    const taken = this.rest.subarray(0, size);
    this.rest = this.rest.subarray(size);
    this.hash.update(taken);
    return taken;
  }

  async need(size: number): Promise<Buffer> {
    const taken = await this.take(size);
    if (!taken) throw damaged('it ends too early');
    return taken;
  }

  async head(): Promise<Readonly<Record<string, unknown>>> {
    const length = (await this.need(lengthBytes)).readUInt32BE();
    if (length > maxHeadBytes) throw damaged('a record is too long');
    const text = (await this.need(length)).toString();
    try {
      const head: unknown = JSON.parse(text);
      if (typeof head === 'object' && head !== null) return head as Record<string, unknown>;
    } catch {
      // The same as JSON that is no object.
    }
    throw damaged('a record is not JSON');
  }

  /** The hash is the last thing in the stream. */
  async checkEnd(): Promise<void> {
    const expected = this.hash.digest();
    await this.fetch(hashBytes + 1);
    if (this.rest.length < hashBytes) throw damaged('it ends too early');
    if (!this.rest.equals(expected)) throw damaged('its checksum is wrong');
  }

  private async fetch(size: number): Promise<void> {
    const parts = [this.rest];
    let have = this.rest.length;
    while (have < size) {
      const { done, value } = await this.chunks.next();
      if (done) break;
      parts.push(value);
      have += value.length;
    }
    if (parts.length > 1) this.rest = Buffer.concat(parts);
  }
}

const damaged = (why: string) => new Unsupported(`it is damaged: ${why}`);
