import t from 'tap';
import { parseCidr } from '../../controlplane/base/cidr';
import { recursionFor } from './recursion';

void t.test('pods of this node, the node and configured ranges may ask for names outside the zone', async (t) => {
  let podRanges: string[] | undefined = ['10.244.1.0/24', 'fd00:1::/64'];
  const may = recursionFor({
    ranges: [parseCidr('203.0.113.0/28')],
    podRanges: () => podRanges,
    ownAddresses: () => ['192.168.57.11', 'fd00:57::11'],
  });
  const allowed = [
    '10.244.1.7',
    '::ffff:10.244.1.7',
    'fd00:1::7',
    '127.0.0.1',
    '::1',
    '192.168.57.11',
    'fd00:57::11',
    '203.0.113.5',
  ];
  const refused = ['10.244.2.7', '192.168.57.1', '203.0.113.16', '8.8.8.8', 'fd00:2::7', '::ffff:8.8.8.8', undefined];
  for (const address of allowed) t.equal(may(address), true, address);
  for (const address of refused) t.equal(may(address), false, String(address));
  podRanges = ['10.244.2.0/24'];
  t.equal(may('10.244.2.7'), true, 'the ranges of the Node as they are now');
  t.equal(may('10.244.1.7'), false);
  podRanges = undefined;
  t.equal(may('10.244.1.7'), true, 'not known yet');
});
