// Every acknowledged write is there, until a later write replaces it. What is wrong with the effects of a single write
// (no effect, two effects, an effect of a refused write) is found when the log is made; here: deletions, and the end. Pure.
import { isWrite, type List, type Problem, show, showSeen, type Write } from './history';
import { type Log, lastUpTo, lost, type Version } from './log';

export function checkAcknowledged(log: Log): readonly Problem[] {
  const { operations } = log;
  const finals = operations.filter(
    (operation): operation is List => operation.op === 'list' && operation.final === true,
  );
  return [
    ...log.problems.filter(({ check }) => check === 'acknowledged'),
    ...checkDeletions(log, operations.filter(isWrite)),
    ...finals.flatMap((final) => checkFinal(log, final)),
  ];
}

/** A confirmed deletion of a uid has one version of its own, and no later version has that uid. */
function checkDeletions(log: Log, writes: readonly Write[]): Problem[] {
  const problems: Problem[] = [];
  const confirmed = new Map<string, Write>();
  for (const write of writes) {
    if (write.op !== 'delete' || write.outcome !== 'done' || write.deleted === undefined) continue;
    const id = `${write.key} ${write.deleted}`;
    const other = confirmed.get(id);
    if (other) {
      const message = `${show(other)} and ${show(write)} both deleted the object with uid ${write.deleted}`;
      problems.push({ check: 'acknowledged', message, operations: [other.id, write.id] });
    }
    confirmed.set(id, write);
    const ofObject = (log.byKey.get(write.key) ?? []).filter(({ uid }) => uid === write.deleted);
    const last = ofObject.at(-1);
    if (!last || ofObject.some(({ type }) => type === 'delete')) continue;
    if (log.coverage.coversToEnd(write.key, last.revision)) problems.push(lost(write, 'no watch shows the deletion'));
  }
  return problems;
}

/** The last known version of each key is in the final list. */
function checkFinal(log: Log, final: List): Problem[] {
  const revision = final.pages[0]?.revision ?? 0;
  const items = new Map(final.pages.flatMap(({ items }) => items.map((item) => [item.key, item] as const)));
  const problems: Problem[] = [];
  const wrong = (version: Version, found: string) => {
    const { write } = version;
    const cause = write ? `${show(write)} (${version.type} at ${version.revision})` : showSeen(version);
    const operations = [...(write ? [write.id] : []), final.id];
    problems.push({
      check: 'acknowledged',
      message: `${cause} is lost: ${show(final)} at ${revision} has ${found}`,
      operations,
    });
  };
  for (const [key, versions] of log.byKey) {
    if (!key.startsWith(final.scope)) continue;
    const last = versions[lastUpTo(versions, revision)];
    const item = items.get(key);
    if (!last || last.revision === item?.revision) continue;
    if (item && (last.type === 'put' || last.revision > item.revision)) wrong(last, showSeen(item));
    // Without a watch over the time after it, a deletion may be unknown.
    if (!item && last.type === 'put' && log.coverage.covers(key, last.revision, revision)) wrong(last, `no ${key}`);
  }
  return problems;
}
