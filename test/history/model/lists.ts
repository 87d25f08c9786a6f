// Lists are snapshots: equal to the state that the log gives at their resourceVersion. The pages of one list are one snapshot. Pure.
import { type List, type Operation, type Problem, type Revision, type Seen, show, showSeen } from './history';
import type { Log, Version } from './log';

/** A state that an operation shows: all keys of a scope, or those up to a last one. */
interface Snapshot {
  readonly operation: Operation;
  readonly scope: string;
  readonly revision: Revision;
  readonly items: readonly Seen[];
  /** Undefined: the list is complete. */
  readonly upTo?: string;
}

export function checkLists(log: Log): readonly Problem[] {
  const snapshots = log.operations.flatMap(snapshotsOf);
  return [...Map.groupBy(snapshots, ({ scope }) => scope)].flatMap(([scope, some]) => checkScope(log, scope, some));
}

function snapshotsOf(operation: Operation): Snapshot[] {
  if (operation.op === 'watch') {
    const { scope, from: revision, initial: items } = operation;
    return items ? [{ operation, scope, revision, items }] : [];
  }
  if (operation.op !== 'list') return [];
  const { scope, pages } = operation;
  if (!pages[0]) return [];
  const items = pages.flatMap((page) => page.items);
  const upTo = pages.at(-1)!.more ? { upTo: items.at(-1)?.key ?? '' } : {};
  return [{ operation, scope, revision: pages[0].revision, items, ...upTo }];
}

/** Plays the log and compares each snapshot with the state at its revision. */
function checkScope(log: Log, scope: string, snapshots: readonly Snapshot[]): Problem[] {
  const versions = log.versions.filter(({ key }) => key.startsWith(scope));
  const state = new Map<string, Version>();
  let at = 0;
  return [...snapshots]
    .sort((a, b) => a.revision - b.revision)
    .flatMap((snapshot) => {
      for (; at < versions.length && versions[at]!.revision <= snapshot.revision; at++)
        state.set(versions[at]!.key, versions[at]!);
      return compare(log, snapshot, state);
    });
}

function compare(
  log: Log,
  { operation, revision, items, upTo }: Snapshot,
  state: ReadonlyMap<string, Version>,
): Problem[] {
  const problems: Problem[] = [];
  const wrong = (message: string, version?: Version) => {
    const { write } = version ?? {};
    const text = `${show(operation)} at ${revision} ${message}${write ? ` of ${show(write)}` : ''}`;
    problems.push({ check: 'lists', message: text, operations: [operation.id, ...(write ? [write.id] : [])] });
  };
  const listed = new Set<string>();
  for (const item of items) {
    const version = state.get(item.key);
    if (listed.has(item.key)) wrong(`has ${item.key} twice`);
    listed.add(item.key);
    if (item.revision > revision) wrong(`has ${showSeen(item)}, which is newer`);
    else if (version && version.revision !== item.revision)
      wrong(`has ${showSeen(item)} instead of ${version.type} ${showSeen(version)}`, version);
    else if (version?.type === 'delete') wrong(`has ${showSeen(item)}, which was deleted`, version);
  }
  for (const [key, version] of state) {
    if (version.type === 'delete' || listed.has(key) || (upTo !== undefined && key > upTo)) continue;
    if (log.coverage.covers(key, version.revision, revision)) wrong(`misses ${showSeen(version)}`, version);
  }
  return problems;
}

/** Pages: one revision, growing keys, not more items than asked for, nothing empty before the end. */
export function checkPages({ operations }: Log): readonly Problem[] {
  return operations.flatMap((operation) => (operation.op === 'list' ? [...checkPagesOf(operation)] : []));
}

function* checkPagesOf(list: List): Generator<Problem> {
  const { pages, limit = Number.POSITIVE_INFINITY, id } = list;
  const problem = (message: string): Problem => ({
    check: 'pages',
    message: `${show(list)}: ${message}`,
    operations: [id],
  });
  let last = '';
  for (const [i, page] of pages.entries()) {
    const { revision, items, more } = page;
    if (revision !== pages[0]!.revision)
      yield problem(`page ${i + 1} is of revision ${revision}, the first of ${pages[0]!.revision}`);
    if (items.length > limit) yield problem(`page ${i + 1} has ${items.length} items`);
    if (more && items.length === 0) yield problem(`page ${i + 1} is empty, though more follow`);
    for (const { key } of items) {
      if (key <= last) yield problem(`page ${i + 1} has ${key} after ${last}`);
      if (!key.startsWith(list.scope)) yield problem(`page ${i + 1} has ${key}, which is not in its scope`);
      last = key;
    }
  }
  if (list.outcome === 'done' && pages.at(-1)?.more) yield problem('the last page announces more');
}
