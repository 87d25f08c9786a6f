// Which link is a pod's, and its counters as the pod sees them.
import t from 'tap';
import type { Link } from '../link/model';
import { parseLinkCounters } from './link-counters';
import { podLink, podTraffic } from './pods';

const attr = (type: number, data: Buffer): Buffer => {
  const out = Buffer.alloc((4 + data.length + 3) & ~3);
  out.writeUInt16LE(4 + data.length, 0);
  out.writeUInt16LE(type, 2);
  data.copy(out, 4);
  return out;
};
const u32 = (value: number) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};
const u64s = (...values: number[]) => {
  const out = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) out.writeBigUInt64LE(BigInt(value), 8 * i);
  return out;
};
const header = (index: number) => Buffer.concat([Buffer.alloc(4), u32(index), Buffer.alloc(8)]);

t.test('counters of a link', async (t) => {
  const stats = u64s(10, 20, 1000, 2 ** 40, 1, 2, 3, 4, 0, 0);
  const message = Buffer.concat([header(7), attr(3, Buffer.from('vetha\0')), attr(5, u32(2)), attr(23, stats)]);
  const link = parseLinkCounters(message);
  t.strictSame(link, {
    index: 7,
    name: 'vetha',
    peer: 2,
    received: { packets: 10, bytes: 1000, dropped: 3 },
    sent: { packets: 20, bytes: 2 ** 40, dropped: 4 },
  });
  t.match(podTraffic({ key: 'shop/a', pid: 1, addresses: ['10.244.1.5'] }, link), {
    pod: 'shop/a',
    received: { packets: 20, dropped: 4 },
    sent: { packets: 10, dropped: 3 },
  });
  t.match(parseLinkCounters(header(1)), { index: 1, peer: 0, received: { packets: 0 } }, 'a kernel without them');
});

t.test('the link of a pod is the one with its address', async (t) => {
  const link = (index: number, kind: string, peer: number) => ({ index, kind, peer }) as Link;
  const links = [link(1, '', 0), link(2, 'veth', 70), link(3, 'veth', 71), link(4, 'vxlan', 0)];
  const own = [
    { link: 1, family: 4, address: '127.0.0.1', prefix: 8 },
    { link: 2, family: 4, address: '192.0.2.1', prefix: 24 },
    { link: 3, family: 4, address: '10.244.1.5', prefix: 32 },
    { link: 4, family: 4, address: '10.244.1.9', prefix: 32 },
  ] as const;
  t.equal(podLink(links, own, ['10.244.1.5', 'fd00::5'])?.index, 3);
  t.equal(podLink(links, own, ['10.244.1.9']), undefined, 'no other kind of link');
  t.equal(podLink(links, own, []), undefined);
});
