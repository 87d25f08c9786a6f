import t from 'tap';
import { addressBytes } from '../../controlplane/base/cidr';
import { ClosedFlows, idleMs, maxKept } from './closed';

const keyOf = (source: string, receiver: string, destination = receiver, port = 80): string =>
  Buffer.concat([
    ...[source, receiver, destination].map(addressBytes),
    Buffer.from([6, 0, 0, 0, port >> 8, port & 255, 0, 0]),
  ]).toString('latin1');
const key = keyOf('10.0.0.1', '10.0.0.2', '10.96.0.7', 9999);
const sums = (flows: ClosedFlows) => flows.report().map(({ packets }) => packets);

t.test('whose connections a receiver resets, with the address that the client wrote', async (t) => {
  const flows = new ClosedFlows();
  flows.add(new Map([[key, 3]]), 0);
  const ends = { protocol: 'tcp', source: '10.0.0.1', destination: '10.96.0.7', backend: '10.0.0.2', port: 9999 };
  t.strictSame(flows.report(), [{ ...ends, by: 'receiver', packets: 3 }]);
});

t.test('sums go on when an element ends, is missed, or the table is made again', async (t) => {
  const flows = new ClosedFlows();
  flows.add(new Map([[key, 3]]), 0);
  flows.add(new Map([[key, 5]]), 1_000);
  t.same(sums(flows), [5]);
  flows.add(new Map([[key, 2]]), 70_000);
  t.same(sums(flows), [7], 'made again');
  flows.restart();
  flows.add(new Map([[key, 2]]), 71_000);
  t.same(sums(flows), [9]);
  flows.add(new Map(), 72_000);
  t.same(sums(flows), [9]);
  flows.add(new Map(), 72_000 + idleMs);
  t.same(sums(flows), []);
});

t.test('of too many the quiet ones are forgotten', async (t) => {
  const flows = new ClosedFlows();
  flows.add(new Map([[key, 1]]), 0);
  flows.add(
    new Map(Array.from({ length: maxKept }, (_, i) => [keyOf('10.0.0.1', '10.0.0.2', '10.0.0.2', i), 1])),
    1_000,
  );
  const all = flows.report();
  t.equal(all.length, maxKept);
  t.notOk(all.some(({ port }) => port === 9999));
});
