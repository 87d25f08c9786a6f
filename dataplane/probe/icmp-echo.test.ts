import t from 'tap';
import { fc, fuzz, mutatedBytes } from '../../test/lib/fuzz';
import { parseQueuedError } from './error-queue';
import { parseEchoReply, parseQuotedEcho, renderEcho } from './icmp-echo';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
const own = { id: 0x4b38, sequence: 0x1234 };

t.test('echo requests', async (t) => {
  t.same(renderEcho(4, own, Buffer.from('abc')), hex('08 00 d630 4b38 1234 616263'));
  t.same(renderEcho(6, own, Buffer.alloc(1)), hex('80 00 0000 4b38 1234 00'), 'the kernel fills in the checksum');
});

t.test('replies, and what is not a reply', async (t) => {
  const ip = hex('45000000 00000000 40010000 c0000202 c6336402');
  const reply = hex('0000 0000 4b38 1234');
  t.strictSame(parseEchoReply(4, Buffer.concat([ip, reply])), own);
  t.strictSame(parseEchoReply(6, hex('8100 0000 4b38 1234')), own);
  t.equal(parseEchoReply(4, Buffer.concat([ip, renderEcho(4, own, Buffer.alloc(0))])), undefined, 'our own request');
  t.equal(parseEchoReply(4, Buffer.concat([ip, reply.subarray(0, 7)])), undefined);
  t.equal(parseEchoReply(6, hex('')), undefined);
  t.equal(parseEchoReply(4, hex('')), undefined);
  t.strictSame(parseQuotedEcho(6, renderEcho(6, own, Buffer.alloc(0))), own);
  t.equal(parseQuotedEcho(4, reply), undefined);
});

// cmsghdr, sock_extended_err, sockaddr: EHOSTUNREACH (113) from 192.0.2.1, as Linux gives it.
const fromRouter = hex(`3000000000000000 00000000 0b000000
  71000000 02 03 0d 00 00000000 00000000  0200 0000 c0000201 0000000000000000`);
// EMSGSIZE (90), found by this kernel: MTU 1300.
const local = hex(`3c00000000000000 29000000 19000000
  5a000000 01 00 00 00 14050000 00000000  0a00 0000 00000000 00000000000000000000000000000000 00000000`);

t.test('entries of the error queue', async (t) => {
  const quote = Buffer.from('x');
  t.strictSame(parseQueuedError(fromRouter, quote), { errno: 'EHOSTUNREACH', quote, reportedBy: '192.0.2.1' });
  t.strictSame(parseQueuedError(local, quote), { errno: 'EMSGSIZE', quote, mtu: 1_300 });
  const other = hex('1400000000000000 01000000 1d000000 01020304 00000000');
  t.match(parseQueuedError(Buffer.concat([other, fromRouter]), quote), { errno: 'EHOSTUNREACH' }, 'after another one');
  t.equal(parseQueuedError(other, quote), undefined);
  t.equal(parseQueuedError(Buffer.alloc(32), quote), undefined, 'a length of 0');
});

t.test('any bytes', async (t) => {
  const packets = fc.constantFrom(fromRouter, local, renderEcho(4, own, Buffer.alloc(9)));
  await fuzz(t, 'the parsers never throw', mutatedBytes(packets), (bytes) => {
    parseEchoReply(4, bytes);
    parseEchoReply(6, bytes);
    parseQuotedEcho(4, bytes);
    parseQueuedError(bytes, bytes);
  });
});
