import t from 'tap';
import type { TrafficEdge } from '../../../base/traffic';
import { structureOf } from './boxes';
import { directoryOf } from './directory';
import type { Refused } from './refused';
import { silentOf } from './silent';
import { clientBox, edge, shop, status, webBox } from './topology.fixture';

const directory = directoryOf(shop, structureOf(shop).boxes);
const backend = { address: '10.244.0.5', port: 8080 };
const sent = (packets: number, more: Partial<TrafficEdge> = {}): TrafficEdge =>
  edge('10.244.0.9', '10.96.0.7 80', {
    backend,
    unanswered: 1,
    request: { packets, bytes: packets * 60 },
    answer: { packets: 0, bytes: 0 },
    ...more,
  });
const read = (now: TrafficEdge, before: TrafficEdge | undefined, refused: readonly Refused[] = []) =>
  silentOf(
    [
      {
        node: 'n1',
        before: before ? { connections: status(10, { edges: [before] }) } : {},
        now: status(12, { edges: [now] }),
      },
    ],
    directory,
    refused,
  );

t.test('who gets no answer in two readings, with the Service that was called', async (t) => {
  t.match(read(sent(5), sent(3)), [
    {
      by: 'silence',
      from: clientBox,
      to: webBox,
      via: 'service/shop/web',
      port: 8080,
      packets: 5,
      packetsPerSecond: 1,
    },
  ]);
});

t.test('what is no silence', async (t) => {
  t.strictSame(read(sent(5), undefined), [], 'one reading');
  t.strictSame(read(sent(5), sent(3, { unanswered: 0 })), [], 'it has just begun');
  t.strictSame(read(sent(5, { unanswered: 0 }), sent(3)), [], 'it has an answer now');
  t.strictSame(read(sent(5, { answer: { packets: 4, bytes: 1 } }), sent(3)), [], 'others of these ends are answered');
  t.strictSame(read(sent(5, { protocol: 'udp' }), sent(3, { protocol: 'udp' })), [], 'a datagram needs none');
  const [row] = read(sent(5), sent(3));
  const dropped: Refused = { ...row!, by: 'policy', direction: 'ingress' };
  t.strictSame(read(sent(5), sent(3), [dropped]), [], 'a policy is known to drop it');
});
