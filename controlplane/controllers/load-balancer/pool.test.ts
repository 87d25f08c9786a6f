import t from 'tap';
import { parseAddress } from '../../base/cidr';
import { parsePool, poolAddresses, poolContains, poolSize } from './pool';

t.test('ranges, CIDRs and single addresses, lowest address first', async (t) => {
  const pool = parsePool(' 192.168.57.250 ,192.168.57.240-192.168.57.241, fd00::/126');
  t.same([...poolAddresses(pool, 4)], ['192.168.57.240', '192.168.57.241', '192.168.57.250']);
  t.same([...poolAddresses(pool, 6)], ['fd00::', 'fd00::1', 'fd00::2', 'fd00::3']);
  t.equal(poolSize(pool, 4), 3n);
  t.equal(poolContains(pool, parseAddress('192.168.57.241')), true);
  t.equal(poolContains(pool, parseAddress('192.168.57.242')), false);
  t.equal(poolContains(pool, parseAddress('::192.168.57.241')), false, 'the other family');
  t.equal(pool.text, '192.168.57.250,192.168.57.240-192.168.57.241,fd00::/126');
});

t.test('an empty text is an empty pool', async (t) => {
  t.same(parsePool(''), { text: '', ranges: [] });
  t.same([...poolAddresses(parsePool(''), 4)], []);
});

t.test('the addresses of a large range are computed only when read', async (t) => {
  t.equal(poolAddresses(parsePool('fd00::/64'), 6).next().value, 'fd00::');
});

t.test('malformed pools are refused', async (t) => {
  const wrong = ['x', '10.0.0.9-10.0.0.1', '10.0.0.1-fd00::1', '10.0.0.0/33', '10.0.0.1-', '10.0.0.0/24,10.0.0.7'];
  for (const text of wrong) t.throws(() => parsePool(text), { code: 'BadRequest' }, text);
  t.throws(() => parsePool('10.0.0.0/24,10.0.0.7'), { message: '10.0.0.0/24 and 10.0.0.7 overlap' });
});
