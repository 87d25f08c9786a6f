// What the store's keys, values and revisions are in etcd. Pure.
//
//   /registry/GROUP/RESOURCE/NAMESPACE/NAME      the value: the JSON text of the object, as `etcdctl get` shows it
//   k8ts/claims/CLAIM, zero byte, OWNER          one for each claim that a key holds; no value
//   k8ts/claims-of/KEY                           the claims of a key, as JSON
//   k8ts/format                                  the version of this layout
//   k8ts/revision-shift, k8ts/filling            of restored and migrated stores: shifted-store.ts
//
// etcd gives all changes of a transaction one revision, and a client of the API resumes a watch after the revision of the last event
// that it saw. Each event therefore needs a revision of its own: 100 times that of etcd, plus the index of the key in its transaction.
import { fillingKey, shiftKey } from '../shifted-store';

/** Revisions of the store for one of etcd. A transaction may change this many keys of values, less one. */
export const step = 100;
const lastIndex = step - 1;

/** The state after the complete transaction. */
export const endOf = (main: number): number => main * step + lastIndex;
export const mainOf = (revision: number): number => Math.floor(revision / step);
export const indexOf = (revision: number): number => revision % step;
export const revisionAt = (main: number, index: number): number => main * step + index;

const claimsPrefix = 'k8ts/claims/';
const claimsOfPrefix = 'k8ts/claims-of/';
export const formatKey = Buffer.from('k8ts/format');
export const format = '1';

const shiftBytes = Buffer.from(shiftKey);
const fillingBytes = Buffer.from(fillingKey);

/** Whether this change of a key that is no value means that a server with the store open must open it again. */
export function isReplacement(key: Buffer, isDeletion: boolean): boolean {
  if (key.equals(shiftBytes)) return true;
  return isDeletion ? key.equals(formatKey) : key.equals(fillingBytes);
}

/** All keys of values begin with this. */
const valuePrefix = 0x2f;
export const isValueKey = (key: Buffer): boolean => key[0] === valuePrefix;

export const claimRow = (claim: string, owner: string): Buffer => Buffer.from(`${claimsPrefix}${claim}\0${owner}`);
/** The rows of a claim, of all its holders: from the first key to the one before the second key. */
export const claimRows = (claim: string): { readonly key: Buffer; readonly rangeEnd: Buffer } => ({
  key: Buffer.from(`${claimsPrefix}${claim}\0`),
  rangeEnd: Buffer.from(`${claimsPrefix}${claim}\x01`),
});
export const allClaimRows = { key: Buffer.from(claimsPrefix), rangeEnd: afterPrefix(Buffer.from(claimsPrefix)) };
export const claimsOfKey = (owner: string): Buffer => Buffer.from(claimsOfPrefix + owner);

export function readClaimRow(key: Buffer): { readonly claim: string; readonly owner: string } {
  const end = key.indexOf(0);
  return { claim: key.toString('utf8', claimsPrefix.length, end), owner: key.toString('utf8', end + 1) };
}

/** The first key after all keys with this prefix. An empty prefix is that of all values. */
export function afterPrefix(prefix: Buffer): Buffer {
  if (prefix.length === 0) return Buffer.from([valuePrefix + 1]);
  const end = Buffer.from(prefix);
  end[end.length - 1]!++;
  return end;
}

/** A value whose first byte is this or more begins with the index of its key in the transaction; JSON text never does. */
const indexMark = 0x80;
/** Greater than all values with index 0 that need no mark, and than those that have it. */
export const firstMarkedAbove0 = Buffer.from([indexMark + 1]);
const empty = Buffer.alloc(0);

export function encodeValue(value: Buffer, index: number): Buffer {
  if (index === 0 && (value.length === 0 || value[0]! < indexMark)) return value;
  return Buffer.concat([Buffer.from([indexMark + index]), value]);
}

/** The result shares no memory with `stored`, which may be a part of a large answer. */
export function decodeValue(stored: Buffer): { readonly value: Buffer; readonly index: number } {
  if (stored.length === 0) return { value: empty, index: 0 };
  const first = stored[0]!;
  return first < indexMark
    ? { value: Buffer.from(stored), index: 0 }
    : { value: Buffer.from(stored.subarray(1)), index: first - indexMark };
}
