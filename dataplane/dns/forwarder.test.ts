// Forwarding to upstream servers that the tests run themselves, on loopback sockets.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { Packet } from 'dns2';
import t, { type Test } from 'tap';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import { FakeClock } from '../../test/lib/fake-clock';
import { Forwarder, toReply } from './forwarder';
import { type RawQuestion, rcodeOf, readQuestion } from './raw';
import { exchange } from './upstream';
import { planCaching, UpstreamCache } from './upstream-cache';

const host = '127.0.0.1';
const flags = { edns: false, dnssecOk: false, checkingDisabled: false };
const question = (name: string, type = 1): RawQuestion => ({ name, type, class: 1, end: 0, isLowerCase: true });

interface Script {
  rcode?: number;
  ttl?: number;
  answers?: number;
  tc?: boolean;
  soa?: { ttl: number; minimum: number };
}

function answerTo(query: Buffer, { rcode = 0, ttl = 60, answers = 1, tc = false, soa }: Script): Buffer {
  const asked = Packet.parse(query);
  const packet = new Packet();
  packet.header = new Packet.Header({ ...asked.header, qr: 1, ra: 1, rcode, tc: tc ? 1 : 0 } as never);
  packet.questions = asked.questions;
  const { name } = asked.questions[0]!;
  for (let i = 0; i < answers; i++) {
    packet.answers.push(new Packet.Resource({ name, type: 1, class: 1, ttl, address: `192.0.2.${i + 1}` } as never));
  }
  if (soa) {
    const timers = { serial: 1, refresh: 1, retry: 1, expiration: 1, minimum: soa.minimum };
    const record = {
      name: 'example.com',
      type: 6,
      class: 1,
      ttl: soa.ttl,
      primary: 'ns.example.com',
      admin: 'x.example.com',
    };
    packet.authorities.push(new Packet.Resource({ ...record, ...timers } as never));
  }
  return packet.toBuffer();
}

/** A server on UDP and TCP that answers by the script; it does not answer when the script returns undefined. */
async function upstream(t: Test, udp: (query: Buffer) => Buffer | undefined, tcp = udp) {
  const stream = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      const answer = tcp(bytes.subarray(2));
      if (!answer) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      // In two pieces: the length alone is not an answer yet.
      socket.write(length);
      setImmediate(() => socket.end(answer));
    });
  });
  await new Promise<void>((resolve) => stream.listen(0, host, resolve));
  const { port } = stream.address() as { port: number };
  const datagram = createSocket('udp4');
  await new Promise<void>((resolve) => datagram.bind(port, host, resolve));
  datagram.on('message', (query, client) => {
    const answer = udp(query);
    if (answer) datagram.send(answer, client.port, client.address);
  });
  t.teardown(() => {
    datagram.close();
    stream.close();
  });
  return { host, port };
}

t.test('an answer is requested once, then cached with a falling TTL', async (t) => {
  let asked = 0;
  const server = await upstream(t, (query) => {
    asked++;
    return answerTo(query, { ttl: 60 });
  });
  const clock = new FakeClock();
  const forwarder = new Forwarder({ upstreams: [server], clock, log: silentLogger });
  const together = await Promise.all([1, 2, 3].map(() => forwarder.resolve(question('www.example.com'), flags)));
  t.equal(together.length, 3);
  t.equal(asked, 1, 'equal questions under way share one exchange');
  clock.advance(25_000);
  const later = Packet.parse(await forwarder.resolve(question('www.example.com'), flags));
  t.equal(later.answers[0]?.ttl, 35);
  t.equal(asked, 1);
  clock.advance(35_000);
  await forwarder.resolve(question('www.example.com'), flags);
  t.equal(asked, 2, 'expired');
});

t.test('a truncated answer is requested again over TCP', async (t) => {
  const server = await upstream(
    t,
    (query) => answerTo(query, { tc: true, answers: 0 }),
    (query) => answerTo(query, { answers: 40 }),
  );
  t.equal(Packet.parse(await exchange(queryOf('big.example.com'), server, 5_000)).answers.length, 40);
});

t.test('packets that do not answer the question are ignored', async (t) => {
  const server = await upstream(t, () => undefined);
  const noisy = createSocket('udp4');
  await new Promise<void>((resolve) => noisy.bind(0, host, resolve));
  t.teardown(() => noisy.close());
  noisy.on('message', (query, client) => {
    const wrongId = answerTo(query, { answers: 3 });
    wrongId.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0);
    const wrongName = answerTo(queryOf('evil.example.com'), { answers: 3 });
    query.copy(wrongName, 0, 0, 2);
    for (const one of [Buffer.from('x'), query, wrongId, wrongName, answerTo(query, { answers: 1 })]) {
      noisy.send(one, client.port, client.address);
    }
  });
  const { port } = noisy.address();
  t.equal(Packet.parse(await exchange(queryOf('www.example.com'), { host, port }, 5_000)).answers.length, 1);
  await t.rejects(exchange(queryOf('www.example.com'), server, 50), { code: 'Unavailable', message: /did not answer/ });
});

t.test('healthy servers come first', async (t) => {
  const asked: string[] = [];
  const answers: Record<string, () => Buffer> = {
    'a:53': () => {
      throw new Error('unreachable');
    },
    'b:53': () => answerTo(queryOf('x'), { rcode: 2, answers: 0 }),
    'c:53': () => answerTo(queryOf('x'), {}),
  };
  const clock = new FakeClock();
  const upstreams = ['a', 'b', 'c'].map((name) => ({ host: name, port: 53 }));
  const ask = async (_query: Buffer, server: { host: string; port: number }) => {
    asked.push(server.host);
    return answers[`${server.host}:53`]!();
  };
  const forwarder = new Forwarder({ upstreams, clock, log: silentLogger, ask });
  t.equal(rcodeOf(await forwarder.resolve(question('one'), flags)), 0);
  t.same(asked.splice(0), ['a', 'b', 'c'], 'after a failure or a SERVFAIL the next server is asked');
  await forwarder.resolve(question('two'), flags);
  t.same(asked.splice(0), ['b', 'c'], 'the failed server is skipped');
  clock.advance(10_000);
  await forwarder.resolve(question('three'), flags);
  t.same(asked.splice(0), ['a', 'b', 'c'], 'the failed server is asked again later');
  answers['c:53'] = answers['a:53']!;
  t.equal(
    rcodeOf(await forwarder.resolve(question('four'), flags)),
    2,
    'a SERVFAIL is returned when no server has a better answer',
  );
  answers['b:53'] = answers['a:53']!;
  await t.rejects(forwarder.resolve(question('five'), flags), {
    code: 'Unavailable',
    message: /no upstream server answered/,
  });
});

t.test('which answers are cached, and how long', async (t) => {
  const query = queryOf('www.example.com');
  const cases: { name: string; script: Script; want: number }[] = [
    { name: 'an answer', script: { ttl: 300 }, want: 300 },
    { name: 'a very long TTL', script: { ttl: 604_800 }, want: 3_600 },
    { name: 'TTL 0', script: { ttl: 0 }, want: 0 },
    { name: 'no such name', script: { rcode: 3, answers: 0, soa: { ttl: 20, minimum: 900 } }, want: 20 },
    { name: 'no such name, for long', script: { rcode: 3, answers: 0, soa: { ttl: 900, minimum: 900 } }, want: 30 },
    { name: 'no such type', script: { answers: 0, soa: { ttl: 900, minimum: 7 } }, want: 7 },
    { name: 'an empty answer without an SOA', script: { answers: 0 }, want: 0 },
    { name: 'a failure', script: { rcode: 2, answers: 0, soa: { ttl: 60, minimum: 60 } }, want: 0 },
  ];
  for (const { name, script, want } of cases) t.equal(planCaching(answerTo(query, script)).ttl, want, name);
  const whole = answerTo(query, { answers: 2 });
  for (let length = 12; length < whole.length; length++) {
    t.equal(planCaching(whole.subarray(0, length)).ttl, 0, `cut off after ${length} bytes`);
  }
});

t.test('the upstream cache is bounded, oldest first', async (t) => {
  const cache = new UpstreamCache(2);
  const message = answerTo(queryOf('x.example.com'), {});
  for (const key of ['a', 'b', 'c']) cache.set(key, message, 0);
  t.equal(cache.get('a', 0), undefined);
  t.ok(cache.get('b', 0) && cache.get('c', 0));
});

t.test('a reply carries the ID, the RD bit and the spelling of its own query', async (t) => {
  const answer = answerTo(queryOf('www.example.com'), {});
  const query = queryOf('wWw.exaMPLE.com');
  query.writeUInt16BE(0x4242, 0);
  query[2] = 0;
  const reply = toReply(answer, query);
  t.match(Packet.parse(reply), {
    header: { id: 0x4242, rd: 0, ra: 1, qr: 1 },
    questions: [{ name: 'wWw.exaMPLE.com' }],
    answers: [{ address: '192.0.2.1' }],
  });
  t.equal(readQuestion(reply)?.name, 'www.example.com');
});

t.test('an unreachable upstream server is detected at once', async (t) => {
  const closed = createSocket('udp4');
  await new Promise<void>((resolve) => closed.bind(0, host, resolve));
  const { port } = closed.address();
  await new Promise<void>((resolve) => closed.close(() => resolve()));
  const forwarder = new Forwarder({ upstreams: [{ host, port }], clock: systemClock, log: silentLogger });
  await t.rejects(forwarder.resolve(question('www.example.com'), flags), { message: /ECONNREFUSED/ });
});

function queryOf(name: string): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({ id: 1, rd: 1 });
  packet.questions.push(new Packet.Question({ name, type: 1, class: 1 }));
  return packet.toBuffer();
}
