import { Packet } from 'dns2';
import t from 'tap';
import { UpstreamCache } from './upstream-cache';

/** An answer with a TTL of 60 s and `count` addresses. */
function answer(count: number): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({ id: 1, qr: 1 } as never);
  packet.questions.push(new Packet.Question({ name: 'a.example', type: Packet.TYPE.A, class: Packet.CLASS.IN }));
  for (let i = 0; i < count; i++) {
    const record = { name: 'a.example', type: Packet.TYPE.A, class: Packet.CLASS.IN, ttl: 60, address: `10.0.0.${i}` };
    packet.answers.push(record as never);
  }
  return packet.toBuffer();
}

void t.test('bounded by bytes: the oldest are dropped, and replaced or expired answers free their bytes', async (t) => {
  const message = answer(10);
  const cache = new UpstreamCache(1_000, 3 * message.length);
  for (const key of ['a', 'b', 'c']) cache.set(key, message, 0);
  for (let i = 0; i < 10; i++) cache.set('c', message, 0);
  t.ok(cache.get('a', 0), 'a replaced answer does not count twice');
  cache.set('d', message, 0);
  t.equal(cache.get('a', 0), undefined);
  t.ok(cache.get('b', 0));
  t.equal(cache.get('b', 60_000), undefined, 'expired');
  cache.set('e', message, 60_000);
  t.ok(cache.get('e', 60_000));
  cache.set('huge', answer(100), 0);
  t.equal(cache.get('huge', 0), undefined, 'longer than the cache');
});
