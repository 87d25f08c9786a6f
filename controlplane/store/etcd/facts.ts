// What a write needs to know of the keys that it concerns, and where that comes from: an assumption (most writes succeed, and then one
// request is enough) or an answer of etcd (one revision for all of it). Pure.
import type { Claims, Together } from '../store';
import { claimRows, claimsOfKey, decodeValue, indexOf, mainOf, readClaimRow } from './layout';
import type { KeyValue, RangeRequest, RequestOp, TxnResponse } from './protocol';

export interface Write {
  readonly verb: 'create' | 'update' | 'delete' | 'adopt';
  readonly key: string;
  readonly value: Buffer;
  readonly expectedRevision: number | undefined;
  readonly claims: Claims | undefined;
  readonly together: readonly Together[];
}

/** The present value of a key. The revision is that of etcd. */
export interface Present {
  readonly main: number;
  readonly index: number;
  readonly value: Buffer;
}
/** The claims that a key holds, and the revision of etcd at which the list was written; 0 for none. */
export interface HeldList {
  readonly main: number;
  readonly claims: Claims;
}

export interface Facts {
  /** Read from etcd at one revision: only such facts may refuse a write. */
  readonly areObserved: boolean;
  /** By key: the key of the write and those together with it. Null: the key exists, in whatever version. */
  readonly values: ReadonlyMap<string, Present | undefined | null>;
  /** By key: of the write if it changes claims, and of keys that are deleted together with it. */
  readonly held: ReadonlyMap<string, HeldList>;
  /** By claim: holders of the claims that the write wants. */
  readonly owners: ReadonlyMap<string, readonly string[]>;
}

const noList: HeldList = { main: 0, claims: [] };
const empty = Buffer.alloc(0);

/**
 * Facts under which a write needs no reading first; undefined when it must read. `last` has the values of keys as this process has
 * written them last.
 */
export function assume(
  { verb, key, expectedRevision, claims, together }: Write,
  last: ReadonlyMap<string, Present>,
): Facts | undefined {
  const values = new Map<string, Present | undefined | null>();
  for (const other of together) {
    const known = other.action === 'change' ? last.get(other.key) : undefined;
    if (other.action !== 'create' && !known) return undefined;
    values.set(other.key, known);
  }
  if (verb === 'create') values.set(key, undefined);
  else if (verb === 'adopt' || claims) return undefined;
  else if (expectedRevision === undefined) values.set(key, null);
  else if (indexOf(expectedRevision) !== 0) return undefined;
  else values.set(key, { main: mainOf(expectedRevision), index: 0, value: empty });
  return { areObserved: false, values, held: new Map([[key, noList]]), owners: new Map() };
}

/** The keys of whose claims the write needs the list. */
const listsOf = ({ verb, key, claims, together }: Write): string[] => [
  ...(verb === 'delete' || claims ? [key] : []),
  ...together.flatMap((other) => (other.action === 'delete' ? [other.key] : [])),
];
const wantedOf = ({ verb, claims }: Write): readonly string[] => (verb === 'adopt' ? [] : [...new Set(claims)]);

/** One request of etcd that reads all facts of a write; readAnswer() reads its answers, which have the same order. */
export function questions(write: Write): readonly RequestOp[] {
  const range = (request: RangeRequest): RequestOp => ({ requestRange: request });
  return [
    ...[write.key, ...write.together.map(({ key }) => key)].map((key) => range({ key: Buffer.from(key) })),
    ...listsOf(write).map((key) => range({ key: claimsOfKey(key) })),
    ...wantedOf(write).map((claim) => range({ ...claimRows(claim), keysOnly: true })),
  ];
}

export function readAnswer(write: Write, { responses }: Pick<TxnResponse, 'responses'>): Facts {
  const answers = responses.map(({ responseRange }) => responseRange?.kvs ?? [])[Symbol.iterator]();
  const next = (): readonly KeyValue[] => answers.next().value ?? [];
  const values = new Map<string, Present | undefined>();
  for (const key of [write.key, ...write.together.map((other) => other.key)]) {
    const [found] = next();
    values.set(key, found && { main: found.modRevision, ...decodeValue(found.value) });
  }
  const held = new Map<string, HeldList>();
  for (const key of listsOf(write)) {
    const [found] = next();
    held.set(key, found ? { main: found.modRevision, claims: JSON.parse(found.value.toString()) as Claims } : noList);
  }
  const owners = new Map<string, readonly string[]>();
  for (const claim of wantedOf(write)) {
    owners.set(
      claim,
      next().map(({ key }) => readClaimRow(key).owner),
    );
  }
  return { areObserved: true, values, held, owners };
}
