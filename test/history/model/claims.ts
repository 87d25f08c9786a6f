// Values that one object alone may hold (ClusterIPs, node ports) have one holder at every revision. Pure.
import { type Problem, type Seen, show, showSeen } from './history';
import type { Log, Version } from './log';

export function checkClaims(log: Log): readonly Problem[] {
  return [...checkLog(log), ...checkSnapshots(log)];
}

/** At each revision of the log. */
function checkLog({ versions, coverage }: Log): Problem[] {
  const problems: Problem[] = [];
  const holders = new Map<string, Version>();
  const held = new Map<string, readonly string[]>();
  for (const version of versions) {
    const { key, revision, claims = [], type } = version;
    for (const claim of held.get(key) ?? []) if (holders.get(claim)?.key === key) holders.delete(claim);
    held.delete(key);
    if (type === 'delete') continue;
    for (const claim of claims) {
      const other = holders.get(claim);
      // Without a watch over the time between, the other may have lost it meanwhile.
      if (other && coverage.covers(other.key, other.revision, revision)) {
        const operations = [other.write ?? other.shownBy, version.write ?? version.shownBy];
        const [first, second] = operations.map(show);
        const message = `${claim} was given to ${showSeen(version)} (${second}) while ${showSeen(other)} (${first}) held it`;
        problems.push({ check: 'claims', message, operations: operations.map(({ id }) => id) });
      }
      holders.set(claim, version);
    }
    held.set(key, claims);
  }
  return problems;
}

/** In each list. */
function checkSnapshots({ operations }: Log): Problem[] {
  return operations.flatMap((operation) => {
    if (operation.op !== 'list') return [];
    const holders = new Map<string, Seen>();
    return operation.pages.flatMap(({ items }) =>
      items.flatMap((item) =>
        (item.claims ?? []).flatMap((claim) => {
          const other = holders.get(claim);
          holders.set(claim, item);
          if (!other) return [];
          const message = `${show(operation)} shows ${claim} at ${showSeen(other)} and ${showSeen(item)}`;
          return [{ check: 'claims', message, operations: [operation.id] }];
        }),
      ),
    );
  });
}
