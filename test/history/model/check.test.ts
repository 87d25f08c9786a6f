// Each check refuses made-up wrong histories and accepts right ones that differ in one detail.
import t from 'tap';
import { checkHistory, checks } from './check';
import type { Get, List, Operation, Page, Seen, Watch, WatchEvent, Write } from './history';

type Times = readonly [start: number, end: number];
const times = ([start, end]: Times) => ({ start, end });
const seen = (name: string, revision: number, value: string, more: Partial<Seen> = {}): Seen => ({
  key: `configmaps/a/${name}`,
  revision,
  value,
  uid: `uid-${name}`,
  ...more,
});

let serial = 0;
const asked = () => ({ id: ++serial, client: 1, server: 0, outcome: 'done' as const, status: 200 });
const write = (op: Write['op'], object: Seen, when: Times, more: Partial<Write> = {}): Write => {
  const { key, value } = object;
  const answer = op === 'delete' ? { deleted: object.uid } : { value, result: object };
  return { ...asked(), op, key, ...answer, ...times(when), ...more };
};
const withoutAnswer = { outcome: 'unknown', status: 0 } as const;
/** Its effect is `object`, but the client had no answer. */
const unknown = (op: Write['op'], object: Seen, when: Times, more: Partial<Write> = {}): Write => {
  const { result, deleted, ...rest } = write(op, object, when, more);
  return { ...rest, ...withoutAnswer };
};
const refused = (
  op: Write['op'],
  object: Seen,
  when: Times,
  status: number,
  reason: string,
  more: Partial<Write> = {},
) => ({ ...unknown(op, object, when, more), outcome: 'refused', status, reason }) as const;
const get = (key: string, result: Seen | undefined, when: Times, more: Partial<Get> = {}): Get => ({
  ...asked(),
  ...(result ? { result } : { status: 404 }),
  op: 'get',
  key,
  match: 'newest',
  ...times(when),
  ...more,
});
const page = (revision: number, items: readonly Seen[], more = false, at = 50): Page => ({
  start: at - 1,
  end: at,
  revision,
  items,
  more,
});
const list = (pages: readonly Page[], when: Times, more: Partial<List> = {}): List => {
  return { ...asked(), op: 'list', scope: 'configmaps/', match: 'newest', pages, ...times(when), ...more };
};
const event = (type: WatchEvent['type'], object: Seen, at = 90): WatchEvent => ({ type, object, at });
const bookmark = (revision: number, at = 95) => ({ type: 'BOOKMARK' as const, revision, at });
const watch = (events: Watch['events'], more: Partial<Watch> = {}): Watch => {
  return { ...asked(), op: 'watch', client: 9, scope: 'configmaps/', from: 10, events, start: 0, end: 100, ...more };
};

const [x11, x12, x13] = [seen('x', 11, 'v1'), seen('x', 12, 'v2'), seen('x', 13, 'v3')];
const gone = (revision: number, last = x11): Seen => ({ ...last, revision });
const create = () => write('create', x11, [1, 3]);
const update = (more: Partial<Write> = {}) => write('update', x12, [4, 6], { expected: 11, ...more });
const made = () => watch([event('ADDED', x11), event('MODIFIED', x12), bookmark(12)]);
const address = (value: string) => ({ claims: [`clusterip/10.96.0.${value}`] });

interface Case {
  readonly check: keyof typeof checks;
  readonly name: string;
  /** Undefined: the history is right. */
  readonly problem?: RegExp;
  readonly history: () => readonly Operation[];
}
const cases: readonly Case[] = [
  // agreement
  { check: 'agreement', name: 'a get shows what was written', history: () => [create(), get(x11.key, x11, [4, 5])] },
  {
    check: 'agreement',
    name: 'a get shows another value at the revision of a write',
    problem: /another value/,
    history: () => [create(), get(x11.key, { ...x11, value: 'v9' }, [4, 5])],
  },
  {
    check: 'agreement',
    name: 'two writes got one revision',
    problem: /another object/,
    history: () => [create(), write('create', seen('y', 11, 'v2'), [1, 3])],
  },
  {
    check: 'agreement',
    name: 'the address of a version changes',
    problem: /other claims/,
    history: () => [
      write('create', { ...x11, ...address('1') }, [1, 3]),
      get(x11.key, { ...x11, ...address('2') }, [4, 5]),
    ],
  },

  // acknowledged
  {
    check: 'acknowledged',
    name: 'a write without an answer did not happen',
    history: () => [create(), unknown('update', x12, [4, 6]), watch([event('ADDED', x11), bookmark(20)])],
  },
  {
    check: 'acknowledged',
    name: 'a write without an answer did happen',
    history: () => [create(), unknown('update', x12, [4, 6]), made()],
  },
  {
    check: 'acknowledged',
    name: 'an acknowledged write is lost',
    problem: /v2 on 11 done at 12 is lost: no watch/,
    history: () => [create(), update(), watch([event('ADDED', x11), bookmark(20)])],
  },
  {
    check: 'acknowledged',
    name: 'the final list has the version before the last write',
    problem: /v2 on 11 done at 12 \(put at 12\) is lost: .* has configmaps\/a\/x=v1/,
    history: () => [create(), update(), list([page(20, [x11])], [60, 61], { final: true })],
  },
  {
    check: 'acknowledged',
    name: 'the final list has the last write',
    history: () => [create(), update(), list([page(20, [x12])], [60, 61], { final: true })],
  },
  {
    check: 'acknowledged',
    name: 'the final list misses an object',
    problem: /is lost: .* has no configmaps\/a\/x/,
    history: () => [create(), update(), made(), list([page(12, [])], [60, 61], { final: true })],
  },
  {
    check: 'acknowledged',
    name: 'a deleted object is not in the final list',
    history: () => [
      create(),
      write('delete', x11, [4, 6]),
      watch([event('ADDED', x11), event('DELETED', gone(12)), bookmark(20)]),
      list([page(20, [])], [60, 61], { final: true }),
    ],
  },
  {
    check: 'acknowledged',
    name: 'an acknowledged deletion is lost',
    problem: /delete configmaps\/a\/x done is lost: no watch/,
    history: () => [create(), write('delete', x11, [4, 6]), watch([event('ADDED', x11), bookmark(20)])],
  },
  {
    check: 'acknowledged',
    name: 'two deletions of one object are acknowledged',
    problem: /both deleted the object with uid uid-x/,
    history: () => [
      create(),
      write('delete', x11, [4, 6]),
      write('delete', x11, [4, 7]),
      watch([event('ADDED', x11), event('DELETED', gone(12)), bookmark(20)]),
    ],
  },
  {
    check: 'acknowledged',
    name: 'a refused write took effect',
    problem: /was written by .* refused/,
    history: () => [create(), refused('update', x12, [4, 6], 409, 'Conflict', { expected: 5 }), made()],
  },
  {
    check: 'acknowledged',
    name: 'a write took effect twice',
    problem: /is the second effect of .*; the first is at 11/,
    history: () => [
      unknown('create', x11, [1, 3]),
      watch([event('ADDED', x11), event('MODIFIED', { ...x11, revision: 12 }), bookmark(20)]),
    ],
  },
  {
    check: 'acknowledged',
    name: 'an event was not written by any request',
    problem: /v2 at 12, .* was not written by any request/,
    history: () => [create(), made()],
  },
  {
    check: 'acknowledged',
    name: 'a value is visible before its write begins',
    problem: /was visible before/,
    history: () => [create(), get(x11.key, x12, [2, 3]), update()],
  },

  // swaps
  {
    check: 'swaps',
    name: 'an update follows the version that it expects',
    history: () => [create(), update(), made()],
  },
  {
    check: 'swaps',
    name: 'an update follows another version than it expects',
    problem: /v3 on 11 done at 13, at 13, expected 11: before it was put configmaps\/a\/x=v2 at 12/,
    history: () => [create(), update(), write('update', x13, [4, 7], { expected: 11 })],
  },
  {
    check: 'swaps',
    name: 'an update follows a version older than it expects, and no write is missing',
    problem: /expected 12: before it was put configmaps\/a\/x=v1 at 11/,
    history: () => [
      create(),
      write('update', x13, [4, 7], { expected: 12 }),
      watch([event('ADDED', x11), event('MODIFIED', x13)]),
    ],
  },
  {
    check: 'swaps',
    name: 'the same, but a write that was not watched may be missing',
    history: () => [create(), write('update', x13, [4, 7], { expected: 12 })],
  },
  {
    check: 'swaps',
    name: 'two creates of one object',
    problem: /created an object that existed/,
    history: () => [
      create(),
      write('create', { ...x12, uid: 'uid-2' }, [1, 4]),
      watch([event('ADDED', x11), event('ADDED', { ...x12, uid: 'uid-2' })]),
    ],
  },
  {
    check: 'swaps',
    name: 'a create after a deletion',
    history: () => [
      create(),
      write('delete', x11, [4, 5], { expected: 11 }),
      write('create', { ...x13, uid: 'uid-2' }, [4, 7]),
      watch([event('ADDED', x11), event('DELETED', gone(12)), event('ADDED', { ...x13, uid: 'uid-2' })]),
    ],
  },
  {
    check: 'swaps',
    name: 'a new object has the uid of the old one',
    problem: /reused uid/,
    history: () => [
      create(),
      write('delete', x11, [4, 5]),
      write('create', x13, [4, 7]),
      watch([event('ADDED', x11), event('DELETED', gone(12)), event('ADDED', x13)]),
    ],
  },
  {
    check: 'swaps',
    name: 'a patch of a deleted object',
    problem: /changed an object that did not exist/,
    history: () => [
      create(),
      write('delete', x11, [4, 5]),
      write('patch', x13, [4, 7]),
      watch([event('ADDED', x11), event('DELETED', gone(12)), event('ADDED', x13)]),
    ],
  },
  {
    check: 'swaps',
    name: 'a deletion meets another version than it expects',
    problem: /delete .* expected 11: before it was put configmaps\/a\/x=v2/,
    history: () => [
      create(),
      update(),
      write('delete', x12, [4, 8], { expected: 11 }),
      watch([event('ADDED', x11), event('MODIFIED', x12), event('DELETED', gone(13, x12))]),
    ],
  },
  {
    check: 'swaps',
    name: 'of two writes one after the other the second has the lower revision',
    problem: /has revision 11, but before it began .* had shown 12/,
    history: () => [write('create', seen('y', 12, 'v2'), [1, 3]), write('create', x11, [4, 6])],
  },
  {
    check: 'swaps',
    name: 'of two writes that overlap, the one that began later has the lower revision',
    history: () => [write('create', seen('y', 12, 'v2'), [1, 5]), write('create', x11, [4, 6])],
  },

  // refusals
  {
    check: 'refusals',
    name: 'a conflict while another write changes the object',
    history: () => [create(), update(), refused('update', x13, [5, 7], 409, 'Conflict', { expected: 11 }), made()],
  },
  {
    check: 'refusals',
    name: 'a conflict though the expected version is the current one',
    problem: /this was the current version all the time/,
    history: () => [
      create(),
      refused('update', x13, [5, 7], 409, 'Conflict', { expected: 11 }),
      write('update', x12, [8, 9]),
      made(),
    ],
  },
  {
    check: 'refusals',
    name: 'an object exists, that does not',
    problem: /no object existed/,
    history: () => [
      refused('create', x13, [5, 7], 409, 'AlreadyExists'),
      write('create', x11, [8, 9]),
      watch([event('ADDED', x11)]),
    ],
  },
  {
    check: 'refusals',
    name: 'an object exists, whose create had no answer',
    history: () => [
      refused('create', x13, [5, 7], 409, 'AlreadyExists'),
      unknown('create', x11, [1, 30]),
      watch([event('ADDED', x11)]),
    ],
  },
  {
    check: 'refusals',
    name: 'an object is not found, that exists',
    problem: /v1 at 11 existed all the time/,
    history: () => [
      create(),
      refused('patch', x12, [5, 7], 404, 'NotFound'),
      watch([event('ADDED', x11), bookmark(20)]),
    ],
  },

  // reads
  {
    check: 'reads',
    name: 'a get shows the last write',
    history: () => [create(), update(), get(x12.key, x12, [7, 8])],
  },
  {
    check: 'reads',
    name: 'a get shows less than what was acknowledged',
    problem: /get .* shows configmaps\/a\/x=v1 at 11, but before it began .* had shown 12/,
    history: () => [create(), update(), get(x11.key, x11, [7, 8])],
  },
  {
    check: 'reads',
    name: 'a get that began before the acknowledgement may show less',
    history: () => [create(), update(), get(x11.key, x11, [5, 8])],
  },
  {
    check: 'reads',
    name: 'a get with resourceVersion 0 may show less',
    history: () => [create(), update({ client: 2 }), get(x11.key, x11, [7, 8], { match: 'any' })],
  },
  {
    check: 'reads',
    name: 'a get shows less than what another client has read',
    problem: /shows configmaps\/a\/x=v1/,
    history: () => [
      create(),
      update({ start: 4, end: 40 }),
      get(x12.key, x12, [5, 6], { client: 2 }),
      get(x11.key, x11, [7, 8], { client: 3 }),
    ],
  },
  {
    check: 'reads',
    name: 'a get does not find an object that exists',
    problem: /found no object/,
    history: () => [create(), update(), made(), get(x11.key, undefined, [7, 8])],
  },
  {
    check: 'reads',
    name: 'a get does not find an object while it is deleted',
    history: () => [
      create(),
      write('delete', x11, [4, 10]),
      get(x11.key, undefined, [7, 8]),
      watch([event('ADDED', x11), event('DELETED', gone(12)), bookmark(20)]),
    ],
  },
  {
    check: 'reads',
    name: 'a list is older than an acknowledged write',
    problem: /shows the state at 11, but before it began .* had shown 12/,
    history: () => [create(), update(), list([page(11, [x11])], [48, 50])],
  },
  {
    check: 'reads',
    name: 'the first objects of a watch are older than an acknowledged write',
    problem: /shows the state at 11/,
    history: () => [create(), update(), watch([], { from: 11, initial: [x11], start: 10 })],
  },
  {
    check: 'reads',
    name: 'a list is older than it may be',
    problem: /was answered with the state at 11/,
    history: () => [create(), list([page(11, [x11])], [1, 50], { match: 'notOlderThan', revision: 12 })],
  },
  {
    check: 'reads',
    name: 'a list is of another revision than the requested one',
    problem: /was answered with the state at 12/,
    history: () => [create(), update(), list([page(12, [x12])], [48, 50], { match: 'exact', revision: 11 })],
  },
  {
    check: 'reads',
    name: 'a list of an old revision is older than an acknowledged write',
    history: () => [create(), update(), list([page(11, [x11])], [48, 50], { match: 'exact', revision: 11 })],
  },

  // clients
  {
    check: 'clients',
    name: 'reads of any age go back at one server',
    problem: /get .* any shows configmaps\/a\/x=v1/,
    history: () => [
      create(),
      get(x12.key, x12, [5, 7], { match: 'any' }),
      get(x11.key, x11, [8, 9], { match: 'any' }),
      update({ client: 2 }),
    ],
  },
  {
    check: 'clients',
    name: 'reads of any age go back from one server to another',
    history: () => [
      create(),
      get(x12.key, x12, [5, 7], { match: 'any' }),
      get(x11.key, x11, [8, 9], { match: 'any', server: 1 }),
      update({ client: 2 }),
    ],
  },
  {
    check: 'clients',
    name: 'a bookmark that repeats where the watch began is no state of the server',
    history: () => [
      create(),
      update(),
      watch([bookmark(12, 95)], { from: 12, client: 1, server: 1 }),
      get(x11.key, x11, [97, 98], { match: 'any', server: 1 }),
    ],
  },
  {
    check: 'clients',
    name: 'a bookmark after an event is one',
    problem: /get .* any shows configmaps\/a\/x=v1/,
    history: () => [
      create(),
      update(),
      watch([event('MODIFIED', x12), bookmark(12, 95)], { from: 11, client: 1, server: 1 }),
      get(x11.key, x11, [97, 98], { match: 'any', server: 1 }),
    ],
  },
  {
    check: 'clients',
    name: 'a client reads less than what it wrote, at another server',
    problem: /list .* newest shows the state at 11/,
    history: () => [create(), update(), list([page(11, [x11])], [48, 50], { server: 1 })],
  },
  {
    check: 'clients',
    name: 'a client writes at a lower revision than it has seen',
    problem: /has revision 11, but the client had seen 15/,
    history: () => [
      list([page(15, [])], [1, 2], { match: 'notOlderThan', pages: [page(15, [], false, 2)] }),
      write('create', x11, [4, 6]),
    ],
  },
  {
    check: 'clients',
    name: 'a client reads an old revision that it asked for',
    history: () => [create(), update(), list([page(11, [x11])], [48, 50], { match: 'exact', revision: 11 })],
  },

  // watches
  { check: 'watches', name: 'a watch shows all', history: () => [create(), update(), made()] },
  {
    check: 'watches',
    name: 'a watch that ended early shows the first events',
    history: () => [create(), update(), made(), watch([event('ADDED', x11)])],
  },
  {
    check: 'watches',
    name: 'a watch misses an event before its last one',
    problem: /from 10 missed put configmaps\/a\/x=v1 at 11/,
    history: () => [create(), update(), made(), watch([event('MODIFIED', x12)])],
  },
  {
    check: 'watches',
    name: 'a watch misses an event before its bookmark',
    problem: /missed put configmaps\/a\/x=v2 at 12/,
    history: () => [create(), update(), made(), watch([event('ADDED', x11), bookmark(12)])],
  },
  {
    check: 'watches',
    name: 'a watch from a later revision does not have the events before',
    history: () => [create(), update(), made(), watch([event('MODIFIED', x12)], { from: 11 })],
  },
  {
    check: 'watches',
    name: 'a watch swaps two events',
    problem: /sent ADDED configmaps\/a\/x=v1 at 11 after revision 12/,
    history: () => [create(), update(), made(), watch([event('MODIFIED', x12), event('ADDED', x11)])],
  },
  {
    check: 'watches',
    name: 'a watch repeats an event',
    problem: /sent MODIFIED configmaps\/a\/x=v2 at 12 after revision 12/,
    history: () => [
      create(),
      update(),
      made(),
      watch([event('ADDED', x11), event('MODIFIED', x12), event('MODIFIED', x12)]),
    ],
  },
  {
    check: 'watches',
    name: 'a watch sends an event that the client had already',
    problem: /sent ADDED configmaps\/a\/x=v1 at 11 after revision 11/,
    history: () => [create(), update(), made(), watch([event('ADDED', x11)], { from: 11 })],
  },
  {
    check: 'watches',
    name: 'a watch sends an event that its bookmark had passed',
    problem: /sent MODIFIED configmaps\/a\/x=v2 at 12 after revision 12/,
    history: () => [create(), update(), made(), watch([event('ADDED', x11), bookmark(12), event('MODIFIED', x12)])],
  },
  {
    check: 'watches',
    name: 'a watch calls a change an addition',
    problem: /sent ADDED for configmaps\/a\/x=v2 at 12 instead of MODIFIED/,
    history: () => [create(), update(), watch([event('ADDED', x11), event('ADDED', x12)])],
  },
  {
    check: 'watches',
    name: 'an object is added again after a deletion that no watch saw',
    history: () => [
      create(),
      watch([event('ADDED', x11)]),
      unknown('delete', x11, [4, 6]),
      write('create', { ...x13, uid: 'uid-2' }, [7, 9]),
      watch([event('ADDED', { ...x13, uid: 'uid-2' })], { from: 12 }),
    ],
  },
  {
    check: 'watches',
    name: 'a watch of one namespace sends an object of another',
    problem: /which is not in its scope/,
    history: () => [create(), watch([event('ADDED', x11)], { scope: 'configmaps/b/' })],
  },

  // lists
  {
    check: 'lists',
    name: 'a list of the state',
    history: () => [create(), update(), made(), list([page(12, [x12])], [48, 50])],
  },
  {
    check: 'lists',
    name: 'a list misses an object',
    problem: /at 12 misses configmaps\/a\/x=v2 at 12/,
    history: () => [create(), update(), made(), list([page(12, [])], [48, 50])],
  },
  {
    check: 'lists',
    name: 'a list misses an object that may have been deleted unseen',
    history: () => [create(), update(), list([page(15, [])], [48, 50])],
  },
  {
    check: 'lists',
    name: 'a list has an older version',
    problem: /has configmaps\/a\/x=v1 at 11 instead of put configmaps\/a\/x=v2 at 12/,
    history: () => [create(), update(), list([page(15, [x11])], [48, 50])],
  },
  {
    check: 'lists',
    name: 'a list has an object newer than its revision',
    problem: /has configmaps\/a\/x=v2 at 12, which is newer/,
    history: () => [create(), update(), list([page(11, [x12])], [1, 50])],
  },
  {
    check: 'lists',
    name: 'a torn list has one object of a later state',
    problem: /at 12 misses configmaps\/a\/x=v1 at 11/,
    history: () => {
      const y12 = seen('y', 12, 'v2');
      return [
        create(),
        write('create', y12, [1, 3]),
        watch([event('ADDED', x11), event('ADDED', y12)]),
        list([page(12, [y12])], [48, 50]),
      ];
    },
  },
  {
    check: 'lists',
    name: 'a list has a deleted object',
    problem: /instead of delete configmaps\/a\/x=v1 at 12/,
    history: () => [
      create(),
      write('delete', x11, [4, 5]),
      watch([event('ADDED', x11), event('DELETED', gone(12))]),
      list([page(12, [x11])], [48, 50]),
    ],
  },
  {
    check: 'lists',
    name: 'the first objects of a watch miss one',
    problem: /misses configmaps\/a\/x=v2/,
    history: () => [create(), update(), made(), watch([], { from: 12, initial: [], start: 3 })],
  },

  // pages
  {
    check: 'pages',
    name: 'two pages of one revision',
    history: () => [
      create(),
      write('create', seen('y', 12, 'v2'), [1, 3]),
      list([page(12, [x11], true), page(12, [seen('y', 12, 'v2')])], [40, 50], { limit: 1 }),
    ],
  },
  {
    check: 'pages',
    name: 'the second page is of a later revision',
    problem: /page 2 is of revision 13, the first of 12/,
    history: () => [
      create(),
      write('create', seen('y', 12, 'v2'), [1, 3]),
      list([page(12, [x11], true), page(13, [seen('y', 12, 'v2')])], [40, 50], { limit: 1 }),
    ],
  },
  {
    check: 'pages',
    name: 'the second page repeats an object',
    problem: /page 2 has configmaps\/a\/x after configmaps\/a\/x/,
    history: () => [create(), list([page(11, [x11], true), page(11, [x11])], [40, 50], { limit: 1 })],
  },
  {
    check: 'pages',
    name: 'a page has too many objects',
    problem: /page 1 has 2 items/,
    history: () => [
      create(),
      write('create', seen('y', 12, 'v2'), [1, 3]),
      list([page(12, [x11, seen('y', 12, 'v2')])], [40, 50], { limit: 1 }),
    ],
  },
  {
    check: 'pages',
    name: 'a list that was refused after its first page',
    history: () => [
      create(),
      update(),
      made(),
      list([page(12, [x12], true)], [40, 50], { limit: 1, outcome: 'refused', status: 410 }),
    ],
  },
  {
    check: 'pages',
    name: 'a list is complete, but its last page announces more',
    problem: /the last page announces more/,
    history: () => [create(), list([page(11, [x11], true)], [40, 50], { limit: 1 })],
  },

  // claims
  {
    check: 'claims',
    name: 'an address is given again after its holder is deleted',
    history: () => {
      const [x, y] = [{ ...x11, ...address('1') }, seen('y', 13, 'v2', address('1'))];
      return [
        write('create', x, [1, 3]),
        write('delete', x, [4, 6]),
        write('create', y, [1, 7]),
        watch([event('ADDED', x), event('DELETED', gone(12, x)), event('ADDED', y)]),
      ];
    },
  },
  {
    check: 'claims',
    name: 'an address is given twice',
    problem: /clusterip\/10.96.0.1 was given to configmaps\/a\/y=v2 .* while configmaps\/a\/x=v1/,
    history: () => {
      const [x, y] = [{ ...x11, ...address('1') }, seen('y', 13, 'v2', address('1'))];
      return [write('create', x, [1, 3]), write('create', y, [1, 7]), watch([event('ADDED', x), event('ADDED', y)])];
    },
  },
  {
    check: 'claims',
    name: 'an address is given before its holder drops it',
    problem: /was given to configmaps\/a\/y=v3/,
    history: () => {
      const [x, y] = [{ ...x11, ...address('1') }, seen('y', 12, 'v3', address('1'))];
      const dropped = { ...x13, value: 'v2' };
      return [
        write('create', x, [1, 3]),
        write('create', y, [1, 7]),
        write('update', dropped, [4, 9]),
        watch([event('ADDED', x), event('ADDED', y), event('MODIFIED', dropped)]),
      ];
    },
  },
  {
    check: 'claims',
    name: 'a list shows an address twice',
    problem: /shows clusterip\/10.96.0.1 at configmaps\/a\/x=v1 at 11 and configmaps\/a\/y=v2 at 13/,
    history: () => {
      const [x, y] = [{ ...x11, ...address('1') }, seen('y', 13, 'v2', address('1'))];
      return [unknown('create', x, [1, 3]), unknown('create', y, [1, 7]), list([page(13, [x, y])], [48, 50])];
    },
  },
];

for (const [check, some] of Map.groupBy(cases, ({ check }) => check)) {
  t.test(check, async (t) => {
    for (const { name, problem, history } of some) {
      const problems = checkHistory({ start: 10, operations: history() });
      const messages = problems.map((one) => `${one.check}: ${one.message}`).join('\n');
      if (problem) {
        t.ok(
          problems.some((one) => one.check === check && problem.test(one.message)),
          `${name}: ${messages}`,
        );
      } else t.equal(messages, '', name);
    }
  });
}

t.test('each check has wrong and right histories', async (t) => {
  for (const check of Object.keys(checks)) {
    const some = cases.filter((one) => one.check === check);
    t.ok(some.filter(({ problem }) => problem).length >= 2, `${check}: wrong ones`);
    t.ok(
      some.some(({ problem }) => !problem),
      `${check}: right ones`,
    );
  }
});
