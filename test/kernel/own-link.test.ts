// The link on which a node announces, as the kernel has it.
import t from 'tap';
import { OwnLink } from '../../dataplane/announce/link';
import type { Netns } from '../../dataplane/netns/netns';
import { connect, skipWithoutKernel, withNetns } from '../lib/netns';

t.test('the link of an address is followed, and read only after a change', { skip: skipWithoutKernel() }, async (t) => {
  await withNetns(2, async (node, outside) => {
    await connect({ netns: node, link: 'eth0' }, { netns: outside, link: 'p0' });
    await outside.run('ip', 'link', 'set', 'p0', 'up');
    let reads = 0;
    const counted: Netns = Object.create(node, {
      enter: {
        value: <T>(work: () => T): T => {
          reads++;
          return node.enter(work);
        },
      },
    });
    const own = new OwnLink(counted);
    t.teardown(() => own.close());
    /** The kernel's reports arrive with the event loop. */
    const until = async (name: string | undefined) => {
      while (own.find('192.0.2.7')?.name !== name) await new Promise(setImmediate);
    };
    t.equal(own.find('192.0.2.7'), undefined);
    await node.run('ip', 'address', 'add', '192.0.2.7/24', 'dev', 'eth0');
    await until('eth0');
    t.match(own.find('192.0.2.7'), { cidrs: [{ family: 4, prefix: 24 }], mac: /^([0-9a-f]{2}:){5}/ });
    await node.run('ip', 'link', 'set', 'eth0', 'down');
    await until(undefined);
    await node.run('ip', 'link', 'set', 'eth0', 'up');
    await until('eth0');
    await outside.run('ip', 'link', 'set', 'p0', 'down');
    await until(undefined);
    await outside.run('ip', 'link', 'set', 'p0', 'up');
    await until('eth0');
    const settled = reads;
    for (let i = 0; i < 100; i++) own.find('192.0.2.7');
    t.equal(reads, settled, 'no change was reported, nothing is read');
    own.find('192.0.2.8');
    t.equal(reads, settled + 1, 'another address');
  });
});
