// Bytes that a client of exec, attach or port-forward sends: SPDY frames and header blocks, WebSocket frames.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import t from 'tap';
import { WebSocketServer } from 'ws';
import { BadRequest } from '../../../controlplane/base/errors';
import { fc, fuzz, mutatedBytes } from '../../../test/lib/fuzz';
import { type Frame, FrameReader, formatFrame } from './spdy/frames';
import { formatHeaders, parseHeaders } from './spdy/header-block';
import { TerminalSizeReader } from './terminal-size';
import { WebSocketChannels } from './websocket-channels';

function readOrRefuse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (err) {
    if (err instanceof BadRequest) return undefined;
    throw err;
  }
}

const frames: fc.Arbitrary<Exclude<Frame, { type: 'unknown' }>> = fc.oneof(
  fc.record({
    type: fc.constant('data' as const),
    stream: fc.integer({ min: 1, max: 100 }),
    fin: fc.boolean(),
    data: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({ type: fc.constant('ping' as const), id: fc.nat() }),
);
const stream = fc.array(frames, { maxLength: 6 });
const bytesOf = (list: readonly Exclude<Frame, { type: 'unknown' }>[]): Buffer =>
  Buffer.concat(list.flatMap(formatFrame));

t.test('SPDY frames are parsed from chunks of any size', async (t) => {
  await fuzz(
    t,
    'round trip',
    fc.tuple(stream, fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 8 })),
    ([list, cuts]) => {
      const reader = new FrameReader();
      const bytes = bytesOf(list);
      const read: Frame[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = cuts[i % cuts.length]! + 1;
        read.push(...reader.push(bytes.subarray(at, at + size)));
        at += size;
      }
      if (JSON.stringify(read) !== JSON.stringify(list)) throw new Error(`${JSON.stringify(read)}`);
    },
  );
  await fuzz(t, 'changed', mutatedBytes(stream.map(bytesOf)), (bytes) => {
    readOrRefuse(() => [...new FrameReader().push(bytes)]);
  });
});

t.test('any SPDY header block is parsed or refused', async (t) => {
  const headers = fc
    .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ maxLength: 8 })), {
      selector: ([name]) => name,
    })
    .map((pairs) => new Map(pairs.map(([name, value]) => [name, [value]] as const)));
  await fuzz(
    t,
    'changed',
    mutatedBytes(headers.map(formatHeaders)),
    (bytes) => void readOrRefuse(() => parseHeaders(bytes)),
  );
});

t.test('any text of terminal sizes is parsed or ignored', async (t) => {
  const valid = fc
    .record({ Width: fc.nat(), Height: fc.nat() })
    .map((size) => Buffer.from(`${JSON.stringify(size)}\n`));
  await fuzz(t, 'changed', mutatedBytes(valid), (bytes) => {
    const reader = new TerminalSizeReader();
    for (const { width, height } of readOrRefuse(() => reader.push(bytes)) ?? []) {
      if (!Number.isInteger(width) || !Number.isInteger(height)) throw new Error(`${width} x ${height}`);
    }
  });
});

const masked = (opcode: number, payload: Buffer, fin = true): Buffer =>
  Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
const message = fc
  .tuple(fc.constantFrom(0, 1, 2, 8, 9, 10), fc.uint8Array({ maxLength: 60 }), fc.boolean())
  .map(([opcode, payload, fin]) => masked(opcode, Buffer.from(payload), fin));

t.test('WebSocket frames: the server closes the connection or serves on', async (t) => {
  const server = createServer();
  const sockets = new WebSocketServer({ server, maxPayload: 1024 * 1024, perMessageDeflate: false });
  const failures: unknown[] = [];
  sockets.on('connection', (socket) => {
    const channels = new WebSocketChannels(socket, { version: 5, base64: false });
    channels.input(0).on('data', () => {});
    channels.duplex(1).on('data', () => {});
    socket.on('close', () => {});
  });
  server.on('error', (err) => failures.push(err));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const head =
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  const sent = mutatedBytes(fc.array(message, { maxLength: 5 }).map((list) => Buffer.concat(list)));
  await fuzz(
    t,
    'changed',
    sent,
    async (bytes) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      // A close at the end, so that the connection ends however the server reads the bytes.
      socket.end(Buffer.concat([Buffer.from(head), bytes, masked(8, Buffer.alloc(0))]));
      await once(socket, 'close');
    },
    { runs: 150 },
  );
  t.strictSame(failures, []);
});

t.test('a message of many invalid sizes is cheap', async (t) => {
  const start = process.cpuUsage();
  t.strictSame([...new TerminalSizeReader().push('}'.repeat(2_000_000))], []);
  t.ok(process.cpuUsage(start).user < 2_000_000);
  t.strictSame([...new TerminalSizeReader().push('{"Width":1,"Height":2}'.repeat(1_000))].length, 100);
});
