import t from 'tap';
import type { Box } from './boxes';
import { structureOf } from './boxes';
import { busyness, bytesRate, short } from './numbers';
import { endOf, endsOfFlow, pathHash } from './path-ends';
import { dotAt, dotsInRow, sizeOf } from './sizes';
import { shop, webBox } from './topology.fixture';

t.test('short numbers', async (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.44, '0.4'],
    [1, '1'],
    [9.96, '10'],
    [999, '999'],
    [999.6, '1k'],
    [3_400, '3.4k'],
    [12_345_678, '12M'],
  ];
  for (const [value, text] of cases) t.equal(short(value), text);
  t.equal(bytesRate(3_400), '3.4 kB/s');
  t.equal(bytesRate(12), '12 B/s');
  t.strictSame(
    [0, 1, 50, 500, 5_000].map((packetsPerSecond) => busyness({ openedPerSecond: 0, packetsPerSecond })),
    [0, 1, 2, 3, 4],
  );
});

t.test('a box grows with its pods', async (t) => {
  const web = structureOf(shop).boxes.find(({ id }) => id === webBox)!;
  const withPods = (count: number): Box => ({ ...web, pods: Array.from({ length: count }, () => web.pods[0]!) });
  t.ok(sizeOf(withPods(dotsInRow + 1)).height > sizeOf(withPods(dotsInRow)).height);
  t.equal(sizeOf(withPods(3_000)).height, sizeOf(withPods(300)).height, 'bounded');
  t.equal(dotAt(dotsInRow).x, dotAt(0).x);
});

t.test('what a box is called in a question about a path', async (t) => {
  const box = (id: string) => structureOf(shop).boxes.find((one) => one.id === id)!;
  t.strictSame(endOf(box('service/shop/web')), { to: 'svc/shop/web:80' });
  t.strictSame(endOf(box('ingress/shop/front')), { to: 'http://shop.local/' });
  t.strictSame(endOf(box(webBox)), { from: 'shop/web-1a-x' });
  t.strictSame(endOf(box('node/n1')), { from: 'node/n1' });
  t.strictSame(endOf(box('outside')), { from: 'outside' });
  t.equal(endOf(box('elsewhere')), undefined);
  t.equal(pathHash({ from: 'a/b' }), '#/path?from=a%2Fb');
  const flow = { protocol: 'udp', source: '10.244.1.5', destination: 'fd00::9', port: 53 } as Parameters<
    typeof endsOfFlow
  >[1];
  t.strictSame(
    endsOfFlow(box(webBox), flow),
    { from: 'shop/web-1a-y', to: '[fd00::9]:53/udp' },
    'as the client sends it',
  );
  const outer = { ...flow, protocol: 'tcp' as const, source: '203.0.113.9', destination: '192.168.0.1', port: 30080 };
  t.strictSame(endsOfFlow(box('outside'), outer), { from: '203.0.113.9', to: '192.168.0.1:30080' });
  t.equal(endsOfFlow(box('service/shop/web'), flow), undefined);
});
