// Watches have no gap, keep the order and repeat nothing: each stream is exactly the part of the log that it covers. With checkLists
// this makes a list and the events after it equal to every later list. Pure.
import { type Problem, reached, show, showSeen, type Watch, type WatchEvent } from './history';
import { type Log, lastUpTo, type Version } from './log';

export function checkWatches(log: Log): readonly Problem[] {
  const scopes = new Map<string, readonly Version[]>();
  const versionsOf = (scope: string): readonly Version[] => {
    const known = scopes.get(scope) ?? log.versions.filter(({ key }) => key.startsWith(scope));
    scopes.set(scope, known);
    return known;
  };
  return log.operations.flatMap((operation) =>
    operation.op === 'watch'
      ? [...checkStream(operation), ...checkEvents(log, operation, versionsOf(operation.scope))]
      : [],
  );
}

/** Revisions grow from event to event, and no event is older than a bookmark before it. */
function checkStream(watch: Watch): Problem[] {
  let last = watch.from;
  return watch.events.flatMap((event) => {
    const revision = event.type === 'BOOKMARK' ? event.revision : event.object.revision;
    const isWrong = event.type === 'BOOKMARK' ? revision < last : revision <= last;
    const what = event.type === 'BOOKMARK' ? `a bookmark at ${revision}` : `${event.type} ${showSeen(event.object)}`;
    const problem = {
      check: 'watches',
      message: `${show(watch)} sent ${what} after revision ${last}`,
      operations: [watch.id],
    };
    last = Math.max(last, revision);
    return isWrong ? [problem] : [];
  });
}

function checkEvents(log: Log, watch: Watch, versions: readonly Version[]): Problem[] {
  const first = lastUpTo(versions, watch.from) + 1;
  const wanted = versions.slice(first, lastUpTo(versions, reached(watch)) + 1);
  const got = new Map<number, WatchEvent>();
  for (const event of watch.events) if (event.type !== 'BOOKMARK') got.set(event.object.revision, event);
  const problems: Problem[] = [];
  const wrong = (message: string, { write }: Version) =>
    problems.push({
      check: 'watches',
      message: `${show(watch)} ${message}`,
      operations: [watch.id, ...(write ? [write.id] : [])],
    });
  for (const version of wanted) {
    const event = got.get(version.revision);
    if (!event)
      wrong(`missed ${version.type} ${showSeen(version)}${version.write ? ` of ${show(version.write)}` : ''}`, version);
    else {
      const type = typeOf(log, version) ?? event.type;
      if (event.type !== type) wrong(`sent ${event.type} for ${showSeen(version)} instead of ${type}`, version);
    }
  }
  const scope = watch.events.filter(
    (event): event is WatchEvent => event.type !== 'BOOKMARK' && !event.object.key.startsWith(watch.scope),
  );
  for (const { object } of scope) {
    problems.push({
      check: 'watches',
      message: `${show(watch)} sent ${showSeen(object)}, which is not in its scope`,
      operations: [watch.id],
    });
  }
  return problems;
}

/** How a watch shows this version; undefined when the state before it is not known. */
function typeOf({ byKey, coverage, start }: Log, { key, type, revision }: Version): WatchEvent['type'] | undefined {
  if (type === 'delete') return 'DELETED';
  const versions = byKey.get(key) ?? [];
  const before = versions[lastUpTo(versions, revision) - 1];
  if (!coverage.covers(key, before?.revision ?? start, revision - 1)) return undefined;
  return before?.type === 'put' ? 'MODIFIED' : 'ADDED';
}
