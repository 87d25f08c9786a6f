// From a write and the facts about its keys to one transaction of etcd, or to the error that refuses the write. The transaction compares
// every fact that it uses, so it happens only while the facts hold. Pure.
import { AlreadyClaimed, AlreadyExists, AppError, Conflict, NotFound, TooLarge } from '../../base/errors';
import type { Together } from '../store';
import type { Facts, HeldList, Present, Write } from './facts';
import { claimRow, claimRows, claimsOfKey, encodeValue, firstMarkedAbove0, revisionAt, step } from './layout';
import { type Compare, compareResult, compareTarget, type RequestOp } from './protocol';

export interface Plan {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  /** The new values of keys that change together with the write. */
  readonly changed: readonly { readonly key: string; readonly index: number; readonly value: Buffer }[];
}

/** The order of the checks is that of the port: what the write expects, then what `together` decides, then claims. */
export function planWrite(write: Write, facts: Facts): Plan | AppError {
  const { key } = write;
  if (write.together.length >= step) return new TooLarge(`${key} changes more than ${step - 1} other keys with it`);
  const present = facts.values.get(key);
  const refusal = refuse(write, present);
  if (refusal) return refusal;
  const compare: Compare[] = [];
  const success: RequestOp[] = [];
  const rest: RequestOp[] = [];
  const changed: { key: string; index: number; value: Buffer }[] = [];
  compare.push(...compareValue(key, present, facts.areObserved));
  if (write.verb === 'create' || write.verb === 'update') success.push(put(key, encodeValue(write.value, 0)));
  if (write.verb === 'delete') success.push(remove(Buffer.from(key)));
  try {
    for (const other of write.together) {
      const index = success.length;
      const found = facts.values.get(other.key) ?? undefined;
      compare.push(...compareValue(other.key, found, true));
      const value = decide(other, found);
      if (value === undefined) continue;
      if (value === gone) {
        success.push(remove(Buffer.from(other.key)));
        freeAll(other.key, facts.held.get(other.key), compare, rest);
      } else {
        success.push(put(other.key, encodeValue(value, index)));
        if (other.action === 'change') changed.push({ key: other.key, index, value });
      }
    }
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  if (write.verb === 'delete') freeAll(key, facts.held.get(key), compare, rest);
  const claimed = planClaims(write, facts, compare, rest);
  return claimed ?? { compare, success: [...success, ...rest], changed };
}

function refuse({ verb, key, expectedRevision }: Write, present: Present | undefined | null): AppError | undefined {
  if (verb === 'create') return present === undefined ? undefined : new AlreadyExists(`key ${key} already exists`);
  if (present === undefined) return new NotFound(`key ${key} not found`);
  if (present === null || expectedRevision === undefined) return undefined;
  const revision = revisionAt(present.main, present.index);
  if (revision === expectedRevision) return undefined;
  return new Conflict(`key ${key} is at revision ${revision}, not ${expectedRevision}`);
}

const gone = Symbol('deleted');

/** @throws AlreadyClaimed, what a change throws */
function decide(other: Together, found: Present | undefined): Buffer | typeof gone | undefined {
  if (other.action === 'create') {
    if (found) throw new AlreadyClaimed(other.claim, other.key);
    return other.value;
  }
  if (!found) return undefined;
  if (other.action === 'delete') return other.applies(found.value) ? gone : undefined;
  return other.change(found.value);
}

/** Adds what the claims of the write need; the error of a claim that another key holds. */
function planClaims(
  { verb, key, claims }: Write,
  { held, owners }: Facts,
  compare: Compare[],
  rest: RequestOp[],
): AlreadyClaimed | undefined {
  if (!claims) return undefined;
  const { main, claims: before } = held.get(key) ?? { main: 0, claims: [] };
  const had = new Set(before);
  const wanted = new Set(claims);
  const taken = [...wanted].filter((claim) => !had.has(claim));
  const dropped = before.filter((claim) => !wanted.has(claim));
  for (const claim of verb === 'adopt' ? [] : taken) {
    const [owner] = owners.get(claim) ?? [];
    if (owner !== undefined) return new AlreadyClaimed(claim, owner);
    // No row in the range: etcd compares a missing key as one with revision 0.
    compare.push({ result: compareResult.equal, target: compareTarget.create, ...claimRows(claim), createRevision: 0 });
  }
  if (taken.length + dropped.length === 0) return undefined;
  compare.push(compareMain(claimsOfKey(key), main));
  for (const claim of taken) rest.push({ requestPut: { key: claimRow(claim, key), value: none } });
  for (const claim of dropped) rest.push(remove(claimRow(claim, key)));
  rest.push(
    wanted.size === 0
      ? remove(claimsOfKey(key))
      : { requestPut: { key: claimsOfKey(key), value: Buffer.from(JSON.stringify([...wanted])) } },
  );
  return undefined;
}

/** Frees the claims of a key that is deleted. */
function freeAll(owner: string, list: HeldList | undefined, compare: Compare[], rest: RequestOp[]): void {
  const { main, claims } = list ?? { main: 0, claims: [] };
  compare.push(compareMain(claimsOfKey(owner), main));
  if (main === 0) return;
  for (const claim of claims) rest.push(remove(claimRow(claim, owner)));
  rest.push(remove(claimsOfKey(owner)));
}

function compareValue(key: string, present: Present | undefined | null, isObserved: boolean): Compare[] {
  const bytes = Buffer.from(key);
  if (present === null) {
    return [{ result: compareResult.greater, target: compareTarget.create, key: bytes, createRevision: 0 }];
  }
  const compare = compareMain(bytes, present?.main ?? 0);
  if (!present || isObserved) return [compare];
  // The revision of the key is assumed, so its index is: 0.
  return [compare, { result: compareResult.less, target: compareTarget.value, key: bytes, value: firstMarkedAbove0 }];
}

const none = Buffer.alloc(0);
const compareMain = (key: Buffer, main: number): Compare => ({
  result: compareResult.equal,
  target: compareTarget.mod,
  key,
  modRevision: main,
});
const put = (key: string, value: Buffer): RequestOp => ({ requestPut: { key: Buffer.from(key), value } });
const remove = (key: Buffer): RequestOp => ({ requestDeleteRange: { key } });
