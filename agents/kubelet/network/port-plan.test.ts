import t from 'tap';
import { parseCidr } from '../../../controlplane/base/cidr';
import { planPorts } from './port-plan';

const plan = (cidrs: string[], exceptions: string[][] = []) => {
  const ports = planPorts(cidrs.map(parseCidr), exceptions);
  return Object.fromEntries([...ports].map(([link, { mac, addresses }]) => [link, [mac, ...addresses].join(' ')]));
};

t.test('a port for each pod address of a node', async (t) => {
  t.strictSame(plan(['10.244.1.0/29']), {
    veth0af40102: '0a:58:0a:f4:01:02 10.244.1.2',
    veth0af40103: '0a:58:0a:f4:01:03 10.244.1.3',
    veth0af40104: '0a:58:0a:f4:01:04 10.244.1.4',
    veth0af40105: '0a:58:0a:f4:01:05 10.244.1.5',
    veth0af40106: '0a:58:0a:f4:01:06 10.244.1.6',
  });
  t.strictSame(plan(['fd00::/126', '10.0.0.0/30']), {
    veth00000002: '0a:5b:00:00:00:02 fd00::2 10.0.0.2',
    veth00000003: '0a:5b:00:00:00:03 fd00::3',
  });
  t.strictSame(plan([]), {});
  t.equal(planPorts([parseCidr('fd00::/64')], []).size, 2046, 'a range too large to be written down is not used whole');
});

t.test('an address belongs to one port', async (t) => {
  const ranges = ['10.0.0.0/29', 'fd00::/64'];
  t.strictSame(plan(ranges, [['10.0.0.3', 'fd00::5'], ['10.0.0.4'], ['10.0.0.99', 'fd00::7']]), {
    veth0a000002: '0a:58:0a:00:00:02 10.0.0.2 fd00::2',
    veth0a000003: '0a:58:0a:00:00:03 10.0.0.3 fd00::5',
    veth0a000004: '0a:58:0a:00:00:04 10.0.0.4',
    veth0a000005: '0a:58:0a:00:00:05 10.0.0.5',
    veth0a000006: '0a:58:0a:00:00:06 10.0.0.6 fd00::6',
    veth0a000063: '0a:58:0a:00:00:63 10.0.0.99 fd00::7',
  });
});
