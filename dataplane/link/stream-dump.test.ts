import t from 'tap';
import { eachMessage } from './stream-dump';

const message = (type: number, ...data: number[]): Buffer => {
  const out = Buffer.alloc((16 + data.length + 3) & ~3);
  out.writeUInt32LE(16 + data.length, 0);
  out.writeUInt16LE(type, 4);
  Buffer.from(data).copy(out, 16);
  return out;
};
const read = (...messages: Buffer[]) => {
  const seen: string[] = [];
  const complete = eachMessage(Buffer.concat(messages), 'read', (bytes, from, to) => {
    seen.push(bytes.toString('hex', from, to));
  });
  return { seen, complete };
};
const done = message(3, 0, 0, 0, 0);

t.test('messages of one datagram', async (t) => {
  t.same(read(message(16, 1, 2, 3), message(16, 4)), { seen: ['010203', '04'], complete: false });
  t.same(read(message(16, 1), done), { seen: ['01'], complete: true });
  t.same(read(message(3)), { seen: [], complete: true }, 'an old kernel says no number at the end');
  t.same(read(), { seen: [], complete: false });
});

t.test('errors of the kernel, and what is cut off', async (t) => {
  t.throws(() => read(message(2, 0xff, 0xff, 0xff, 0xff)), { code: 'Forbidden', message: 'read: EPERM' });
  t.throws(() => read(message(16, 1), message(3, 0xfe, 0xff, 0xff, 0xff)), { code: 'NotFound' });
  t.equal(read(message(2, 0, 0, 0, 0)).complete, true, 'an acknowledgement');
  t.throws(() => read(message(16, 1, 2, 3, 4, 5).subarray(0, 20)), { code: 'Unavailable', message: /cut off/ });
  const short = message(16, 1);
  short.writeUInt32LE(3, 0);
  t.throws(() => read(short), { message: /cut off/ });
});
