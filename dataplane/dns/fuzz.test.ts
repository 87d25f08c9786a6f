// Random bytes for the name server, and the zone compared with an oracle that keeps it as a list of lines.
import fc from 'fast-check';
import t from 'tap';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import { fuzz } from '../../test/lib/fuzz';
import { Forwarder, toReply } from './forwarder';
import { isInZone, lookup } from './lookup';
import { DnsMetrics } from './metrics';
import { hasProperEdns, isResponse, readQuestion, readRecords, truncated } from './raw';
import { Responder } from './responder';
import { planCaching } from './upstream-cache';
import { Zone } from './zone';

const facts = () => ({ serverAddresses: ['10.96.0.10'] });

function responder() {
  const zone = new Zone('cluster.local');
  zone.setNamespace('shop', true);
  zone.setService('shop/web', { namespace: 'shop', name: 'web', kind: 'cluster', addresses: ['10.96.1.1'], ports: [] });
  zone.setSynced();
  const forwarder = new Forwarder({ upstreams: [], clock: systemClock, log: silentLogger });
  return new Responder({ zone, facts, forwarder, metrics: new DnsMetrics(), log: silentLogger });
}

/** Labels with their lengths, a pointer or the root; some of them malformed. */
const label = fc.oneof(
  fc.constantFrom('web', 'shop', 'svc', 'cluster', 'local', '_http', '_tcp', '__proto__', 'constructor', 'a/b', 'x'),
  fc.string({ unit: 'binary', maxLength: 70 }),
);
const wireName = fc
  .tuple(
    fc.array(label, { maxLength: 8 }),
    fc.oneof(fc.constant([0]), fc.tuple(fc.integer({ min: 192, max: 255 }), fc.nat(255))),
  )
  .map(([labels, end]) =>
    Buffer.concat([
      ...labels.map((text) => {
        const bytes = Buffer.from(text, 'latin1');
        return Buffer.concat([Buffer.from([bytes.length & 0xff]), bytes]);
      }),
      Buffer.from(end),
    ]),
  );
const wireRecord = fc
  .tuple(
    wireName,
    fc.constantFrom(1, 6, 28, 33, 41, 255),
    fc.uint8Array({ minLength: 6, maxLength: 6 }),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([name, type, rest, data]) => {
    const fixed = Buffer.alloc(4);
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(data.length, 2);
    return Buffer.concat([name, fixed.subarray(0, 2), Buffer.from(rest), fixed.subarray(2), data]);
  });
const wireMessage = fc
  .tuple(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.array(wireName, { maxLength: 3 }),
    fc.array(wireRecord, { maxLength: 4 }),
    fc.uint8Array({ minLength: 6, maxLength: 6 }),
    fc.boolean(),
  )
  .map(([start, names, records, counts, honest]) => {
    const head = Buffer.alloc(12);
    head.set(start);
    head[2]! &= 0x7f;
    head.writeUInt16BE(names.length, 4);
    if (honest) head.writeUInt16BE(records.length, 10);
    else head.set(counts, 6);
    const questions = names.map((name) => Buffer.concat([name, Buffer.from([0, 1, 0, 1])]));
    return Buffer.concat([head, ...questions, ...records]);
  });
const anyBytes = fc.oneof(
  wireMessage,
  fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
);

t.test('any bytes are answered with a message, or not at all', async (t) => {
  const server = responder();
  await fuzz(t, 'queries', anyBytes, async (query) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const answer = await server.handle(query, transport);
      if (answer === undefined) {
        if (query.length >= 12 && !isResponse(query)) throw new Error('a query was not answered');
        continue;
      }
      if (answer.length < 12 || !isResponse(answer)) throw new Error('the answer is no answer');
      if (answer.readUInt16BE(0) !== query.readUInt16BE(0)) throw new Error('the answer has another ID');
      if (transport === 'udp' && answer.length > 1_232) throw new Error(`${answer.length} bytes by UDP`);
      const question = readQuestion(query);
      if (question && answer.readUInt16BE(4) === 1 && readQuestion(answer)?.name !== question.name) {
        throw new Error('the answer is for another question');
      }
    }
  });
});

t.test('readers of raw messages accept any bytes', async (t) => {
  await fuzz(t, 'messages', anyBytes, (message) => {
    if (message.length < 12) return;
    const records = readRecords(message);
    for (const { at, ttlAt, dataAt, end } of records ?? []) {
      if (!(at < ttlAt && ttlAt < dataAt && dataAt <= end && end <= message.length)) throw new Error('out of bounds');
    }
    hasProperEdns(message);
    planCaching(message);
    toReply(message, message);
    if (truncated(message).length > message.length) throw new Error('longer when cut off');
  });
});

t.test('the zone answers each name as a list of its lines does', async (t) => {
  const part = fc.constantFrom('a', 'b', 'web', 'svc', 'shop', 'a/b', '__proto__', 'constructor');
  const service = fc.record({
    namespace: fc.constantFrom('a', 'b', 'shop'),
    name: fc.constantFrom('a', 'b', 'web', 'svc'),
    kind: fc.constantFrom('cluster' as const, 'headless' as const),
    host: fc.integer({ min: 1, max: 250 }),
  });
  const input = fc.record({ services: fc.array(service, { maxLength: 8 }), labels: fc.array(part, { maxLength: 6 }) });
  await fuzz(t, 'look-ups', input, ({ services, labels }) => {
    const zone = new Zone('z');
    const lines = new Map<string, string[]>();
    const seen = new Set<string>();
    for (const { namespace, name, kind, host } of services) {
      const key = `${namespace}/${name}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const address = `10.0.0.${host}`;
      zone.setNamespace(namespace, true);
      zone.setService(key, { namespace, name, kind, addresses: kind === 'cluster' ? [address] : [], ports: [] });
      lines.set(`${name}.${namespace}.svc.z`, [address]);
      if (kind === 'headless') {
        zone.setEndpoints(`${key}-1`, { service: key, endpoints: [{ addresses: [address] }], ports: [] });
        lines.set(`10-0-0-${host}.${name}.${namespace}.svc.z`, [address]);
      }
    }
    zone.setSynced();
    for (const asked of [
      [...labels, 'z'],
      [...labels, 'svc', 'z'],
    ]) {
      const name = asked.join('.');
      if (!isInZone(zone, name)) throw new Error(`${name} is in the zone`);
      const { rcode, answers } = lookup(zone, facts(), name, 'A');
      const found = answers.flatMap((record) => (record.type === 'A' ? [record.address] : []));
      if (JSON.stringify(found) !== JSON.stringify(lines.get(name) ?? [])) throw new Error(`${name} has ${found}`);
      // A name exists when a line has the name, or a line is below it. `svc` and `pod` always exist, and so does `dns` for the
      // server's own name.
      const isLine = [...lines.keys()].some((line) => line === name || line.endsWith(`.${name}`));
      const isFixed = ['z', 'svc.z'].includes(name);
      if ((rcode === 'NOERROR') !== (isLine || isFixed)) throw new Error(`${name} is ${rcode}`);
    }
  });
});
