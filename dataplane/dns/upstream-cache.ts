// Caches upstream servers' answers for names outside the zone, as received bytes, for as long as their TTLs allow.
import { optType, rcodeOf, readRecords } from './raw';

const soaType = 6;
const maxTtl = 3_600;
/**
 * Upper bound for caching the absence of a name, whatever its SOA says (RFC 2308 advises hours; a name may be created at any
 * time).
 */
const maxNegativeTtl = 30;

interface Entry {
  readonly message: Buffer;
  readonly storedAt: number;
  readonly ttl: number;
  readonly ttlOffsets: readonly number[];
}

/**
 * How long an answer may be kept, in seconds, and the offsets of its TTLs. 0 for messages that must not be kept: failures,
 * malformed messages, negative answers without an SOA.
 */
export function planCaching(message: Buffer): { readonly ttl: number; readonly ttlOffsets: readonly number[] } {
  const records = readRecords(message)?.filter((record) => record.type !== optType);
  const rcode = rcodeOf(message);
  if (!records || (rcode !== 0 && rcode !== 3)) return { ttl: 0, ttlOffsets: [] };
  const ttlOffsets = records.map((record) => record.ttlAt);
  const answers = records.filter((record) => record.section === 'answer');
  if (rcode === 0 && answers.length > 0) {
    const ttls = answers.map((record) => message.readUInt32BE(record.ttlAt));
    return { ttl: Math.min(maxTtl, ...ttls), ttlOffsets };
  }
  const soa = records.find((record) => record.section === 'authority' && record.type === soaType);
  if (!soa || soa.end - soa.dataAt < 4) return { ttl: 0, ttlOffsets: [] };
  // RFC 2308, section 5: the smaller of the SOA's own TTL and its last field.
  const minimum = message.readUInt32BE(soa.end - 4);
  return { ttl: Math.min(maxNegativeTtl, minimum, message.readUInt32BE(soa.ttlAt)), ttlOffsets };
}

export class UpstreamCache {
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;
  /** Bounded by bytes as well: an answer by TCP has up to 64 kB, and the owner of a domain decides its length. */
  constructor(
    private readonly maxEntries = 10_000,
    private readonly maxBytes = 16 << 20,
  ) {}

  /** A copy with current TTLs; `nowMs` is from any monotonic clock. */
  get(key: string, nowMs: number): Buffer | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    const age = Math.floor((nowMs - entry.storedAt) / 1_000);
    if (age >= entry.ttl) {
      this.remove(key);
      return undefined;
    }
    const copy = Buffer.from(entry.message);
    for (const at of entry.ttlOffsets) copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(at) - age), at);
    return copy;
  }

  set(key: string, message: Buffer, nowMs: number): void {
    const { ttl, ttlOffsets } = planCaching(message);
    if (ttl <= 0) return;
    this.remove(key);
    // Removes the oldest first: a Map keeps the order of insertion.
    while (this.entries.size > 0 && this.isFull(message.length)) this.remove(this.entries.keys().next().value!);
    if (this.isFull(message.length)) return;
    this.entries.set(key, { message, storedAt: nowMs, ttl, ttlOffsets });
    this.bytes += message.length;
  }

  private isFull(more: number): boolean {
    return this.entries.size >= this.maxEntries || this.bytes + more > this.maxBytes;
  }

  private remove(key: string): void {
    this.bytes -= this.entries.get(key)?.message.length ?? 0;
    this.entries.delete(key);
  }
}
