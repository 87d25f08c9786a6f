// Breaks a right history in one place, in the way that a fault of a server would show. Each mutation says which check must find it. Pure.
import type { Random } from '../random';
import { Floor, sightingsOf } from './floor';
import type { Get, History, List, Operation, Seen, Watch, WatchEvent, Write } from './history';
import { readLog, type Version } from './log';

export interface Mutation {
  /** One of these checks must find it. */
  readonly foundBy: readonly string[];
  /** Undefined when the history has no place for it. */
  readonly apply: (history: History, random: Random) => History | undefined;
}

const isDone = (operation: Operation): boolean => operation.outcome === 'done';
const isOp =
  <O extends Operation>(op: O['op']) =>
  (operation: Operation): operation is O =>
    operation.op === op;

/** One of the operations that fit, replaced. */
function replace<O extends Operation>(
  history: History,
  random: Random,
  op: O['op'],
  change: (operation: O) => Operation | undefined,
): History | undefined {
  const fitting = history.operations.filter(isOp<O>(op)).flatMap((operation) => {
    const changed = change(operation);
    return changed ? [changed] : [];
  });
  if (fitting.length === 0) return undefined;
  const changed = random.pick(fitting);
  return { ...history, operations: history.operations.map((one) => (one.id === changed.id ? changed : one)) };
}

/** Every place that shows an object, changed or left out. */
function mapSeen(history: History, change: (seen: Seen, operation: Operation) => Seen | undefined): History {
  const all = (items: readonly Seen[], operation: Operation) => items.flatMap((seen) => change(seen, operation) ?? []);
  const operations = history.operations.map((operation): Operation => {
    if (operation.op === 'list') {
      return { ...operation, pages: operation.pages.map((page) => ({ ...page, items: all(page.items, operation) })) };
    }
    if (operation.op === 'watch') {
      const events = operation.events.flatMap((event): Watch['events'] => {
        if (event.type === 'BOOKMARK') return [event];
        const object = change(event.object, operation);
        return object ? [{ ...event, object }] : [];
      });
      return { ...operation, ...(operation.initial ? { initial: all(operation.initial, operation) } : {}), events };
    }
    if (!operation.result) return operation;
    const { result, ...rest } = operation;
    const changed = change(result, operation);
    return changed ? { ...rest, result: changed } : rest;
  });
  return { ...history, operations };
}

const isEvent = (event: Watch['events'][number] | undefined): event is WatchEvent =>
  event !== undefined && event.type !== 'BOOKMARK';
const lastTime = ({ operations }: History): number => Math.max(...operations.map(({ end }) => end));
const before = (log: ReturnType<typeof readLog>, { key, revision }: Seen): Version | undefined => {
  const versions = log.byKey.get(key) ?? [];
  return versions[versions.findIndex((version) => version.revision === revision) - 1];
};
const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

/** Events of a watch, changed at a place where the condition holds. */
const changeEvents =
  (
    fits: (event: WatchEvent, i: number, watch: Watch) => boolean,
    change: (events: Watch['events'], i: number) => Watch['events'],
  ): Mutation['apply'] =>
  (history, random) =>
    replace<Watch>(history, random, 'watch', (watch) => {
      const places = watch.events.flatMap((event, i) => (isEvent(event) && fits(event, i, watch) ? [i] : []));
      return places.length === 0 ? undefined : { ...watch, events: change(watch.events, random.pick(places)) };
    });

export const mutations: Readonly<Record<string, Mutation>> = {
  'an acknowledged write has no effect': {
    foundBy: ['acknowledged'],
    apply: (history, random) => {
      const writes = history.operations.filter(
        (operation): operation is Write => 'value' in operation && isDone(operation),
      );
      if (writes.length === 0) return undefined;
      const write = random.pick(writes);
      const { revision } = write.result!;
      return mapSeen(history, (seen, { id }) => (seen.revision === revision && id !== write.id ? undefined : seen));
    },
  },
  'an acknowledged deletion has no effect': {
    foundBy: ['acknowledged'],
    apply: (history, random) => {
      const { versions } = readLog(history);
      const deletions = versions.filter(({ type, write }) => type === 'delete' && write?.outcome === 'done');
      if (deletions.length === 0) return undefined;
      const { revision } = random.pick(deletions);
      return mapSeen(history, (seen) => (seen.revision === revision ? undefined : seen));
    },
  },
  'a write has the value of another one': {
    foundBy: ['acknowledged'],
    apply: (history, random) => {
      const puts = readLog(history).versions.filter(({ type }) => type === 'put');
      if (puts.length < 2) return undefined;
      const [one, other] = [random.pick(puts), random.pick(puts)];
      if (one === other) return undefined;
      return mapSeen(history, (seen) => (seen.revision === one.revision ? { ...seen, value: other.value } : seen));
    },
  },
  'a refused write takes effect': {
    foundBy: ['acknowledged'],
    apply: (history, random) =>
      replace<Write>(history, random, random.pick(['create', 'update', 'patch']), (write) => {
        if (!isDone(write)) return undefined;
        const { result, ...rest } = write;
        return { ...rest, outcome: 'refused', status: 409, reason: 'Conflict' };
      }),
  },
  'an update follows another version than it expects': {
    foundBy: ['swaps'],
    apply: (history, random) =>
      replace<Write>(history, random, 'update', (write) => {
        return isDone(write) && write.expected !== undefined ? { ...write, expected: write.expected - 1 } : undefined;
      }),
  },
  'a create replaces an object': {
    foundBy: ['swaps'],
    apply: (history, random) =>
      replace<Write>(history, random, random.pick(['update', 'patch']), (write) => {
        const { expected, ...rest } = write;
        return isDone(write) ? { ...rest, op: 'create' } : undefined;
      }),
  },
  'a write is done before writes that ended before it began': {
    foundBy: ['swaps', 'acknowledged'],
    apply: (history, random) => {
      const at = lastTime(history);
      return replace<Write>(history, random, random.pick(['create', 'update', 'patch']), (write) => {
        return isDone(write) ? { ...write, start: at + 1, end: at + 2 } : undefined;
      });
    },
  },
  'a conflict without a reason': {
    foundBy: ['refusals'],
    apply: (history, random) => {
      const last = [...readLog(history).byKey.values()].map((versions) => versions.at(-1)!);
      const puts = last.filter(({ type }) => type === 'put');
      if (puts.length === 0) return undefined;
      const { key, revision } = random.pick(puts);
      const at = lastTime(history);
      const conflict: Write = {
        id: 1e6,
        op: 'update',
        client: 1,
        server: 0,
        start: at + 1,
        end: at + 2,
        outcome: 'refused',
        status: 409,
        reason: 'Conflict',
        key,
        value: 'v1e6',
        expected: revision,
      };
      return { ...history, operations: [...history.operations, conflict] };
    },
  },
  'a get shows the version before': {
    foundBy: ['reads'],
    apply: (history, random) => {
      const log = readLog(history);
      return replace<Get>(history, random, 'get', (get) => {
        if (!get.result || get.match !== 'newest' || log.floor.revisionBefore(get.start) < get.result.revision)
          return undefined;
        const old = before(log, get.result);
        return old?.type === 'put' ? { ...get, result: old } : undefined;
      });
    },
  },
  'a get finds nothing': {
    foundBy: ['reads'],
    apply: (history, random) => {
      const log = readLog(history);
      return replace<Get>(history, random, 'get', (get) => {
        const { result, ...rest } = get;
        if (!result || get.match !== 'newest' || log.floor.revisionBefore(get.start) < result.revision)
          return undefined;
        const later = log.byKey
          .get(get.key)!
          .some(({ type, revision }) => type === 'delete' && revision > result.revision);
        return later ? undefined : { ...rest, status: 404 };
      });
    },
  },
  'a list is one of before': {
    foundBy: ['reads'],
    apply: (history, random) => {
      const { floor, operations } = readLog(history);
      const others = operations.filter(isOp<List>('list'));
      return replace<List>(history, random, 'list', (list) => {
        if (list.match !== 'newest' || !isDone(list)) return undefined;
        const seen = floor.revisionBefore(list.start);
        const old = others.find(
          ({ scope, limit, pages }) => scope === list.scope && limit === list.limit && pages[0]!.revision < seen,
        );
        return old && { ...list, pages: old.pages };
      });
    },
  },
  'a client goes back at one server': {
    foundBy: ['clients'],
    apply: (history, random) => {
      const log = readLog(history);
      return replace<Get>(history, random, 'get', (get) => {
        if (!get.result || get.match !== 'any') return undefined;
        const same = log.operations.filter(({ client, server }) => client === get.client && server === get.server);
        const seen = new Floor(same.flatMap(sightingsOf)).revisionBefore(get.start);
        const old = before(log, get.result);
        return old?.type === 'put' && seen >= get.result.revision ? { ...get, result: old } : undefined;
      });
    },
  },
  'a watch drops an event': {
    // The write of an event that only this watch had shown is lost.
    foundBy: ['watches', 'acknowledged'],
    apply: (history, random) => {
      const { versions } = readLog(history);
      const known = new Set(
        versions.flatMap(({ write, revision, type }) =>
          type === 'put' && write?.outcome === 'done' ? [revision] : [],
        ),
      );
      return changeEvents(
        ({ object }, i, { events }) => i + 1 < events.length && known.has(object.revision),
        (events, i) => without(events, i),
      )(history, random);
    },
  },
  'a watch repeats an event': {
    foundBy: ['watches'],
    apply: changeEvents(
      () => true,
      (events, i) => [...events.slice(0, i + 1), ...events.slice(i)],
    ),
  },
  'a watch swaps two events': {
    foundBy: ['watches'],
    apply: changeEvents(
      (_, i, { events }) => isEvent(events[i + 1]),
      (events, i) => [...events.slice(0, i), events[i + 1]!, events[i]!, ...events.slice(i + 2)],
    ),
  },
  'a watch sends a change as another type': {
    foundBy: ['watches', 'agreement'],
    apply: changeEvents(
      ({ type }) => type !== 'DELETED',
      (events, i) =>
        events.map((event, at) =>
          at === i && isEvent(event) ? { ...event, type: event.type === 'ADDED' ? 'MODIFIED' : 'ADDED' } : event,
        ),
    ),
  },
  'a list misses an object': {
    foundBy: ['lists'],
    apply: (history, random) =>
      replace<List>(history, random, 'list', ({ pages, ...list }) => {
        // Without the last item of a page that is not the last one, the rest would still be a state up to an earlier key.
        const at = pages[0]?.items.length ? random.between(0, pages[0].items.length - 1) : -1;
        if (at < 0 || pages.length > 1) return undefined;
        return { ...list, pages: pages.map((page) => ({ ...page, items: without(page.items, at) })) };
      }),
  },
  'a torn list has one object of another time': {
    foundBy: ['lists'],
    apply: (history, random) => {
      const log = readLog(history);
      return replace<List>(history, random, 'list', ({ pages, ...list }) => {
        const places = pages.flatMap(({ items }) => items.filter((item) => before(log, item)?.type === 'put'));
        if (places.length === 0) return undefined;
        const torn = random.pick(places);
        const items = (some: readonly Seen[]) => some.map((item) => (item === torn ? before(log, torn)! : item));
        return { ...list, pages: pages.map((page) => ({ ...page, items: items(page.items) })) };
      });
    },
  },
  'pages are of different revisions': {
    foundBy: ['pages'],
    apply: (history, random) =>
      replace<List>(history, random, 'list', ({ pages, ...list }) => {
        if (pages.length < 2) return undefined;
        return { ...list, pages: pages.map((page, i) => (i === 0 ? page : { ...page, revision: page.revision + 1 })) };
      }),
  },
  'a page begins with the last object of the page before': {
    foundBy: ['pages'],
    apply: (history, random) =>
      replace<List>(history, random, 'list', ({ pages, ...list }) => {
        if (pages.length < 2) return undefined;
        const again = pages[0]!.items.at(-1)!;
        return {
          ...list,
          pages: pages.map((page, i) => (i === 1 ? { ...page, items: [again, ...page.items] } : page)),
        };
      }),
  },
  'an address has two holders': {
    foundBy: ['claims'],
    apply: (history, random) => {
      const state = new Map<string, Version>();
      const pairs = readLog(history).versions.flatMap((version) => {
        state.delete(version.key);
        if (version.type === 'delete' || !version.claims) return [];
        const others = [...state.values()];
        state.set(version.key, version);
        return others.map((other) => [version, other] as const);
      });
      if (pairs.length === 0) return undefined;
      const [version, other] = random.pick(pairs);
      return mapSeen(history, (seen) =>
        seen.revision === version.revision ? { ...seen, claims: other.claims! } : seen,
      );
    },
  },
  'one answer shows another value': {
    foundBy: ['agreement'],
    apply: (history, random) =>
      replace<Get>(history, random, 'get', ({ result, ...get }) => {
        return result ? { ...get, result: { ...result, value: `${result.value}!` } } : undefined;
      }),
  },
};
