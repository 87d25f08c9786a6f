import t from 'tap';
import { connectionsTo, reservedIn } from './sender-limits';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0501F40A:9C40 0A00600A:0050 01 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0501F40A:9C41 0A00600A:0050 06 00000000:00000000 00:00000000 00000000     0        0 0
   2: 0501F40A:2710 0A00600A:0050 01 00000000:00000000 00:00000000 00000000     0        0 2
   3: 0501F40A:9C42 0A00600A:0051 01 00000000:00000000 00:00000000 00000000     0        0 3
`;

t.test('connections to one end, of all states, from the range', async (t) => {
  t.equal(connectionsTo(table, { address: '10.96.0.10', port: 80 }, 40_000, 40_010), 2);
  t.equal(connectionsTo(table, { address: '10.96.0.11', port: 80 }, 40_000, 40_010), 0);
  t.equal(connectionsTo('', { address: '10.96.0.10', port: 80 }, 0, 65_535), 0);
});

t.test('ports of the range that the kernel may not choose', async (t) => {
  t.equal(reservedIn('\n', 32_768, 60_999), 0);
  t.equal(reservedIn('8080,40000-40009,60999-65000\n', 32_768, 60_999), 11);
});
