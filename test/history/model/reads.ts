// Reads are linearizable: a GET or LIST without resourceVersion shows nothing older than what any client had seen before the read
// began; other reads keep what their options promise. And revisions never go back for a client. Pure.
import { Floor, type Sighting, sightingsOf } from './floor';
import { type Get, type List, type Operation, type Problem, show, showSeen, type Watch } from './history';
import { type Log, lastUpTo } from './log';

export function checkReads(log: Log): readonly Problem[] {
  return log.operations.flatMap((operation) => {
    const { op, outcome } = operation;
    if (op === 'get' && operation.match === 'newest' && outcome === 'done') {
      return stale('reads', log, operation, log.floor.before(operation.start));
    }
    if (op === 'watch' && operation.initial) {
      return old('reads', operation, operation.from, log.floor.before(operation.start));
    }
    return op === 'list' ? [...checkList(log, operation)] : [];
  });
}

function* checkList(log: Log, list: List): Generator<Problem> {
  const [first] = list.pages;
  if (!first) return;
  const { match, revision: wanted = 0 } = list;
  if (match === 'newest') yield* old('reads', list, first.revision, log.floor.before(list.start));
  const problem = (message: string) => ({ check: 'reads', message: `${show(list)} ${message}`, operations: [list.id] });
  if (match === 'notOlderThan' && first.revision < wanted)
    yield problem(`was answered with the state at ${first.revision}`);
  if (match === 'exact' && first.revision !== wanted) yield problem(`was answered with the state at ${first.revision}`);
}

/** A list, or the first objects of a watch, at a revision lower than one seen before. */
function old(check: string, list: List | Watch, revision: number, seen: Sighting | undefined): Problem[] {
  if (!seen || revision >= seen.revision) return [];
  const message = `${show(list)} shows the state at ${revision}, but before it began ${show(seen.operation)} had shown ${seen.revision}`;
  return [{ check, message, operations: [list.id, seen.operation.id] }];
}

/** A GET that shows a version which a later one had already replaced, or no object though one existed all the time. */
function stale(check: string, log: Log, get: Get, seen: Sighting | undefined): Problem[] {
  const versions = log.byKey.get(get.key) ?? [];
  const at = lastUpTo(versions, seen?.revision ?? 0);
  const newest = versions[at];
  if (!seen || !newest) return [];
  const problem = (message: string) => [
    {
      check,
      message: `${show(get)} ${message}, but before it began ${show(seen.operation)} had shown ${seen.revision}, and ${newest.type} ${showSeen(newest)} is not newer`,
      operations: [get.id, seen.operation.id],
    },
  ];
  if (get.result) return get.result.revision < newest.revision ? problem(`shows ${showSeen(get.result)}`) : [];
  if (newest.type === 'delete' || !log.coverage.coversToEnd(get.key, newest.revision)) return [];
  const deletions = versions.slice(at + 1).filter(({ type }) => type === 'delete');
  return deletions.some(({ write }) => (write?.start ?? 0) <= get.end) ? [] : problem('found no object');
}

/**
 * For each client: what it reads and writes is not older than what it has seen before. A read of any age (resourceVersion 0) is not older
 * than what the same client has seen of the same server: Kubernetes does not promise that, but k8ts does.
 */
export function checkClients(log: Log): readonly Problem[] {
  const clients = Map.groupBy(log.operations, ({ client }) => client);
  return [...clients.values()].flatMap((own) => {
    const all = floorOf(own);
    const servers = new Map(
      [...Map.groupBy(own, ({ server }) => server)].map(([server, some]) => [server, floorOf(some)]),
    );
    return own.flatMap((operation) => {
      const isAny = (operation.op === 'get' || operation.op === 'list') && operation.match === 'any';
      const seen = (isAny ? servers.get(operation.server)! : all).before(operation.start);
      return operation.outcome === 'done' ? goesBack(log, operation, seen) : [];
    });
  });
}

/** A watch counts with what it has sent so far: its revisions are seen one by one. */
const floorOf = (operations: readonly Operation[]): Floor => new Floor(operations.flatMap(sightingsOf));

function goesBack(log: Log, operation: Operation, seen: Sighting | undefined): Problem[] {
  if (operation.op === 'watch' || !seen) return [];
  if (operation.op === 'get') return stale('clients', log, operation, seen);
  if (operation.op === 'list') {
    const { match, pages } = operation;
    return (match === 'newest' || match === 'any') && pages[0]
      ? old('clients', operation, pages[0].revision, seen)
      : [];
  }
  const { result } = operation;
  if (!result || result.revision > seen.revision) return [];
  const message = `${show(operation)} has revision ${result.revision}, but the client had seen ${seen.revision} by ${show(seen.operation)}`;
  return [{ check: 'clients', message, operations: [operation.id, seen.operation.id] }];
}
