import t from 'tap';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { largestPacket } from './probe-size';

const link = (mtu: number, inPod: boolean): LocatedHop => ({
  ...{ kind: 'interface', name: 'eth0', state: 'passes', facts: [], leg: 'request' },
  link: { name: 'eth0', mtu, inPod },
});

t.test('the largest packet that the ends send', async (t) => {
  const hops = [link(1450, true), link(1300, false), link(1400, true)];
  t.equal(largestPacket({ hops }, 'tcp'), 1400, 'TCP asks the other end');
  t.equal(largestPacket({ hops }, 'udp'), 1450);
  t.equal(largestPacket({ hops: [link(1300, false)] }, 'tcp'), undefined);
});
