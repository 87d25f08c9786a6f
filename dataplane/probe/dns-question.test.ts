import t from 'tap';
import { readAnswer, renderQuestion, withLength, withoutLength } from './dns-question';

/** An answer to `web.shop` with these records: type and data. */
function answer(id: number, code: number, ...records: readonly (readonly [number, readonly number[]])[]): Buffer {
  const question = renderQuestion(id, { name: 'web.shop', type: 'A' });
  question.writeUInt16BE(0x8180 | code, 2);
  question.writeUInt16BE(records.length, 6);
  const parts = records.map(([type, data]) =>
    Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 5, 0, data.length, ...data]),
  );
  return Buffer.concat([question, ...parts]);
}
const alias = [5, [1, 0x61, 0]] as const;
const address = [1, [10, 96, 0, 7]] as const;

t.test('a question as RFC 1035 has it', async (t) => {
  const expected =
    '1234' + '0100' + '0001' + '0000' + '0000' + '0000' + '03776562' + '0473686f70' + '00' + '0001' + '0001';
  t.equal(renderQuestion(0x1234, { name: 'web.shop.', type: 'A' }).toString('hex'), expected);
  t.match(renderQuestion(1, { name: 'a', type: 'AAAA' }).toString('hex'), /001c0001$/);
  for (const name of ['', '.', 'a..b', 'x'.repeat(64), `${'a.'.repeat(200)}a`, 'sp ace', 'ü']) {
    t.throws(() => renderQuestion(1, { name, type: 'A' }), { code: 'BadRequest' }, JSON.stringify(name.slice(0, 20)));
  }
});

t.test('over TCP the length stands in front', async (t) => {
  const question = renderQuestion(7, { name: 'web', type: 'A' });
  const sent = withLength(question);
  t.equal(sent.readUInt16BE(0), question.length);
  t.strictSame(withoutLength(sent), question);
  t.equal(readAnswer(withoutLength(Buffer.from([0])), 7, 'A'), undefined, 'cut off');
});

t.test('answers', async (t) => {
  t.strictSame(readAnswer(answer(7, 0, alias, address), 7, 'A'), { code: 'NOERROR', addresses: ['10.96.0.7'] });
  t.strictSame(readAnswer(answer(7, 3), 7, 'A'), { code: 'NXDOMAIN', addresses: [] });
  t.strictSame(readAnswer(answer(7, 9), 7, 'A'), { code: 'RCODE9', addresses: [] });
  const six = [28, [0xfd, ...Array(14).fill(0), 1]] as const;
  t.strictSame(readAnswer(answer(7, 0, six, address), 7, 'AAAA'), { code: 'NOERROR', addresses: ['fd00::1'] });
  const cut = answer(7, 0);
  cut[2] = 0x82;
  t.strictSame(readAnswer(cut, 7, 'A'), { code: 'NOERROR', addresses: [], truncated: true });
  t.equal(readAnswer(answer(7, 0), 8, 'A'), undefined, 'another number');
  t.equal(readAnswer(renderQuestion(7, { name: 'web', type: 'A' }), 7, 'A'), undefined, 'a question');
});

t.test('bytes that are cut off, at each place', async (t) => {
  const whole = answer(7, 0, address, address);
  for (let length = 0; length < whole.length; length++) {
    const read = readAnswer(whole.subarray(0, length), 7, 'A');
    t.ok(read === undefined || read.addresses.length < 2, `${length} bytes`);
  }
});

t.test('names without an end', async (t) => {
  const bytes = Buffer.alloc(512, 0x3f);
  bytes.writeUInt16BE(7, 0);
  bytes[2] = 0x80;
  bytes.writeUInt16BE(0xffff, 4);
  bytes.writeUInt16BE(0xffff, 6);
  t.strictSame(readAnswer(bytes, 7, 'A')?.addresses, []);
});
