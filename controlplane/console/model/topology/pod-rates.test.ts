import t from 'tap';
import { podRatesOf } from './pod-rates';
import { status } from './topology.fixture';

const counters = (bytes: number, dropped = 0) => ({ packets: bytes / 10, bytes, dropped });
const at = (seconds: number, received: number, sent: number, dropped = 0) =>
  status(seconds, {
    pods: [{ pod: 'shop/web', addresses: [], received: counters(received, dropped), sent: counters(sent) }],
  });

t.test('bytes a second, in and out', async (t) => {
  const rates = podRatesOf([{ node: 'n', before: { pods: at(10, 1_000, 200) }, now: at(12, 3_000, 300, 4) }]);
  t.strictSame([...rates], [['shop/web', { receivedPerSecond: 1_000, sentPerSecond: 50, dropped: 4 }]]);
});

t.test('what has no rate', async (t) => {
  const rates = (before: ReturnType<typeof status> | undefined) =>
    podRatesOf([{ node: 'n', before: { pods: before }, now: at(12, 3_000, 300) }]).size;
  t.equal(rates(undefined), 0, 'one reading');
  t.equal(rates(status(10, {})), 0, 'a new pod');
  t.equal(rates({ ...at(10, 0, 0), collector: 'other' }), 0);
  const again = podRatesOf([{ node: 'n', before: { pods: at(10, 9_000, 0) }, now: at(12, 100, 0) }]);
  t.match(again.get('shop/web'), { receivedPerSecond: 0 }, 'another pod of this name');
});
