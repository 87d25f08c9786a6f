// The contract of every Store, the in-memory store included. Each backend's test file runs this suite.
import type { Test } from 'tap';
import { Unavailable } from '../../controlplane/base/errors';
import type { Store, StoreEvent, WatchBatch } from '../../controlplane/store/store';

const text = (value: string) => Buffer.from(value);
const show = (event: StoreEvent) =>
  `${event.revision} ${event.type} ${event.key} ${event.value}` +
  (event.previous === undefined ? '' : ` was ${event.previous}`);

/** Reads `count` events. */
async function take(watch: AsyncIterable<WatchBatch>, count: number): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  for await (const batch of watch) {
    events.push(...batch.events);
    if (events.length >= count) break;
  }
  return events;
}

/** Every claim as `CLAIM OWNER`. */
const held = async (store: Store) => (await store.claims()).map(({ claim, owner }) => `${claim} ${owner}`);

const cases: Record<string, (t: Test, store: Store) => Promise<void>> = {
  'an empty store is at revision 0 and the first write makes it 1': async (t, store) => {
    t.equal(await store.revision(), 0);
    t.same(await store.range('/'), { items: [], revision: 0, more: false });
    t.equal(await store.get('/a'), undefined);
    t.equal(await store.create('/a', text('1')), 1);
    t.equal(await store.revision(), 1);
  },

  'create, update and delete check what they expect': async (t, store) => {
    await store.create('/a', text('1'));
    await t.rejects(store.create('/a', text('x')), { code: 'AlreadyExists' });
    await t.rejects(store.update('/b', text('x'), 1), { code: 'NotFound' });
    await t.rejects(store.update('/a', text('x'), 7), { code: 'Conflict' });
    await t.rejects(store.delete('/b'), { code: 'NotFound' });
    await t.rejects(store.delete('/a', 7), { code: 'Conflict' });
    t.equal(await store.revision(), 1, 'failed writes take no revision');
    t.equal(await store.update('/a', text('2'), 1), 2);
    t.match(await store.get('/a'), { value: text('2'), modRevision: 2 });
    t.equal(await store.delete('/a', 2), 3);
    t.equal(await store.get('/a'), undefined);
    t.equal(await store.create('/a', text('3')), 4);
    t.match(await store.get('/a'), { modRevision: 4 });
    t.equal(await store.delete('/a'), 5, 'without an expectation');
  },

  'of many writers that expect the same revision, exactly one succeeds': async (t, store) => {
    await store.create('/a', text('0'));
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => store.update('/a', text(`${i}`), 1)));
    t.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    t.equal(await store.revision(), 2);
  },

  'range is ordered, bounded by prefix and limit, and continues after a key': async (t, store) => {
    for (const key of ['/p/b', '/p/a-b/x', '/p/a/x', '/q/a', '/p/c', '/o', '/p0']) await store.create(key, text(key));
    const keys = async (options: Parameters<Store['range']>[1]) => {
      const { items, more } = await store.range('/p/', options);
      return [...items.map((item) => item.key), ...(more ? ['...'] : [])];
    };
    t.same(await keys({}), ['/p/a-b/x', '/p/a/x', '/p/b', '/p/c']);
    t.same(await keys({ limit: 2 }), ['/p/a-b/x', '/p/a/x', '...']);
    t.same(await keys({ limit: 4 }), ['/p/a-b/x', '/p/a/x', '/p/b', '/p/c']);
    t.same(await keys({ limit: 2, after: '/p/a/x' }), ['/p/b', '/p/c']);
    t.same(await keys({ after: '/p/c' }), []);
    t.equal((await store.range('')).items.length, 7, 'the empty prefix selects everything');
  },

  'range reads the state at a revision': async (t, store) => {
    await store.create('/a', text('a1'));
    await store.create('/b', text('b1'));
    await store.update('/a', text('a2'), 1);
    await store.delete('/b');
    await store.create('/b', text('b2'));
    const at = async (revision?: number) =>
      (await store.range('/', revision === undefined ? {} : { revision })).items.map((item) => `${item.value}`);
    t.same(await at(1), ['a1']);
    t.same(await at(2), ['a1', 'b1']);
    t.same(await at(3), ['a2', 'b1']);
    t.same(await at(4), ['a2']);
    t.same(await at(), ['a2', 'b2']);
    t.equal((await store.range('/', { revision: 2 })).revision, 2);
    await t.rejects(store.range('/', { revision: 9 }), { code: 'BadRequest' });
  },

  'watch reports history and live events once each, in order': async (t, store) => {
    const stop = new AbortController();
    await store.create('/p/a', text('1'));
    await store.create('/q/a', text('x'));
    await store.update('/p/a', text('2'), 1);
    const events = take(store.watch('/p/', 1, stop.signal), 4);
    await store.delete('/p/a');
    await store.create('/p/a', text('3'));
    await store.create('/q/b', text('x'));
    await store.create('/p/b', text('4'));
    t.same((await events).map(show), ['3 put /p/a 2 was 1', '4 delete /p/a 2 was 2', '5 put /p/a 3', '7 put /p/b 4']);
    stop.abort();
  },

  'a watch opened during writes sees every write': async (t, store) => {
    const stop = new AbortController();
    const writes: Promise<number>[] = [];
    const watches: Promise<StoreEvent[]>[] = [];
    for (let i = 0; i < 300; i++) {
      writes.push(store.create(`/k/${i}`, text(`${i}`)));
      if (i % 30 === 0) watches.push(take(store.watch('/k/', 0, stop.signal), 300));
      if (i % 7 === 0) await writes.at(-1);
    }
    await Promise.all(writes);
    const expected = Array.from({ length: 300 }, (_, i) => i + 1);
    for (const events of await Promise.all(watches)) {
      t.same(
        events.map((event) => event.revision),
        expected,
      );
    }
    stop.abort();
  },

  'a slow watcher gets every event, even with a long backlog': async (t, store) => {
    const stop = new AbortController();
    const iterator = store.watch('/', 0, stop.signal)[Symbol.asyncIterator]();
    await store.create('/first', text('0'));
    const seen = [...((await iterator.next()).value as WatchBatch).events];
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => store.create(`/k/${i}`, text('x'))));
    while (seen.length < 2_501) seen.push(...((await iterator.next()).value as WatchBatch).events);
    t.ok(seen.every((event, i) => event.revision === i + 1));
    stop.abort();
    t.equal((await iterator.next()).done, true);
  },

  'a watch ends when it is aborted, also while it waits': async (t, store) => {
    const stop = new AbortController();
    const iterator = store.watch('/', 0, stop.signal)[Symbol.asyncIterator]();
    const pending = iterator.next();
    await store.revision();
    stop.abort();
    t.equal((await pending).done, true);
    t.equal((await store.watch('/', 0, stop.signal)[Symbol.asyncIterator]().next()).done, true, 'aborted before');
  },

  'compaction drops history, keeps current values, and older revisions are Expired': async (t, store) => {
    const stop = new AbortController();
    await store.create('/a', text('1'));
    await store.create('/gone', text('g'));
    await store.update('/a', text('2'), 1);
    await store.delete('/gone');
    await store.update('/a', text('3'), 3);
    await store.create('/b', text('4'));
    await store.compact(5);
    t.same(
      (await store.range('/')).items.map((item) => `${item.key}=${item.value}`),
      ['/a=3', '/b=4'],
    );
    t.equal((await store.range('/', { revision: 5 })).items.length, 1, 'the compaction revision itself is readable');
    await t.rejects(store.range('/', { revision: 4 }), { code: 'Expired' });
    await t.rejects(take(store.watch('/', 4, stop.signal), 1), { code: 'Expired' });
    t.same((await take(store.watch('/', 5, stop.signal), 1)).map(show), ['6 put /b 4']);
    await store.delete('/a');
    t.same((await take(store.watch('/', 6, stop.signal), 1)).map(show), ['7 delete /a 3 was 3']);
    await store.compact(3);
    await t.rejects(store.range('/', { revision: 4 }), { code: 'Expired' }, 'the compaction revision never decreases');
    await store.compact(7);
    t.equal(await store.create('/a', text('5')), 8, 'the revision of a compacted deletion is not used again');
    stop.abort();
  },

  'compacting a long history keeps every current value': async (t, store) => {
    for (let i = 0; i < 20; i++) await store.create(`/k/${i}`, text('0'));
    let revisions = Array.from({ length: 20 }, (_, i) => i + 1);
    for (let round = 1; round <= 60; round++) {
      revisions = await Promise.all(revisions.map((at, i) => store.update(`/k/${i}`, text(`${round}`), at)));
    }
    const last = await store.revision();
    await store.compact(last - 30);
    t.equal((await store.range('/k/', { revision: last - 30 })).items.length, 20);
    t.ok((await store.range('/k/')).items.every((item) => `${item.value}` === '60'));
    await store.compact(last);
    t.ok((await store.range('/k/')).items.every((item) => `${item.value}` === '60'));
  },

  'a claim has one owner: a write with the claim of another key changes nothing': async (t, store) => {
    await store.create('/a', text('1'), ['port/1', 'ip/1', 'port/1']);
    await t.rejects(store.create('/b', text('1'), ['port/2', 'ip/1']), {
      code: 'AlreadyClaimed',
      claim: 'ip/1',
      owner: '/a',
    });
    t.equal(await store.get('/b'), undefined);
    t.equal(await store.revision(), 1, 'the refused write takes no revision');
    t.equal(await store.create('/b', text('1'), ['port/2']), 2, 'the refused write takes no other claim');
    await t.rejects(store.update('/b', text('2'), 2, ['port/2', 'port/1']), { code: 'AlreadyClaimed', owner: '/a' });
    t.match(await store.get('/b'), { value: text('1'), modRevision: 2 });
    t.same(await held(store), ['ip/1 /a', 'port/1 /a', 'port/2 /b']);
  },

  'an update takes and frees claims, an update without a list keeps them, a deletion frees all': async (t, store) => {
    await store.create('/a', text('1'), ['x', 'y']);
    await store.update('/a', text('2'), 1, ['y', 'z']);
    t.same(await held(store), ['y /a', 'z /a']);
    await store.create('/b', text('1'), ['x']);
    await store.update('/a', text('3'), 2);
    t.same(await held(store), ['x /b', 'y /a', 'z /a']);
    await store.update('/a', text('4'), 4, []);
    t.same(await held(store), ['x /b']);
    await store.update('/a', text('5'), 5, ['y']);
    await store.delete('/a');
    t.same(await held(store), ['x /b']);
    await store.create('/c', text('1'), ['y', 'z']);
    await store.create('/a', text('1'));
    t.same(await held(store), ['x /b', 'y /c', 'z /c'], 'a key that is created again has no earlier claims');
  },

  'a failed expectation changes no claim, and is reported before a claim': async (t, store) => {
    await store.create('/a', text('1'), ['x']);
    await t.rejects(store.create('/a', text('1'), ['y']), { code: 'AlreadyExists' });
    await store.create('/b', text('1'), ['y']);
    await t.rejects(store.create('/a', text('1'), ['y']), { code: 'AlreadyExists' });
    await t.rejects(store.update('/a', text('1'), 9, ['y']), { code: 'Conflict' });
    await t.rejects(store.update('/a', text('1'), 9, []), { code: 'Conflict' });
    await t.rejects(store.update('/c', text('1'), 1, ['y']), { code: 'NotFound' });
    await t.rejects(store.delete('/a', 9), { code: 'Conflict' });
    t.same(await held(store), ['x /a', 'y /b']);
  },

  'of many writers that request one claim, exactly one gets it': async (t, store) => {
    const keys = Array.from({ length: 60 }, (_, i) => `/k/${i}`);
    const created = await Promise.allSettled(keys.map((key, i) => store.create(key, text('1'), [`n/${i % 20}`])));
    t.equal(created.filter((result) => result.status === 'fulfilled').length, 20);
    const { items } = await store.range('/k/');
    const moved = await Promise.allSettled(
      items.map(({ key, modRevision }) => store.update(key, text('2'), modRevision, ['prize'])),
    );
    t.equal(moved.filter((result) => result.status === 'fulfilled').length, 1);
    const all = await store.claims();
    t.equal(all.length, 20);
    t.equal(new Set(all.map(({ claim }) => claim)).size, 20);
  },

  'adopted claims are stored, even if another key has them': async (t, store) => {
    await store.create('/a', text('1'));
    await store.create('/b', text('1'));
    await store.adopt('/a', ['x', 'y'], 1);
    await store.adopt('/b', ['x'], 2);
    await store.adopt('/b', ['x'], 2);
    t.equal(await store.revision(), 2, 'adoption takes no revision');
    t.same(await held(store), ['x /a', 'x /b', 'y /a']);
    await t.rejects(store.adopt('/a', ['z'], 2), { code: 'Conflict' });
    await t.rejects(store.adopt('/c', ['z'], 1), { code: 'NotFound' });
    t.equal(await store.update('/b', text('2'), 2, ['x', 'z']), 3, 'a key may keep its claims');
    await t.rejects(store.create('/c', text('1'), ['x']), { code: 'AlreadyClaimed' });
    await store.update('/a', text('2'), 1, ['y']);
    await t.rejects(
      store.create('/c', text('1'), ['x']),
      { code: 'AlreadyClaimed', owner: '/b' },
      '/b still has the claim',
    );
    await store.delete('/b');
    t.equal(await store.create('/c', text('1'), ['x']), 6);
  },

  'claims are not part of the history, and a compaction keeps them': async (t, store) => {
    const stop = new AbortController();
    await store.create('/a', text('1'), ['x']);
    await store.update('/a', text('2'), 1, ['y']);
    await store.adopt('/a', ['z'], 2);
    await store.create('/b', text('1'), ['x']);
    t.same((await take(store.watch('/', 0, stop.signal), 3)).map(show), [
      '1 put /a 1',
      '2 put /a 2 was 1',
      '3 put /b 1',
    ]);
    await store.compact(3);
    t.same(await held(store), ['x /b', 'z /a']);
    stop.abort();
  },

  'a write changes another key in its own transaction': async (t, store) => {
    const stop = new AbortController();
    await store.create('/count', text('0'), ['kept']);
    const counting = (key: string) => ({
      action: 'change' as const,
      key,
      change: (value: Buffer) => text(String(Number(value.toString()) + 1)),
    });
    t.equal(await store.create('/a', text('x'), undefined, [counting('/count'), counting('/absent')]), 2);
    t.match(await store.get('/count'), { value: text('1'), modRevision: 3 });
    t.equal(
      await store.update('/a', text('y'), 2, undefined, [{ action: 'change', key: '/count', change: () => undefined }]),
      4,
    );
    t.equal(await store.update('/a', text('z'), 4, undefined, [counting('/count')]), 5);
    t.same((await take(store.watch('/', 0, stop.signal), 6)).map(show), [
      '1 put /count 0',
      '2 put /a x',
      '3 put /count 1 was 0',
      '4 put /a y was x',
      '5 put /a z was y',
      '6 put /count 2 was 1',
    ]);
    t.same(await held(store), ['kept /count'], 'the claims of the other key stay');
    stop.abort();
  },

  'a change together with a write may refuse it, and a refused write changes nothing': async (t, store) => {
    await store.create('/count', text('0'));
    await store.create('/b', text('1'), ['taken']);
    let asked = 0;
    const counting = {
      action: 'change' as const,
      key: '/count',
      change(value: Buffer) {
        asked++;
        const next = Number(value.toString()) + 1;
        if (next > 2) throw new Unavailable('full');
        return text(String(next));
      },
    };
    await t.rejects(store.create('/b', text('x'), undefined, [counting]), { code: 'AlreadyExists' });
    await t.rejects(store.update('/b', text('x'), 1, undefined, [counting]), { code: 'Conflict' });
    await t.rejects(store.update('/none', text('x'), 1, undefined, [counting]), { code: 'NotFound' });
    t.equal(asked, 0, 'the expectation of the write comes first');
    await t.rejects(store.create('/c', text('x'), ['taken'], [counting]), { code: 'AlreadyClaimed' });
    t.match(await store.get('/count'), { value: text('0'), modRevision: 1 });
    const results = await Promise.allSettled(
      ['/1', '/2', '/3', '/4'].map((key) => store.create(key, text('x'), [key], [counting])),
    );
    t.same(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
      [3, 5, 'Unavailable', 'Unavailable'],
    );
    t.match(await store.get('/count'), { value: text('2'), modRevision: 6 });
    t.equal(await store.get('/3'), undefined);
    t.same(await held(store), ['/1 /1', '/2 /2', 'taken /b'], 'a refused write takes no claims');
    t.equal(await store.revision(), 6);
  },

  'a write creates and deletes other keys in its own transaction': async (t, store) => {
    const stop = new AbortController();
    const creates = (key: string) => ({ action: 'create' as const, key, value: text('new'), claim: `claim${key}` });
    const deletes = (key: string, expected: string) => ({
      action: 'delete' as const,
      key,
      applies: (value: Buffer) => value.toString() === expected,
    });
    await store.create('/old', text('1'), ['freed']);
    t.equal(
      await store.create('/a', text('x'), ['mine'], [creates('/n'), deletes('/old', '1'), deletes('/none', '')]),
      2,
    );
    t.match(await store.get('/n'), { value: text('new'), modRevision: 3 });
    t.equal(await store.get('/old'), undefined);
    t.same(await held(store), ['mine /a'], 'a deleted key holds no claims');
    await t.rejects(store.create('/b', text('x'), [], [creates('/n')]), {
      code: 'AlreadyClaimed',
      claim: 'claim/n',
      owner: '/n',
    });
    t.equal(
      await store.update('/a', text('y'), 2, undefined, [deletes('/n', 'other')]),
      5,
      'what does not apply is left',
    );
    const taken = await Promise.allSettled(
      ['/1', '/2'].map((key) => store.create(key, text('x'), [], [creates('/m')])),
    );
    t.equal(taken.filter(({ status }) => status === 'fulfilled').length, 1, 'one of two writes gets the key');
    const winner = taken[0]!.status === 'fulfilled' ? '/1' : '/2';
    await t.rejects(store.delete('/a', 2, [deletes('/n', 'new')]), { code: 'Conflict' });
    t.equal(await store.delete('/a', 5, [deletes('/n', 'new'), creates('/old')]), 8);
    t.match(await store.get('/old'), { modRevision: 10 });
    t.same((await take(store.watch('/', 0, stop.signal), 10)).map(show), [
      '1 put /old 1',
      '2 put /a x',
      '3 put /n new',
      '4 delete /old 1 was 1',
      '5 put /a y was x',
      `6 put ${winner} x`,
      '7 put /m new',
      '8 delete /a y was y',
      '9 delete /n new was new',
      '10 put /old new',
    ]);
    stop.abort();
  },

  'values are any bytes': async (t, store) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await store.create('/bytes', bytes);
    t.same((await store.get('/bytes'))?.value, bytes);
    await store.create('/none', Buffer.alloc(0));
    t.equal((await store.get('/none'))?.value.length, 0);
  },

  'a closed store refuses requests, and finishes earlier writes': async (t, store) => {
    const write = store.create('/a', text('1'));
    await store.close();
    t.equal(await write, 1);
    await t.rejects(store.create('/b', text('1')), { code: 'Unavailable' });
    await t.rejects(store.get('/a'), { code: 'Unavailable' });
    await t.rejects(store.claims(), { code: 'Unavailable' });
    await store.close();
  },
};

/** Of stores that decide writes in the order of their calls. */
const orderedCases: typeof cases = {
  'concurrent writes are decided in order, with contiguous revisions': async (t, store) => {
    const results = await Promise.allSettled([
      store.create('/a', text('1')),
      store.create('/a', text('2')),
      store.update('/a', text('3'), 1),
      store.update('/a', text('4'), 1),
      store.create('/b', text('5')),
      store.delete('/a', 2),
      store.update('/a', text('6'), 2),
    ]);
    t.same(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
      [1, 'AlreadyExists', 2, 'Conflict', 3, 4, 'NotFound'],
    );
  },

  'concurrent writes take claims in order, and a refused write does not affect the others': async (t, store) => {
    const results = await Promise.allSettled([
      store.create('/a', text('1'), ['x']),
      store.create('/b', text('1'), ['y', 'x']),
      store.create('/c', text('1'), ['y']),
      store.delete('/a'),
      store.create('/d', text('1'), ['x']),
      store.update('/c', text('2'), 2, ['z']),
      store.create('/e', text('1'), ['y']),
      store.update('/c', text('3'), 5, ['y']),
    ]);
    t.same(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
      [1, 'AlreadyClaimed', 2, 3, 4, 5, 6, 'AlreadyClaimed'],
    );
    t.same(await held(store), ['x /d', 'y /e', 'z /c']);
  },
};

/** Runs every case on a store of its own. `isOrdered`: writes that run at the same time are decided in the order of their calls. */
export function storeContract(t: Test, open: (t: Test) => Promise<Store>, isOrdered = true): void {
  for (const [name, run] of Object.entries({ ...cases, ...(isOrdered ? orderedCases : {}) })) {
    t.test(name, async (t) => {
      const store = await open(t);
      t.teardown(() => store.close());
      await run(t, store);
    });
  }
}
