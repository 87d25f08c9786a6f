// Compare-and-swap is linearizable for each key, and all writes together have one order that agrees with time: that of their
// revisions. So no search for an order is needed; each write is compared with the version before it. Pure.
import { isWrite, type Problem, show, showSeen, type Write } from './history';
import { type Log, lastUpTo, type Version } from './log';

export function checkSwaps(log: Log): readonly Problem[] {
  return [...[...log.byKey.values()].flatMap((versions) => checkKey(log, versions)), ...checkOrder(log)];
}

/** Each write of a key follows the version that it expects. */
function checkKey({ coverage, start }: Log, versions: readonly Version[]): Problem[] {
  const problems: Problem[] = [];
  const uids = new Set<string>();
  for (const [i, version] of versions.entries()) {
    const before = versions[i - 1];
    const { write, key, revision } = version;
    // Without a hole between the two, `before` is the state that the write met.
    const isNext = coverage.covers(key, before?.revision ?? start, revision - 1);
    const isAbsent = !before || before.type === 'delete';
    const wrong = (why: string) => {
      const operations = [...(write ? [write.id] : [version.shownBy.id]), ...(before?.write ? [before.write.id] : [])];
      const made = write ? `${show(write)}, at ${revision},` : `${version.type} ${showSeen(version)}`;
      const met = before
        ? `${before.type} ${showSeen(before)}${before.write ? ` of ${show(before.write)}` : ''}`
        : 'no object';
      problems.push({ check: 'swaps', message: `${made} ${why}: before it was ${met}`, operations });
    };
    const expected = write?.expected;
    if (expected !== undefined && before && (before.revision > expected || (isNext && before.revision !== expected))) {
      wrong(`expected ${expected}`);
    } else if (write?.op === 'create') {
      if (isNext && !isAbsent) wrong('created an object that existed');
      if (uids.has(version.uid)) wrong(`reused uid ${version.uid}`);
    } else if (isNext && isAbsent) wrong('changed an object that did not exist');
    else if (isNext && before && before.uid !== version.uid) wrong(`has uid ${version.uid} instead of ${before.uid}`);
    else if (isNext && version.type === 'delete' && before && before.value !== version.value)
      wrong(`deleted another value, ${version.value}`);
    uids.add(version.uid);
  }
  return problems;
}

/** A write has a greater revision than all that any client had seen before it began. */
function checkOrder({ versions, floor }: Log): Problem[] {
  return versions.flatMap(({ write, revision }) => {
    const seen = write && floor.before(write.start);
    if (!seen || seen.revision < revision) return [];
    const message = `${show(write)} has revision ${revision}, but before it began ${show(seen.operation)} had shown ${seen.revision}`;
    return [{ check: 'swaps', message, operations: [write.id, seen.operation.id] }];
  });
}

/**
 * A refusal has a reason: a conflict, if the expected version surely was the current one all the time; "exists" and "not found", if
 * the opposite surely was true all the time.
 */
export function checkRefusals(log: Log): readonly Problem[] {
  return log.operations.filter(isWrite).flatMap((write) => {
    const why = write.outcome === 'refused' ? unjustified(log, write) : undefined;
    return why === undefined
      ? []
      : [
          {
            check: 'refusals',
            message: `${show(write)} with ${write.status} ${write.reason ?? ''}, but ${why}`,
            operations: [write.id],
          },
        ];
  });
}

function unjustified({ byKey, floor, coverage, start }: Log, write: Write): string | undefined {
  const { key, status, reason, expected, end } = write;
  if (status !== 404 && status !== 409) return undefined;
  const versions = byKey.get(key) ?? [];
  const at = lastUpTo(versions, floor.revisionBefore(write.start));
  const version = versions[at];
  if (!coverage.coversToEnd(key, version?.revision ?? start)) return undefined;
  // What may have happened before the refusal: all that began before it.
  const later = versions.slice(at + 1).filter((one) => (one.write?.start ?? 0) <= end);
  const exists = version?.type === 'put';
  if (reason === 'AlreadyExists') {
    return !exists && later.every(({ type }) => type === 'delete') ? 'no object existed at that time' : undefined;
  }
  if (status === 404) {
    return exists && later.every(({ type }) => type === 'put')
      ? `${showSeen(version)} existed all the time`
      : undefined;
  }
  if (expected === undefined) return undefined;
  return version?.revision === expected && later.length === 0 ? 'this was the current version all the time' : undefined;
}
