// The server on real loopback sockets, queried by dns2's own clients and by handmade packets.
import { createSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import { Packet, TCPClient, UDPClient } from 'dns2';
import t, { type Test } from 'tap';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import { FakeClock } from '../../test/lib/fake-clock';
import { Forwarder, type ForwarderDeps } from './forwarder';
import { DnsMetrics } from './metrics';
import { holdMs, Responder, type ResponderDeps } from './responder';
import { listenDns } from './server';
import { Zone } from './zone';

const host = '127.0.0.1';

async function start(t: Test, forwarding: Partial<ForwarderDeps> = {}, more: Partial<ResponderDeps> = {}) {
  const zone = new Zone('cluster.local');
  zone.setNamespace('shop', true);
  zone.setService('shop/web', {
    namespace: 'shop',
    name: 'web',
    kind: 'cluster',
    addresses: ['10.96.1.1'],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
  });
  const headless = (name: string, count: number) => {
    zone.setService(`shop/${name}`, { namespace: 'shop', name, kind: 'headless', addresses: [], ports: [] });
    const endpoints = Array.from({ length: count }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] }));
    zone.setEndpoints(`shop/${name}-1`, { service: `shop/${name}`, endpoints, ports: [] });
  };
  headless('db', 3);
  headless('many', 100);
  const out = { namespace: 'shop', name: 'out', kind: 'external', addresses: [], ports: [] } as const;
  zone.setService('shop/out', { ...out, externalName: 'www.example.com' });
  zone.setSynced();
  const metrics = new DnsMetrics();
  const forwarder = new Forwarder({ upstreams: [], clock: systemClock, log: silentLogger, ...forwarding });
  const facts = () => ({ serverAddresses: ['10.96.0.10'] });
  const responder = new Responder({ zone, facts, forwarder, metrics, log: silentLogger, ...more });
  const server = await listenDns({ host, port: 0 }, responder, silentLogger);
  t.teardown(() => server.close());
  return { zone, metrics, port: server.port, responder };
}

/** A query as bytes; `edns` adds an OPT record with this size. */
function query(name: string, type: number, options: { edns?: number; id?: number; flags?: number } = {}): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({ id: options.id ?? 0x1234, rd: 1 });
  packet.questions.push(new Packet.Question({ name, type, class: Packet.CLASS.IN }));
  if (options.edns !== undefined) {
    packet.additionals.push(Packet.Resource.EDNS([], { udpPayloadSize: options.edns } as never) as never);
  }
  return packet.toBuffer();
}

/** Sends bytes over UDP and resolves with the answer's bytes. */
function exchange(port: number, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.on('error', reject);
    socket.on('message', (answer) => socket.close(() => resolve(answer)));
    socket.send(message, port, host);
  });
}

const addresses = (packet: Packet) =>
  packet.answers.map((answer) => (answer as { address?: string }).address ?? (answer as { domain?: string }).domain);

t.test('UDP and TCP give the same answer', async (t) => {
  const { port } = await start(t);
  const udp = UDPClient({ dns: host, port });
  const tcp = TCPClient({ dns: host, port });
  for (const ask of [udp, tcp]) {
    t.same(addresses(await ask('web.shop.svc.cluster.local', 'A')), ['10.96.1.1']);
    const srv = await ask('_http._tcp.web.shop.svc.cluster.local', 'SRV');
    t.match(srv.answers, [{ port: 80, target: 'web.shop.svc.cluster.local' }]);
    t.match(srv.additionals, [{ name: 'web.shop.svc.cluster.local', address: '10.96.1.1' }]);
    t.match((await ask('1.1.96.10.in-addr.arpa', 'PTR')).answers, [{ domain: 'web.shop.svc.cluster.local' }]);
    const missing = await ask('none.shop.svc.cluster.local', 'A');
    t.match(missing, {
      header: { rcode: 3, aa: 1 },
      answers: { length: 0 },
      authorities: [{ primary: 'ns.dns.cluster.local' }],
    });
    t.match(await ask('web.shop.svc.cluster.local', 'AAAA'), { header: { rcode: 0 }, answers: { length: 0 } });
    t.match(await ask('www.example.com', 'A'), { header: { rcode: 5 } }, 'no upstream server');
  }
});

t.test('the answer repeats the case of the question, and a cached answer has the right ID', async (t) => {
  const { port, metrics } = await start(t);
  const mixed = await exchange(port, query('wEb.sHOP.svc.CLUSTER.local', 1));
  t.match(Packet.parse(mixed), {
    questions: [{ name: 'wEb.sHOP.svc.CLUSTER.local' }],
    answers: [{ name: 'wEb.sHOP.svc.CLUSTER.local', address: '10.96.1.1' }],
  });
  const plain = query('web.shop.svc.cluster.local', 1, { id: 7 });
  const first = await exchange(port, plain);
  plain.writeUInt16BE(0xbeef, 0);
  const second = await exchange(port, plain);
  t.equal(metrics.cacheHits, 1);
  t.equal(second.readUInt16BE(0), 0xbeef);
  t.same(second.subarray(2), first.subarray(2));
  t.match(
    metrics.render(),
    'coredns_dns_requests_total{server="dns://:53",zone="cluster.local.",proto="udp",type="A"} 3',
  );
});

t.test('a change is served at once', async (t) => {
  const { port, zone } = await start(t);
  const ask = UDPClient({ dns: host, port });
  t.same(addresses(await ask('web.shop.svc.cluster.local')), ['10.96.1.1']);
  zone.setService('shop/web', { namespace: 'shop', name: 'web', kind: 'cluster', addresses: ['10.96.2.2'], ports: [] });
  t.same(addresses(await ask('web.shop.svc.cluster.local')), ['10.96.2.2']);
  zone.setService('shop/web', undefined);
  t.equal((await ask('web.shop.svc.cluster.local')).header.rcode, 3);
});

t.test('the order of addresses rotates', async (t) => {
  const { port } = await start(t);
  const ask = UDPClient({ dns: host, port });
  const firsts: unknown[] = [];
  for (let i = 0; i < 6; i++) firsts.push(addresses(await ask('db.shop.svc.cluster.local'))[0]);
  t.same(firsts, ['10.244.0.0', '10.244.0.1', '10.244.0.2', '10.244.0.0', '10.244.0.1', '10.244.0.2']);
});

t.test('a long answer is truncated with TC over UDP, and complete over TCP; EDNS allows more', async (t) => {
  const { port } = await start(t);
  const name = 'many.shop.svc.cluster.local';
  const plain = await exchange(port, query(name, 1));
  t.ok(plain.length <= 512);
  const cut = Packet.parse(plain);
  t.equal(cut.header.tc, 1);
  t.ok(cut.answers.length > 20, 'a client without TCP gets some addresses');
  const larger = await exchange(port, query(name, 1, { edns: 4096 }));
  t.ok(larger.length <= 1232, 'small enough not to be fragmented');
  t.ok(Packet.parse(larger).answers.length > cut.answers.length);
  t.match(Packet.parse(larger).additionals, [{ type: 41, class: 1232 }]);
  const whole = await TCPClient({ dns: host, port })(name, 'A');
  t.equal(whole.answers.length, 100);
  t.equal(whole.header.tc, 0);
});

t.test('queries that are not a plain question get the right error code', async (t) => {
  const { port } = await start(t);
  const code = async (message: Buffer) => Packet.parse(await exchange(port, message)).header.rcode;
  const name = 'web.shop.svc.cluster.local';
  t.equal(await code(query('cluster.local', 252)), 5, 'AXFR');
  t.equal(await code(query('cluster.local', 251)), 5, 'IXFR');
  const chaos = query(name, 16);
  chaos.writeUInt16BE(3, chaos.length - 2);
  t.equal(await code(chaos), 5, 'class CHAOS');
  const notify = query(name, 6);
  notify[2] = 4 << 3;
  t.equal(await code(notify), 4, 'opcode NOTIFY');
  const two = query(name, 1);
  two.writeUInt16BE(2, 4);
  t.equal(await code(two), 1, 'two questions');
  const version = query(name, 1, { edns: 1232 });
  version[version.length - 5] = 1;
  t.equal(await code(version), 16, 'EDNS version 1');
  const any = Packet.parse(await exchange(port, query(name, 255)));
  t.match([any.header.rcode, any.answers.length, any.answers[0]?.type], [0, 1, 13], 'ANY is one HINFO');
});

t.test('the server survives any bytes', async (t) => {
  const { port, responder, metrics } = await start(t);
  // A fixed seed: each run sends the same packets.
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed % below;
  };
  const samples = [
    query('web.shop.svc.cluster.local', 1, { edns: 1232 }),
    query('a.b.c', 28),
    query('db.shop.svc.cluster.local', 33),
  ];
  for (let i = 0; i < 20_000; i++) {
    const packet = Buffer.from(samples[random(samples.length)]!.subarray(0, 1 + random(80)));
    for (let n = random(6); n > 0; n--) packet[random(packet.length)] = random(256);
    const answer = await responder.handle(packet, random(2) === 0 ? 'udp' : 'tcp');
    if (
      answer &&
      (answer.length < 12 || answer[0] !== packet[0] || answer[1] !== packet[1] || (answer[2]! & 0x80) === 0)
    ) {
      t.fail(`${packet.toString('hex')} was answered by ${answer.toString('hex')}`);
    }
  }
  t.ok(metrics.dropped > 0);
  const stranger = createConnection({ host, port });
  const closed = new Promise<void>((resolve) => stranger.on('close', () => resolve()));
  stranger.on('error', () => {});
  stranger.write(Buffer.concat([Buffer.from([0, 20]), Buffer.alloc(20, 0xff)]));
  await closed;
  const pointerLoop = query('x', 1);
  pointerLoop.writeUInt16BE(0xc00c, 12);
  t.equal(Packet.parse(await exchange(port, pointerLoop)).header.rcode, 1);
  t.same(addresses(await UDPClient({ dns: host, port })('web.shop.svc.cluster.local')), ['10.96.1.1']);
});

t.test('questions over one TCP connection may arrive together or in pieces', async (t) => {
  const { port } = await start(t);
  const frames = [1, 2, 3].map((id) => {
    const message = query('web.shop.svc.cluster.local', 1, { id });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    return Buffer.concat([length, message]);
  });
  const bytes = Buffer.concat(frames);
  const socket = createConnection({ host, port });
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.write(bytes.subarray(0, 50));
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.end(bytes.subarray(50));
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const all = Buffer.concat(received);
  const ids: number[] = [];
  for (let at = 0; at < all.length; at += 2 + all.readUInt16BE(at)) ids.push(all.readUInt16BE(at + 2));
  t.same(ids, [1, 2, 3]);
});

t.test('an upstream server resolves an alias out of the zone', async (t) => {
  const upstream = new Packet();
  upstream.header = new Packet.Header({ qr: 1, ra: 1 });
  upstream.questions.push(new Packet.Question({ name: 'www.example.com', type: 1, class: 1 }));
  upstream.answers.push(
    new Packet.Resource({ name: 'www.example.com', type: 1, class: 1, ttl: 60, address: '192.0.2.80' } as never),
  );
  const { port } = await start(t, {
    upstreams: [{ host: '192.0.2.53', port: 53 }],
    ask: async () => upstream.toBuffer(),
  });
  const answer = await UDPClient({ dns: host, port })('out.shop.svc.cluster.local');
  t.same(addresses(answer), ['www.example.com', '192.0.2.80']);
  const alone = await start(t, {
    upstreams: [{ host: '192.0.2.53', port: 53 }],
    ask: async () => Promise.reject(new Error('unreachable')),
  });
  const short = await UDPClient({ dns: host, port: alone.port })('out.shop.svc.cluster.local');
  t.same(
    [short.header.rcode, ...addresses(short)],
    [0, 'www.example.com'],
    'without the upstream server the alias itself is answered',
  );
});

t.test('a port in use is one clear error', async (t) => {
  const { port, responder } = await start(t);
  await t.rejects(listenDns({ host, port }, responder, silentLogger), {
    code: 'Unavailable',
    message: /cannot listen on/,
  });
});

t.test('questions before the zone is complete wait, with a time limit', async (t) => {
  const zone = new Zone('cluster.local');
  const clock = new FakeClock();
  const metrics = new DnsMetrics();
  const forwarder = new Forwarder({ upstreams: [], clock, log: silentLogger });
  const facts = () => ({ serverAddresses: [] });
  const responder = new Responder({ zone, facts, forwarder, metrics, log: silentLogger, clock });
  const ask = async (name: string) => Packet.parse((await responder.handle(query(name, Packet.TYPE.A), 'udp'))!);
  const late = ask('web.shop.svc.cluster.local');
  clock.advance(holdMs);
  t.equal((await late).header.rcode, 2, 'SERVFAIL after the time limit');
  const early = ask('web.shop.svc.cluster.local');
  zone.setNamespace('shop', true);
  const web = { namespace: 'shop', name: 'web', kind: 'cluster', addresses: ['10.96.1.1'], ports: [] } as const;
  zone.setService('shop/web', web);
  zone.setSynced();
  t.same(addresses(await early), ['10.96.1.1']);
  t.strictSame(clock.pending(), [], 'no timer is left');
});

t.test('one OPT with the root name among the additional records; everything else is FORMERR', async (t) => {
  const { port } = await start(t);
  const plain = query('web.shop.svc.cluster.local', Packet.TYPE.A);
  const opt = Buffer.from('0000291000000000000000', 'hex');
  const named = Buffer.concat([Buffer.from([1, 0x61]), opt]);
  const pointed = Buffer.concat([Buffer.from([0xc0, 12]), opt.subarray(1)]);
  const withOpts = (section: number, ...records: Buffer[]) => {
    const message = Buffer.concat([plain, ...records]);
    message.writeUInt16BE(records.length, 6 + 2 * section);
    return message;
  };
  const cases: [name: string, message: Buffer, rcode: number][] = [
    ['one', withOpts(2, opt), 0],
    ['two', withOpts(2, opt, opt), 1],
    ['with a name', withOpts(2, named), 1],
    ['with a pointer to a name', withOpts(2, pointed), 1],
    ['among the answers', withOpts(0, opt), 1],
    ['in the authority section', withOpts(1, opt), 1],
  ];
  for (const [name, message, rcode] of cases) t.equal((await exchange(port, message))[3]! & 0x0f, rcode, name);
});

t.test('names outside the zone are answered to allowed clients only, by UDP and TCP', async (t) => {
  const asked: string[] = [];
  const ask = async (message: Buffer) => {
    asked.push('upstream');
    const answer = Buffer.from(message);
    answer[2] = 0x81;
    return answer;
  };
  const clients: (string | undefined)[] = [];
  let allowed = false;
  const mayRecurse = (address: string | undefined) => {
    clients.push(address);
    return allowed;
  };
  const upstreams = [{ host: '192.0.2.53', port: 53 }];
  const { port } = await start(t, { upstreams, ask }, { mayRecurse });
  const rcode = async (name: string, type: number = Packet.TYPE.A) =>
    (await exchange(port, query(name, type)))[3]! & 0x0f;
  t.equal(await rcode('example.org'), 5, 'REFUSED');
  t.equal(await rcode('web.shop.svc.cluster.local'), 0, 'the zone is served to every client');
  t.equal(await rcode('out.shop.svc.cluster.local'), 0, 'only the alias');
  t.equal(await rcode('1.2.0.192.in-addr.arpa', Packet.TYPE.PTR), 5);
  const tcp = TCPClient({ dns: host, port });
  t.equal((await tcp('example.org', 'A')).header.rcode, 5);
  t.same(asked, []);
  allowed = true;
  t.equal(await rcode('example.org'), 0);
  t.equal(asked.length, 1);
  t.same([...new Set(clients)], [host]);
});

t.test('a query longer than any real query ends the connection before it is buffered', async (t) => {
  const { port } = await start(t);
  const socket = createConnection({ host, port });
  socket.on('error', () => {});
  socket.write(Buffer.from([0xff, 0xff]));
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  t.ok(socket.destroyed);
});
