import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Packet } from 'dns2';
import t from 'tap';
import { refusedRange } from './destination';
import { addressesOf } from './dial';
import { Names, resolveBy } from './names';

void t.test('an answer is cached for its TTL, and equal questions share one lookup', async (t) => {
  let now = 0;
  let asked = 0;
  const names = new Names(
    async () => {
      asked++;
      return [
        { address: '10.0.0.1', ttlSeconds: 30 },
        { address: '10.0.0.2', ttlSeconds: 10 },
      ];
    },
    () => now,
  );
  t.same(await Promise.all([names.lookup('a.example'), names.lookup('A.example.')]), [
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.1', '10.0.0.2'],
  ]);
  now = 9_999;
  await names.lookup('a.example');
  t.equal(asked, 1);
  now = 10_000;
  await names.lookup('a.example');
  t.equal(asked, 2, 'the shorter TTL counts');
});

void t.test('TTLs have a minimum and a maximum, and failures are cached for a moment', async (t) => {
  let now = 0;
  let asked = 0;
  const answers = new Map([
    ['short', 0],
    ['long', 86_400],
  ]);
  const names = new Names(
    async (name) => {
      asked++;
      const ttlSeconds = answers.get(name);
      if (ttlSeconds === undefined) throw new Error('ENOTFOUND');
      return [{ address: '10.0.0.1', ttlSeconds }];
    },
    () => now,
  );
  const asksAt = async (name: string, ms: number) => {
    now = ms;
    const before = asked;
    await names.lookup(name).catch(() => {});
    return asked - before;
  };
  t.equal(await asksAt('short', 0), 1);
  t.equal(await asksAt('short', 999), 0);
  t.equal(await asksAt('short', 1_000), 1);
  t.equal(await asksAt('long', 0), 1);
  t.equal(await asksAt('long', 299_000), 0);
  t.equal(await asksAt('long', 300_000), 1);
  t.equal(await asksAt('none', 0), 1);
  t.equal(await asksAt('none', 1_999), 0);
  t.equal(await asksAt('none', 2_000), 1);
  await t.rejects(names.lookup('none'), /ENOTFOUND/);
});

void t.test('cached names and running queries are bounded', async (t) => {
  let asked = 0;
  const quick = new Names(async () => {
    asked++;
    return [{ address: '10.0.0.1', ttlSeconds: 300 }];
  });
  for (let i = 0; i <= 1_000; i++) await quick.lookup(`n${i}`);
  await quick.lookup('n1000');
  t.equal(asked, 1_001);
  await quick.lookup('n0');
  t.equal(asked, 1_002, 'the oldest name was dropped');
  const never = new Names(() => new Promise(() => {}));
  for (let i = 0; i < 100; i++) void never.lookup(`n${i}`);
  await t.rejects(never.lookup('one more'), /looked up already/);
});

void t.test('names are allowed or refused by their addresses', async (t) => {
  const dialing = (addresses: string[]) => ({ lookup: async () => addresses, refuse: refusedRange });
  t.same(await addressesOf('a.example', 80, dialing(['127.0.0.1', '10.0.0.1', '::1'])), ['10.0.0.1']);
  await t.rejects(addressesOf('a.example', 80, dialing(['127.0.0.1', '169.254.169.254'])), { code: 'EDESTINATION' });
  await t.rejects(addressesOf('x.localhost', 80, dialing(['10.0.0.1'])), { code: 'EDESTINATION' }, 'without a lookup');
  await t.rejects(addressesOf('0x7f.1', 80, dialing(['10.0.0.1'])), { code: 'EDESTINATION' });
});

void t.test('name servers are asked for absolute names and both families', async (t) => {
  const asked: string[] = [];
  const server = createSocket('udp4', (bytes, from) => {
    const query = Packet.parse(bytes);
    const [question] = query.questions;
    asked.push(`${question!.name} ${question!.type}`);
    const response = Packet.createResponseFromRequest(query);
    if (question!.type === Packet.TYPE.A) {
      const { name } = question!;
      response.answers.push({
        name,
        type: Packet.TYPE.A,
        class: Packet.CLASS.IN,
        ttl: 7,
        address: '10.96.7.7',
      } as never);
    }
    server.send(response.toBuffer(), from.port, from.address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const resolve = resolveBy([`127.0.0.1:${server.address().port}`]);
  t.same(await resolve('web.t.svc.cluster.local'), [{ address: '10.96.7.7', ttlSeconds: 7 }]);
  t.same(asked.sort(), ['web.t.svc.cluster.local 1', 'web.t.svc.cluster.local 28']);
});
