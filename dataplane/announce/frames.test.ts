import t from 'tap';
import { arpReply, type Beacon, gratuitousArp, parseArp, parseBeacon, renderBeacon } from './frames';

const mac = '02:00:00:00:00:0b';
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
/** who-has 192.168.57.240 tell 192.168.57.1, as the kernel sends it. */
const request = hex(`ffffffffffff 02aabbccdd01 0806
  0001 0800 06 04 0001 02aabbccdd01 c0a83901 000000000000 c0a839f0`);

t.test('a request is read, and answered to the one who asked', async (t) => {
  const arp = parseArp(request);
  t.same(arp, {
    operation: 'request',
    senderMac: '02:aa:bb:cc:dd:01',
    senderIp: '192.168.57.1',
    targetIp: '192.168.57.240',
  });
  const reply = hex(`02aabbccdd01 02000000000b 0806
    0001 0800 06 04 0002 02000000000b c0a839f0 02aabbccdd01 c0a83901`);
  t.same(arpReply(arp!, mac), reply);
  t.match(parseArp(reply), { operation: 'reply', senderIp: '192.168.57.240' });
});

t.test('an announcement as request and as reply', async (t) => {
  t.same(gratuitousArp('192.168.57.240', mac), [
    hex(`ffffffffffff 02000000000b 0806 0001 0800 06 04 0001 02000000000b c0a839f0 000000000000 c0a839f0`),
    hex(`ffffffffffff 02000000000b 0806 0001 0800 06 04 0002 02000000000b c0a839f0 ffffffffffff c0a839f0`),
  ]);
});

t.test('frames that are not ARP for IPv4 on Ethernet are ignored', async (t) => {
  const change = (at: number, value: number) => {
    const frame = Buffer.from(request);
    frame[at] = value;
    return frame;
  };
  const wrong = {
    short: request.subarray(0, 41),
    type: change(13, 0),
    hardware: change(15, 6),
    protocol: change(16, 0x86),
    lengths: change(18, 8),
    operation: change(21, 3),
    empty: Buffer.alloc(0),
  };
  for (const [name, frame] of Object.entries(wrong)) t.equal(parseArp(frame), undefined, name);
  t.ok(parseArp(Buffer.concat([request, Buffer.alloc(18)])), 'padding of short frames');
});

t.test('a beacon is parsed as it was rendered, also with padding', async (t) => {
  const beacon: Beacon = { node: 'worker-1', address: '192.168.57.11', revision: 77, state: 'able' };
  const frame = renderBeacon(beacon, mac);
  t.same(parseBeacon(frame), beacon);
  t.same(parseBeacon(Buffer.concat([frame, Buffer.alloc(20)])), beacon, 'with padding');
  const body = (text: string) => Buffer.concat([frame.subarray(0, 14), Buffer.from(text)]);
  const wrong = [
    request,
    Buffer.alloc(3),
    body('hello'),
    body('k8ts-announcer/1 {'),
    body('k8ts-announcer/1 {"node":"a","address":"b","revision":1}'),
    body('k8ts-announcer/1 {"node":"a","address":"b","revision":1.5,"state":"able"}'),
    body('k8ts-announcer/1 {"node":1,"address":"b","revision":1,"state":"able"}'),
    body('k8ts-announcer/1 null'),
  ];
  for (const one of wrong) t.equal(parseBeacon(one), undefined);
});
