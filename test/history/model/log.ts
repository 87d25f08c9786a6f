// The log of a history: every version of every object that any answer or event shows, by key and by revision, with the write
// that made it. Revisions give the order, so no search is needed. Pure.
import { Coverage } from './coverage';
import { Floor, sightingsOf } from './floor';
import {
  type History,
  isWrite,
  type Operation,
  type Problem,
  type Revision,
  type Seen,
  show,
  showSeen,
  type Time,
  type Watch,
  type Write,
} from './history';

export interface Version extends Seen {
  readonly type: 'put' | 'delete';
  /** The operation that showed it first. */
  readonly shownBy: Operation;
  readonly shownAt: Time;
  /** Something else than the answer of its own write showed it. */
  isObserved: boolean;
  /** The write that made it. */
  write?: Write;
}

export interface Log {
  readonly start: Revision;
  readonly operations: readonly Operation[];
  /** By revision. */
  readonly versions: readonly Version[];
  /** The versions of each key, by revision. */
  readonly byKey: ReadonlyMap<string, readonly Version[]>;
  readonly coverage: Coverage;
  /** What any client had seen; with the deletions that were confirmed. */
  readonly floor: Floor;
  /** What was wrong already while the log was made. */
  readonly problems: readonly Problem[];
}

/** What one operation shows, with the time. */
function* shown(operation: Operation): Generator<{ type: Version['type']; seen: Seen; at: Time }> {
  const { end } = operation;
  if (operation.op === 'list') {
    for (const page of operation.pages) for (const seen of page.items) yield { type: 'put', seen, at: page.end };
  } else if (operation.op === 'watch') {
    for (const seen of operation.initial ?? []) yield { type: 'put', seen, at: end };
    for (const event of operation.events) {
      if (event.type === 'BOOKMARK') continue;
      yield { type: event.type === 'DELETED' ? 'delete' : 'put', seen: event.object, at: event.at };
    }
  } else if (operation.result) yield { type: 'put', seen: operation.result, at: end };
}

export function readLog({ start, operations }: History): Log {
  const problems: Problem[] = [];
  const coverage = new Coverage(operations.filter((operation) => operation.op === 'watch') as readonly Watch[]);
  const byRevision = new Map<Revision, Version>();
  for (const operation of operations) {
    for (const { type, seen, at } of shown(operation)) {
      const isObserved = !isWrite(operation);
      const known = byRevision.get(seen.revision);
      if (!known) byRevision.set(seen.revision, { ...seen, type, shownBy: operation, shownAt: at, isObserved });
      else {
        if (isObserved) known.isObserved = true;
        const difference = differs(known, type, seen);
        if (difference !== undefined) problems.push(disagreement(known, operation, seen, difference));
        else if (at < known.shownAt) byRevision.set(seen.revision, { ...known, shownBy: operation, shownAt: at });
      }
    }
  }
  const shownVersions = [...byRevision.values()].sort((a, b) => a.revision - b.revision);
  // Where a watch should have shown a write and nothing did, the write is lost: the other checks go on without it.
  const isLost = ({ isObserved, key, revision }: Version) =>
    !isObserved && coverage.covers(key, revision - 1, revision);
  const versions = shownVersions.filter((version) => !isLost(version));
  for (const version of shownVersions.filter(isLost))
    problems.push(lost(version.shownBy, 'no watch, list or get shows it'));
  const byKey = Map.groupBy(versions, ({ key }) => key);
  problems.push(...attribute(operations.filter(isWrite), versions));
  const deletions = versions.flatMap(({ type, revision, write }) =>
    type === 'delete' && write?.outcome === 'done' ? [{ at: write.end, revision, operation: write }] : [],
  );
  const floor = new Floor([...operations.flatMap(sightingsOf), ...deletions]);
  return { start, operations, versions, byKey, coverage, floor, problems };
}

export const lost = (write: Operation, why: string): Problem => ({
  check: 'acknowledged',
  message: `${show(write)} is lost: ${why}`,
  operations: [write.id],
});

function differs(known: Version, type: Version['type'], seen: Seen): string | undefined {
  if (known.key !== seen.key) return 'another object';
  if (known.type !== type) return 'a deletion and a state';
  if (known.value !== seen.value) return 'another value';
  if (known.uid !== seen.uid) return 'another uid';
  const [a, b] = [known, seen].map(({ claims = [] }) => claims.join(' '));
  return a === b ? undefined : `other claims: ${a} and ${b}`;
}

const disagreement = (known: Version, operation: Operation, seen: Seen, difference: string): Problem => ({
  check: 'agreement',
  message: `revision ${seen.revision} is ${known.type} ${showSeen(known)} for ${show(known.shownBy)}, but ${showSeen(seen)} for ${show(operation)}: ${difference}`,
  operations: [known.shownBy.id, operation.id],
});

/** Finds the write of each version: by its value, a deletion by the uid. */
function attribute(writes: readonly Write[], versions: readonly Version[]): Problem[] {
  const problems: Problem[] = [];
  const byValue = new Map(
    writes.flatMap((write) => (write.value === undefined ? [] : [[write.value, write] as const])),
  );
  const deletions = Map.groupBy(
    writes.filter(({ op }) => op === 'delete'),
    ({ key }) => key,
  );
  const effects = new Map<Write, Version>();
  const newest = new Map<string, Version>();
  for (const version of versions) {
    const { key } = version;
    const write =
      version.type === 'put'
        ? byValue.get(version.value)
        : deletionOf(version, newest.get(key), deletions.get(key) ?? [], effects);
    newest.set(key, version);
    const from = `${version.type} ${showSeen(version)}, shown by ${show(version.shownBy)},`;
    if (!write || write.key !== key) {
      problems.push({
        check: 'acknowledged',
        message: `${from} was not written by any request`,
        operations: [version.shownBy.id],
      });
      continue;
    }
    const wrong = (message: string) =>
      problems.push({
        check: 'acknowledged',
        message: `${from} ${message}`,
        operations: [version.shownBy.id, write.id],
      });
    if (write.outcome === 'refused') wrong(`was written by ${show(write)}`);
    if (version.shownAt < write.start) wrong(`was visible before ${show(write)} began`);
    const other = effects.get(write);
    if (other && version.type === 'put')
      wrong(`is the second effect of ${show(write)}; the first is at ${other.revision}`);
    effects.set(write, version);
    version.write = write;
  }
  return problems;
}

/**
 * The confirmed deletion of this uid, else one that may have happened: it was not used for another version, its condition fits, and it
 * began before the version was seen. Those with a condition come first, since they fit no other version; then the oldest.
 */
function deletionOf(
  version: Version,
  before: Version | undefined,
  deletions: readonly Write[],
  used: ReadonlyMap<Write, Version>,
) {
  const confirmed = deletions.find(({ deleted }) => deleted === version.uid);
  if (confirmed) return confirmed;
  const possible = deletions.filter(({ start, deleted }) => start <= version.shownAt && deleted === undefined);
  const rank = ({ expected, start }: Write) => (expected === undefined ? start : -1);
  const unknown = possible
    .filter((write) => write.outcome === 'unknown' && !used.has(write))
    .filter(({ expected }) => expected === undefined || expected === before?.revision);
  return unknown.sort((a, b) => rank(a) - rank(b))[0] ?? possible.find(({ outcome }) => outcome === 'refused');
}

/** The place of the last version with a revision up to this one, or -1. */
export function lastUpTo(versions: readonly Version[], revision: Revision): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (versions[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
