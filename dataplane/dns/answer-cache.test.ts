import t from 'tap';
import { AnswerCache, CachedAnswer } from './answer-cache';

t.test('each order of the records is encoded once, and answers rotate through them', async (t) => {
  const made: number[] = [];
  const make = (turn: number) => {
    made.push(turn);
    return Buffer.from([turn]);
  };
  const answer = new CachedAnswer(3, make, 'tag');
  t.same(
    [1, 2, 3, 4, 5].map(() => answer.take()[0]),
    [0, 1, 2, 0, 1],
  );
  t.same(made, [0, 1, 2]);
});

t.test('the cache is bounded and keeps recently used answers', async (t) => {
  const cache = new AnswerCache<string>(2);
  const put = (key: string) => cache.set(key, new CachedAnswer(1, () => Buffer.from(key), key), 1);
  put('a');
  put('b');
  put('c');
  t.equal(cache.get('a')?.tag, 'a', 'kept from the older generation');
  put('d');
  t.equal(cache.get('a')?.tag, 'a');
  t.equal(cache.get('b'), undefined, 'dropped, because not used');
  cache.clear();
  t.equal(cache.get('a'), undefined);
});

t.test('long answers fill the cache before there are many', async (t) => {
  const cache = new AnswerCache<string>(1_000, 100);
  const put = (key: string, bytes: number) => cache.set(key, new CachedAnswer(1, () => Buffer.from(key), key), bytes);
  put('a', 60);
  put('b', 60);
  put('c', 60);
  t.equal(cache.get('a'), undefined, 'two generations of 100 bytes');
  t.equal(cache.get('b')?.tag, 'b');
  put('too long', 101);
  t.equal(cache.get('too long'), undefined);
  t.equal(cache.get('c')?.tag, 'c', 'the cache keeps its entries');
});

t.test('queries that differ in more than the ID have different keys', async (t) => {
  const key = (hex: string) => AnswerCache.keyOf(Buffer.from(hex, 'hex'));
  t.equal(key('0001ff80'), key('ffffff80'));
  t.not(key('0001ff80'), key('0001ff81'));
});
