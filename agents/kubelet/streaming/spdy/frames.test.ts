import t from 'tap';
import { type Frame, FrameReader, formatFrame, maxControlBytes, parseFrame, parseFrameHeader } from './frames';
import {
  formatHeaders,
  HeaderReader,
  HeaderWriter,
  headerDictionary,
  maxHeaderBytes,
  parseHeaders,
} from './header-block';

type Sendable = Exclude<Frame, { type: 'unknown' }>;
const headers = Buffer.from('compressed');
const frames: Sendable[] = [
  { type: 'data', stream: 1, fin: false, data: Buffer.from('hello') },
  { type: 'data', stream: 0x7fffffff, fin: true, data: Buffer.alloc(0) },
  { type: 'syn-stream', stream: 3, fin: true, unidirectional: true, priority: 7, headers },
  { type: 'syn-stream', stream: 5, fin: false, unidirectional: false, priority: 0, headers },
  { type: 'syn-reply', stream: 3, fin: false, headers },
  { type: 'rst-stream', stream: 3, status: 5 },
  {
    type: 'settings',
    settings: new Map([
      [7, 1024],
      [4, 100],
    ]),
  },
  { type: 'ping', id: 0xffffffff },
  { type: 'goaway', lastStream: 9, status: 0 },
  { type: 'headers', stream: 3, fin: true, headers },
  { type: 'window-update', stream: 3, delta: 0x7fffffff },
];
const bytes = (frame: Sendable) => Buffer.concat(formatFrame(frame));

function adler32(data: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

t.test('frames are the same after formatting and parsing', async (t) => {
  for (const frame of frames) t.same([...new FrameReader().push(bytes(frame))], [frame], frame.type);
});

t.test('frames have the bytes of the specification', async (t) => {
  const cases: { name: string; frame: Sendable; hex: string }[] = [
    { name: 'ping', frame: { type: 'ping', id: 1 }, hex: '80030006 00000004 00000001' },
    { name: 'reset', frame: { type: 'rst-stream', stream: 1, status: 5 }, hex: '80030003 00000008 00000001 00000005' },
    {
      name: 'last data',
      frame: { type: 'data', stream: 1, fin: true, data: Buffer.from('hi') },
      hex: '00000001 01000002 6869',
    },
    { name: 'goaway', frame: { type: 'goaway', lastStream: 1, status: 0 }, hex: '80030007 00000008 00000001 00000000' },
    {
      name: 'settings',
      frame: { type: 'settings', settings: new Map([[7, 256]]) },
      hex: '80030004 0000000c 00000001 00000007 00000100',
    },
  ];
  for (const { name, frame, hex } of cases) t.equal(bytes(frame).toString('hex'), hex.replaceAll(' ', ''), name);
});

t.test('frames are parsed from chunks of any size', async (t) => {
  const all = Buffer.concat(frames.map(bytes));
  for (const size of [1, 2, 7, 8, 9, 64, all.length]) {
    const reader = new FrameReader();
    const got: Frame[] = [];
    for (let i = 0; i < all.length; i += size) got.push(...reader.push(all.subarray(i, i + size)));
    t.same(got, frames, `pieces of ${size}`);
    t.equal(reader.pending, 0);
  }
});

t.test('bytes that are not SPDY/3.1 are refused, unknown control frames are not', async (t) => {
  const control = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const bad = [
    { name: 'version 2', hex: '80020006 00000004 00000001' },
    { name: 'HTTP', hex: '8754502f 312e3100' },
    { name: 'short ping', hex: '80030006 00000003 000000' },
    { name: 'long reset', hex: '80030003 00000009 00000001 00000005 00' },
    { name: 'settings that lie about their number', hex: '80030004 0000000c 00000002 00000007 00000100' },
    { name: 'syn-stream without its fixed part', hex: '80030001 00000004 00000001' },
    { name: 'data for stream 0', hex: '00000000 00000000' },
    { name: 'oversized control frame', hex: '80030001 00ffffff' },
  ];
  for (const { name, hex } of bad) {
    t.throws(() => [...new FrameReader().push(control(hex))], { code: 'BadRequest' }, name);
  }
  t.same([...new FrameReader().push(control('8003000b 00000002 abcd'))], [{ type: 'unknown', code: 11 }]);
  t.ok(maxControlBytes < 2 ** 24);
});

t.test('random bytes either parse or are refused', async (t) => {
  let seed = 11;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 1;
    return seed % n;
  };
  const all = Buffer.concat(frames.map(bytes));
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const noisy = Buffer.from(all);
    for (let i = 0; i <= random(4); i++) noisy[random(noisy.length)] = random(256);
    try {
      for (const frame of new FrameReader().push(noisy)) {
        if (frame.type !== 'unknown') Buffer.concat(formatFrame(frame));
      }
    } catch (err) {
      if ((err as { code?: string }).code !== 'BadRequest') throw err;
      refused++;
    }
  }
  t.ok(refused > 1000, `${refused} refused`);
  t.throws(() => parseFrame(Buffer.from('8003000600000004', 'hex'), Buffer.alloc(0)), { code: 'BadRequest' });
  t.throws(() => parseFrameHeader(Buffer.from('ffffffffffffffff', 'hex')), { code: 'BadRequest' });
});

t.test('header blocks are compressed with the dictionary of SPDY', async (t) => {
  t.equal(headerDictionary.length, 1423);
  t.equal(adler32(headerDictionary), 0xe3c6a7c2, 'the dictionary number both sides compare');
  const some = new Map([
    ['streamtype', ['data']],
    ['port', ['8080', '9090']],
  ]);
  t.same(parseHeaders(formatHeaders(some)), some);
  t.same(parseHeaders(formatHeaders(new Map([['StreamType', ['x']]]))).get('streamtype'), ['x']);

  const [writer, reader] = [new HeaderWriter(), new HeaderReader()];
  const sizes: number[] = [];
  for (let i = 0; i < 50; i++) {
    const each = new Map([...some, ['requestid', [String(i)]]]);
    const block = await writer.write(each);
    sizes.push(block.length);
    t.same(await reader.read(block), each);
  }
  t.ok(sizes[49]! < sizes[0]!, 'later blocks lean on earlier ones');
  const big = new Map([['x', ['y'.repeat(maxHeaderBytes - 1000)]]]);
  t.same(await reader.read(await writer.write(big)), big, 'larger than one piece of zlib');
  await t.rejects(
    reader.read(await writer.write(new Map([['x', ['z'.repeat(maxHeaderBytes)]]]))),
    { code: 'BadRequest' },
    'a bomb',
  );

  const damaged = new HeaderReader();
  await t.rejects(damaged.read(Buffer.from('not zlib at all')), { code: 'BadRequest' });
  for (const hex of [
    '',
    '0000',
    '00000001',
    '0000000100000005',
    '000000010000000161000000016200',
    '00000001000000000000000161',
  ]) {
    t.throws(() => parseHeaders(Buffer.from(hex, 'hex')), { code: 'BadRequest' }, hex);
  }
  for (const one of [writer, reader, damaged]) one.close();
});
