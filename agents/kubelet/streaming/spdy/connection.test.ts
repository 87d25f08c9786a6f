// The SPDY connection against a client that uses the same frame code, over an in-memory transport.
import { EventEmitter, once } from 'node:events';
import { Duplex } from 'node:stream';
import t from 'tap';
import { maxBacklogBytes, SpdyConnection } from './connection';
import { type Frame, FrameReader, formatFrame } from './frames';
import { HeaderReader, HeaderWriter } from './header-block';
import type { SpdyStream } from './stream';

type Sendable = Exclude<Frame, { type: 'unknown' }>;

/** Two ends of one byte stream. */
function transportPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  for (const other of [1, 0]) {
    ends.push(
      new Duplex({
        allowHalfOpen: true,
        read: () => {},
        write: (chunk: Buffer, _encoding, done) => {
          ends[other]!.push(Buffer.from(chunk));
          done();
        },
        final: (done) => {
          ends[other]!.push(null);
          done();
        },
      }),
    );
  }
  return [ends[0]!, ends[1]!];
}

class Client {
  readonly received: Frame[] = [];
  readonly opened: SpdyStream[] = [];
  readonly ended: Promise<unknown>;
  readonly connection: SpdyConnection;
  private readonly writer = new HeaderWriter();
  private readonly reader = new FrameReader();
  private readonly transport: Duplex;
  private readonly changed = new EventEmitter().setMaxListeners(0);

  constructor() {
    const [near, far] = transportPair();
    this.transport = near;
    near.on('data', (chunk: Buffer) => {
      this.received.push(...this.reader.push(chunk));
      this.changed.emit('change');
    });
    this.connection = new SpdyConnection(far, {
      onStream: (stream) => {
        this.opened.push(stream);
        this.changed.emit('change');
      },
    });
    this.ended = this.connection.run().then(
      () => 'orderly',
      (err: unknown) => err,
    );
  }

  send(frame: Sendable): void {
    for (const part of formatFrame(frame)) this.transport.write(part);
  }
  raw(bytes: Buffer): void {
    this.transport.write(bytes);
  }
  end(): void {
    this.transport.end();
  }
  async open(stream: number, headers: Record<string, string> = {}, fin = false): Promise<SpdyStream> {
    const block = await this.writer.write(new Map(Object.entries(headers).map(([name, value]) => [name, [value]])));
    this.send({ type: 'syn-stream', stream, fin, unidirectional: false, priority: 0, headers: block });
    await this.until(() => this.opened.some(({ id }) => id === stream));
    return this.opened.find(({ id }) => id === stream)!;
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.changed, 'change');
  }
  async frame<T extends Frame['type']>(type: T, match: (frame: Extract<Frame, { type: T }>) => boolean = () => true) {
    const find = () =>
      this.received.find((f): f is Extract<Frame, { type: T }> => f.type === type && match(f as never));
    await this.until(() => find() !== undefined);
    return find()!;
  }
  /** All data of a stream so far, and whether it has ended. */
  data(stream: number): { text: string; fin: boolean } {
    const parts = this.received.filter((f) => f.type === 'data' && f.stream === stream) as Extract<
      Frame,
      { type: 'data' }
    >[];
    return { text: Buffer.concat(parts.map(({ data }) => data)).toString(), fin: parts.some(({ fin }) => fin) };
  }
}

t.test('opens, answers, carries both ways, half-closes', async (t) => {
  const client = new Client();
  const stream = await client.open(1, { streamType: 'stdin' });
  t.equal(stream.header('streamtype'), 'stdin');
  const reply = await client.frame('syn-reply');
  t.equal(reply.stream, 1);
  const replies = new HeaderReader();
  t.same(await replies.read(reply.headers), new Map());
  replies.close();
  client.send({ type: 'data', stream: 1, fin: false, data: Buffer.from('hel') });
  client.send({ type: 'data', stream: 1, fin: true, data: Buffer.from('lo') });
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) text += chunk;
  t.equal(text, 'hello');
  stream.write('answer');
  stream.end();
  await client.frame('data', ({ fin }) => fin);
  t.same(client.data(1), { text: 'answer', fin: true });
  client.end();
  t.equal(await client.ended, 'orderly');
  t.notOk(client.received.some(({ type }) => type === 'rst-stream'));
});

t.test('pings of the client are answered, and no others', async (t) => {
  const client = new Client();
  client.send({ type: 'ping', id: 2 });
  client.send({ type: 'ping', id: 7 });
  await client.frame('ping');
  t.same(client.received, [{ type: 'ping', id: 7 }]);
  client.end();
  await client.ended;
});

t.test('stream numbers: even, used and unknown ones', async (t) => {
  const client = new Client();
  await client.open(5);
  for (const id of [2, 5, 3]) {
    client.send({
      type: 'syn-stream',
      stream: id,
      fin: false,
      unidirectional: false,
      priority: 0,
      headers: Buffer.alloc(0),
    });
  }
  // An empty block cannot be read. The shared compression state is lost, so the connection ends.
  t.match(await client.ended, { code: 'BadRequest' });
  t.ok(client.received.some((f) => f.type === 'goaway' && f.status === 1));

  const other = new Client();
  await other.open(5);
  void other.open(3);
  await other.frame('rst-stream', ({ stream }) => stream === 3);
  other.send({ type: 'data', stream: 9, fin: false, data: Buffer.from('x') });
  t.match(await other.frame('rst-stream', ({ stream }) => stream === 9), { status: 2 });
  t.equal(other.opened.length, 1);
  other.end();
  await other.ended;
});

t.test('a reset by the client destroys one stream only', async (t) => {
  const client = new Client();
  const [first, second] = [await client.open(1), await client.open(3)];
  const closed = new Promise((resolve) => first.once('close', resolve));
  client.send({ type: 'rst-stream', stream: 1, status: 5 });
  await closed;
  t.ok(first.destroyed);
  second.end('still here');
  await client.frame('data', ({ stream, fin }) => stream === 3 && fin);
  t.equal(client.data(3).text, 'still here');
  t.notOk(
    client.received.some((f) => f.type === 'rst-stream'),
    'a reset is not answered with one',
  );
  client.end();
  await client.ended;
});

t.test('destroying a stream resets it', async (t) => {
  const client = new Client();
  const stream = await client.open(1);
  stream.destroy();
  t.match(await client.frame('rst-stream'), { stream: 1, status: 5 });
  client.send({ type: 'data', stream: 1, fin: false, data: Buffer.from('late') });
  client.send({ type: 'ping', id: 1 });
  await client.frame('ping');
  t.equal(client.received.filter(({ type }) => type === 'rst-stream').length, 1, 'late data is no error');
  client.end();
  await client.ended;
});

t.test('a client that announces a window is kept to it', async (t) => {
  const client = new Client();
  client.send({ type: 'settings', settings: new Map([[7, 10]]) });
  const stream = await client.open(1);
  stream.write('0123456789abcdefghij');
  await client.until(() => client.data(1).text.length === 10);
  client.send({ type: 'ping', id: 1 });
  await client.frame('ping');
  t.equal(client.data(1).text, '0123456789');
  client.send({ type: 'window-update', stream: 1, delta: 4 });
  await client.until(() => client.data(1).text.length === 14);
  client.send({ type: 'window-update', stream: 1, delta: 100 });
  await client.until(() => client.data(1).text.length === 20);
  t.equal(client.data(1).text, '0123456789abcdefghij');
  client.end();
  await client.ended;
});

t.test('a client that announces none gets everything', async (t) => {
  const client = new Client();
  const stream = await client.open(1);
  stream.end('x'.repeat(300_000));
  await client.frame('data', ({ fin }) => fin);
  t.equal(client.data(1).text.length, 300_000);
  client.end();
  await client.ended;
});

t.test('a slow reader stops the transport, and starts it again', async (t) => {
  const client = new Client();
  const stream = await client.open(1);
  const block = Buffer.alloc(64 * 1024, 'z');
  const blocks = 4 * Math.ceil(maxBacklogBytes / block.length);
  for (let i = 0; i < blocks; i++) client.send({ type: 'data', stream: 1, fin: i === blocks - 1, data: block });
  client.send({ type: 'ping', id: 1 });
  while (stream.backlog <= maxBacklogBytes) await new Promise((resolve) => setImmediate(resolve));
  t.ok(stream.backlog < 2 * maxBacklogBytes, `held back at ${stream.backlog}`);
  t.notOk(
    client.received.some(({ type }) => type === 'ping'),
    'later frames wait',
  );
  let bytes = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) bytes += chunk.length;
  t.equal(bytes, blocks * block.length);
  await client.frame('ping');
  const reported = client.received.filter((f) => f.type === 'window-update' && f.stream === 1) as { delta: number }[];
  t.ok(reported.reduce((sum, { delta }) => sum + delta, 0) > bytes - 64 * 1024, 'consumed bytes are reported');
  client.end();
  await client.ended;
});

t.test('close() sends GOAWAY after everything written', async (t) => {
  const client = new Client();
  const stream = await client.open(1);
  stream.end('last words');
  await once(stream, 'finish');
  client.connection.close();
  t.match(await client.frame('goaway'), { lastStream: 1, status: 0 });
  t.same(client.data(1), { text: 'last words', fin: true });
  client.end();
  t.equal(await client.ended, 'orderly');
});

t.test('a broken client ends the connection and all streams', async (t) => {
  const client = new Client();
  const stream = await client.open(1);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  client.raw(Buffer.from('ffffffffffffffff', 'hex'));
  t.match(await client.ended, { code: 'BadRequest' });
  await closed;
});

t.test('random frames never break out of the connection', async (t) => {
  let seed = 5;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 1;
    return seed % n;
  };
  const odd: unknown[] = [];
  for (let round = 0; round < 300; round++) {
    const client = new Client();
    await client.open(1);
    for (let i = 0; i < 20; i++) {
      const kind = random(6);
      const stream = random(6);
      if (kind === 0)
        client.send({ type: 'data', stream: stream + 1, fin: random(2) === 0, data: Buffer.alloc(random(100)) });
      else if (kind === 1) client.send({ type: 'rst-stream', stream, status: random(10) });
      else if (kind === 2) client.send({ type: 'window-update', stream, delta: random(1 << 30) });
      else if (kind === 3) client.send({ type: 'settings', settings: new Map([[random(9), random(1 << 16)]]) });
      else if (kind === 4) client.send({ type: 'goaway', lastStream: stream, status: 0 });
      else client.raw(Buffer.from(Array.from({ length: random(12) }, () => random(256))));
    }
    client.end();
    const end = await client.ended;
    if (end !== 'orderly' && (end as { code?: string }).code !== 'BadRequest') odd.push(end);
  }
  t.same(odd, [], 'each ends in order, or with a BadRequest');
});
