import t from 'tap';
import { parseCidr } from '../../controlplane/base/cidr';
import { AddressAllocator } from './allocator';
import { nextFit, podRange } from './range';

const take = (allocator: AddressAllocator, n: number) => Array.from({ length: n }, () => allocator.allocate());

t.test('ranges reserve network, gateway and broadcast addresses', async (t) => {
  const cases = [
    { name: 'a node /24', cidr: '10.244.3.0/24', first: 2, last: 254 },
    { name: 'the smallest', cidr: '10.0.0.0/30', first: 2, last: 2 },
    { name: 'IPv6 has no broadcast', cidr: 'fd00::/126', first: 2, last: 3 },
    { name: 'IPv6 /64 is bounded', cidr: 'fd00::/64', first: 2, last: 2 ** 24 - 1 },
  ];
  for (const { name, cidr, first, last } of cases)
    t.match(podRange(parseCidr(cidr)), { first, last, handedOut: Math.min(last, 2047), gateway: 1 }, name);
  for (const cidr of ['10.0.0.0/31', '10.0.0.0/32', 'fd00::/127']) {
    t.throws(() => podRange(parseCidr(cidr)), { code: 'BadRequest' }, cidr);
  }
});

t.test('next-fit yields every offset once, from any start', async (t) => {
  const range = podRange(parseCidr('10.0.0.0/29'));
  t.same([...nextFit(range, 0)], [2, 3, 4, 5, 6]);
  t.same([...nextFit(range, 4)], [5, 6, 2, 3, 4]);
  t.same([...nextFit(range, 6)], [2, 3, 4, 5, 6]);
});

t.test('allocates in order, and reuses a released address last', async (t) => {
  const allocator = new AddressAllocator(parseCidr('10.0.0.0/29'));
  t.equal(allocator.gateway, '10.0.0.1');
  t.same(take(allocator, 2), ['10.0.0.2', '10.0.0.3']);
  allocator.release('10.0.0.2');
  t.same(take(allocator, 4), ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2']);
  t.same(allocator.usage, { capacity: 5, taken: 5 });
  t.throws(() => allocator.allocate(), {
    code: 'Unavailable',
    message: 'no free address in 10.0.0.0/29: all 5 are taken',
  });
  allocator.release('10.0.0.5');
  t.equal(allocator.allocate(), '10.0.0.5');
});

t.test('the second address of a pod has the same offset in its range as the first', async (t) => {
  const [first, second] = [
    new AddressAllocator(parseCidr('10.0.0.0/29')),
    new AddressAllocator(parseCidr('fd00::/64')),
  ];
  const like = (ip: string) => second.allocateLike(ip, first);
  t.same([like('10.0.0.4'), like('10.0.0.2')], ['fd00::4', 'fd00::2']);
  second.reserve('fd00::5');
  t.equal(like('10.0.0.5'), 'fd00::6', 'another address when that one is in use');
  const small = new AddressAllocator(parseCidr('10.1.0.0/30'));
  t.equal(small.allocateLike('10.0.0.6', first), '10.1.0.2', 'another address when that one is outside the range');
});

t.test('only the beginning of a large range is used; addresses beyond it can be reserved', async (t) => {
  const allocator = new AddressAllocator(parseCidr('10.0.0.0/16'));
  t.equal(take(allocator, 2046).at(-1), '10.0.7.255');
  t.throws(() => allocator.allocate(), { code: 'Unavailable' });
  allocator.reserve('10.0.200.1');
  t.ok(allocator.has('10.0.200.1'));
  allocator.release('10.0.0.9');
  t.equal(allocator.allocate(), '10.0.0.9');
});

t.test('after a restart the addresses of running pods are reserved again', async (t) => {
  const allocator = new AddressAllocator(parseCidr('10.0.0.0/29'));
  allocator.reserve('10.0.0.3');
  allocator.reserve('10.0.0.3');
  t.ok(allocator.has('10.0.0.3'));
  t.same(take(allocator, 4), ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2']);
});

t.test('addresses that a pod cannot have are refused', async (t) => {
  const allocator = new AddressAllocator(parseCidr('10.0.0.0/29'));
  for (const ip of ['10.0.0.0', '10.0.0.1', '10.0.0.7', '10.0.1.2', 'fd00::2', 'x']) {
    t.throws(() => allocator.reserve(ip), { code: 'BadRequest' }, ip);
  }
  allocator.release('10.0.1.2');
  allocator.release('10.0.0.5');
  t.equal(allocator.usage.taken, 0);
});

t.test('allocations and releases never give one address to two pods', async (t) => {
  const allocator = new AddressAllocator(parseCidr('10.0.0.0/26'));
  const held = new Set<string>();
  const faults: string[] = [];
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % n;
  };
  for (let i = 0; i < 5000; i++) {
    if (held.size < 61 && random(2) === 0) {
      const ip = allocator.allocate();
      if (held.has(ip)) faults.push(`step ${i}: ${ip} was given out twice`);
      held.add(ip);
    } else if (held.size > 0) {
      const ip = [...held][random(held.size)]!;
      allocator.release(ip);
      held.delete(ip);
    }
    if (allocator.usage.taken !== held.size)
      faults.push(`step ${i}: ${allocator.usage.taken} taken, ${held.size} held`);
  }
  t.strictSame(faults, []);
});
