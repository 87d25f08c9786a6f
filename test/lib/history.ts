// Judges the records of clients while an API server was killed again and again: writes with their answers, and watches
// that always resumed where they had stopped. Pure. The rules are those of the Kubernetes watch contract: no acknowledged
// write is lost, no event is skipped, repeated or invented, and all watches report the same events.

export interface Write {
  readonly type: 'create' | 'update' | 'delete';
  readonly key: string;
  /** Unique in the history; for a delete, the deleted value. */
  readonly value: string;
  /** resourceVersion of the answer; undefined without an answer: the server may have done the write or not. */
  readonly revision: number | undefined;
}
export interface Seen {
  readonly type: 'create' | 'update' | 'delete';
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}
export interface History {
  readonly writes: readonly Write[];
  /** The events of each watch; all watches began at the same revision. */
  readonly watches: readonly (readonly Seen[])[];
  /** The objects that a list returns at the end: key to value. */
  readonly final: ReadonlyMap<string, string>;
}

/** Everything that is wrong, in words; empty for a history that keeps all promises. */
export function checkHistory({ writes, watches, final }: History): readonly string[] {
  return [
    ...watches.flatMap((events, i) => checkOrder(events).map((problem) => `watch ${i}: ${problem}`)),
    ...watches.slice(1).flatMap((events, i) => checkEqual(watches[0]!, events, i + 1)),
    ...checkWrites(writes, watches[0] ?? []),
    ...checkFinal(watches[0] ?? [], final),
  ];
}

const show = ({ type, key, value, revision }: Seen | Write): string => `${revision ?? '?'} ${type} ${key}=${value}`;

function checkOrder(events: readonly Seen[]): string[] {
  return events.flatMap((event, i) => {
    const before = events[i - 1];
    return before && event.revision <= before.revision ? [`${show(event)} came after ${show(before)}`] : [];
  });
}

function checkEqual(first: readonly Seen[], other: readonly Seen[], index: number): string[] {
  const length = Math.max(first.length, other.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [first[i], other[i]].map((event) => (event ? show(event) : 'nothing'));
    if (a !== b) return [`watch 0 saw ${a} where watch ${index} saw ${b}`];
  }
  return [];
}

function checkWrites(writes: readonly Write[], events: readonly Seen[]): string[] {
  const problems: string[] = [];
  const idOf = ({ type, key, value }: Seen | Write) => `${type} ${key}=${value}`;
  const seen = Map.groupBy(events, idOf);
  const issued = Map.groupBy(writes, idOf);
  for (const write of writes) {
    const found = seen.get(idOf(write)) ?? [];
    if (write.revision === undefined) continue;
    if (found.length === 0) problems.push(`lost: ${show(write)} was acknowledged`);
    else if (!found.some(({ revision }) => revision === write.revision)) {
      problems.push(`moved: ${show(write)} was acknowledged, seen as ${found.map(show).join(', ')}`);
    }
  }
  for (const [id, found] of seen) {
    const tries = issued.get(id)?.length ?? 0;
    if (tries === 0) problems.push(`invented: ${show(found[0]!)}`);
    else if (found.length > tries) problems.push(`repeated: ${found.map(show).join(', ')}`);
  }
  return problems;
}

function checkFinal(events: readonly Seen[], final: ReadonlyMap<string, string>): string[] {
  const state = new Map<string, string>();
  for (const { type, key, value } of events) {
    if (type === 'delete') state.delete(key);
    else state.set(key, value);
  }
  const keys = [...new Set([...state.keys(), ...final.keys()])].sort();
  return keys
    .filter((key) => state.get(key) !== final.get(key))
    .map((key) => `the list has ${key}=${final.get(key)}, the events lead to ${state.get(key)}`);
}
