import t from 'tap';
import { isIn, rangeBits } from './ranges';

t.test('addresses and ranges of both families', async (t) => {
  const ranges = ['10.244.1.0/24', 'fd00:10:244:1::/64'].map(rangeBits);
  for (const address of ['10.244.1.0', '10.244.1.255', 'fd00:10:244:1::5', 'fd00:10:244:1:ffff::1']) {
    t.equal(isIn(ranges, address), true, address);
  }
  for (const address of ['10.244.2.0', '192.168.0.1', 'fd00:10:244:2::5', '::1', '::']) {
    t.equal(isIn(ranges, address), false, address);
  }
  t.equal(isIn([rangeBits('0.0.0.0/0')], '1.2.3.4'), true);
  t.equal(isIn([rangeBits('0.0.0.0/0')], 'fd00::1'), false);
});
