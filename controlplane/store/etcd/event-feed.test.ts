import t from 'tap';
import { EventFeed } from './event-feed';
import { encodeValue } from './layout';
import type { WatchEvent, WatchResponse } from './protocol';

const kv = (key: string, modRevision: number, value = '') => ({
  key: Buffer.from(key),
  createRevision: 1,
  modRevision,
  value: Buffer.from(value),
});
const put = (key: string, main: number, value = 'v', index = 0): WatchEvent => ({
  type: 0,
  kv: { ...kv(key, main), value: encodeValue(Buffer.from(value), index) },
});
const remove = (key: string, main: number, last: string): WatchEvent => ({
  type: 1,
  kv: kv(key, main),
  prevKv: kv(key, main - 1, last),
});
const answer = (events: readonly WatchEvent[], more: Partial<WatchResponse> = {}): WatchResponse => ({
  header: { revision: 0 },
  created: false,
  canceled: false,
  compactRevision: 0,
  cancelReason: '',
  fragment: false,
  events,
  ...more,
});
const show = (feed: EventFeed, given: WatchResponse): string[] => {
  const batch = feed.next(given);
  if (!batch) return ['nothing'];
  const lines = batch.events.map(
    ({ type, key, revision, value, previous, isTogether }) =>
      `${revision} ${type} ${key} ${value}${previous ? ` was ${previous}` : ''}${isTogether ? ' together' : ''}`,
  );
  return [...lines, `up to ${batch.revision}`];
};

t.test('events have the revisions of their transactions, and an index each', async (t) => {
  const feed = new EventFeed('/', 499);
  t.equal(feed.startRevision, 5);
  t.same(show(feed, answer([])), ['nothing'], 'the first answer has no events');
  t.same(show(feed, answer([put('/a', 5), put('k8ts/claims/x', 5), put('/b', 6), put('/c', 6, 'w', 1)])), [
    '500 put /a v',
    '600 put /b v',
    '601 put /c w together',
    'up to 699',
  ]);
  t.same(show(feed, answer([remove('/a', 7, 'v')])), ['700 delete /a v was v', 'up to 799']);
  t.same(show(feed, answer([put('k8ts/claims/x', 8)])), ['up to 899'], 'a revision without values is reported');
});

t.test('a watch resumes in the middle of a transaction, and other prefixes are left out', async (t) => {
  const feed = new EventFeed('/a', 601);
  t.equal(feed.startRevision, 6);
  const events = [put('/a0', 6), put('/a1', 6, 'v', 1), put('/a2', 6, 'v', 2), put('/b', 6, 'v', 3), put('/a3', 7)];
  t.same(show(feed, answer(events)), ['602 put /a2 v together', '700 put /a3 v', 'up to 799']);
});

t.test('a watch from the beginning does not begin now', async (t) => {
  for (const after of [0, 100, 199]) t.equal(new EventFeed('/', after).startRevision, 2, `${after}`);
});

t.test('a part of an answer promises only what it has', async (t) => {
  const feed = new EventFeed('/', 499);
  const part = { fragment: true };
  t.same(show(feed, answer([put('/a', 5), put('/b', 6)], part)), ['500 put /a v', '600 put /b v', 'up to 600']);
  t.same(show(feed, answer([put('/c', 6, 'v', 1), put('k8ts/x', 7)], part)), ['601 put /c v together', 'up to 699']);
  t.same(show(feed, answer([put('/d', 8)])), ['800 put /d v', 'up to 899']);
});

t.test('lost events are reported, never passed over', async (t) => {
  const feed = new EventFeed('/', 499);
  t.throws(() => feed.next(answer([put('/a', 6)])), {
    code: 'Unavailable',
    message: 'etcd left out revisions: after 4 came 6',
  });
  const second = new EventFeed('/', 499);
  second.next(answer([put('/a', 5)]));
  t.throws(() => second.next(answer([put('/a', 5), put('/a', 7)])), { code: 'Unavailable' });
  t.throws(
    () => new EventFeed('/', 500).next(answer([put('/a', 6)])),
    { code: 'Expired' },
    'the rest of a transaction',
  );
});

t.test('the end of a watch has its reason', async (t) => {
  t.throws(() => new EventFeed('/', 499).next(answer([], { canceled: true, compactRevision: 9 })), { code: 'Expired' });
  t.throws(() => new EventFeed('/', 499).next(answer([], { canceled: true, cancelReason: 'no leader' })), {
    code: 'Unavailable',
    message: 'etcd has ended the watch: no leader',
  });
});

t.test(
  'an etcd that is emptied or restored ends the feed, but not by what was there before the store was opened',
  async (t) => {
    const gone = { message: /was removed or replaced/ };
    t.throws(
      () => new EventFeed('/', 499, 4).next(answer([remove('/a', 5, 'v'), remove('k8ts/format', 5, '1')])),
      gone,
    );
    t.throws(() => new EventFeed('/', 499, 4).next(answer([put('k8ts/filling', 5)])), gone);
    t.throws(() => new EventFeed('/', 499, 4).next(answer([put('k8ts/revision-shift', 5)])), gone);
    const before = [remove('k8ts/format', 5, '1'), put('k8ts/format', 6), put('k8ts/filling', 7)];
    const own = [put('k8ts/format', 8), remove('k8ts/filling', 9, ''), put('/b', 10)];
    t.same(show(new EventFeed('/', 499, 7), answer([...before, ...own])), ['1000 put /b v', 'up to 1099']);
  },
);
