// The kernel of another machine on the link resolves addresses that no interface has, and follows them when they move.
import t from 'tap';
import { silentLogger } from '../../controlplane/base/logger';
import { OwnLink } from '../../dataplane/announce/link';
import { Responder } from '../../dataplane/announce/responder';
import { busybox } from '../lib/busybox';
import { connect, skipWithoutKernel, type TestNetns, withNetns } from '../lib/netns';

t.setTimeout(120_000);

const address = 'fd00:192:168:57::240';
const client = 'fd00:192:168:57::1';

t.test('neighbour discovery for load balancer addresses', { skip: skipWithoutKernel() }, async (t) => {
  await withNetns(3, async (outside, one, two) => {
    // The bridge sends multicast only to members, as switches with MLD snooping do.
    await outside.run('ip', 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '1', 'mcast_querier', '1');
    await outside.run('ip', 'link', 'set', 'br0', 'up');
    await outside.run('ip', 'address', 'add', `${client}/64`, 'dev', 'br0', 'nodad');
    const nodes = [
      { netns: one, ip: 'fd00:192:168:57::a' },
      { netns: two, ip: 'fd00:192:168:57::b' },
    ];
    const others: string[] = [];
    const responders: Responder[] = [];
    for (const [i, { netns, ip }] of nodes.entries()) {
      await connect({ netns: outside, link: `p${i}` }, { netns, link: 'eth0' });
      await outside.run('ip', 'link', 'set', `p${i}`, 'master', 'br0', 'up');
      await netns.run('ip', 'address', 'add', `${ip}/64`, 'dev', 'eth0', 'nodad');
      const responder = new Responder({
        netns,
        log: silentLogger,
        onBeacon: () => {},
        onOther: (what, mac) => void others.push(`${i} ${what} ${mac}`),
      });
      t.teardown(() => responder.close());
      const own = new OwnLink(netns);
      t.teardown(() => own.close());
      const link = own.find(ip)!;
      t.match(link, { name: 'eth0', cidrs: [{ family: 6, prefix: 64 }] });
      t.equal(responder.use(link), true);
      responders.push(responder);
    }
    const macs = responders.map(({ link }) => link!.mac);
    await t.test('no node has the address', async (t) => {
      t.equal(await resolve(outside), undefined);
    });
    await t.test('one node answers, and the other takes over', async (t) => {
      responders[0]!.answer(new Map([[address, macs[0]!]]));
      // The bridge may not have the new membership yet; each new packet triggers another request.
      let found = await resolve(outside);
      for (let asked = 1; asked < 5 && found === undefined; asked++) found = await resolve(outside);
      t.equal(found, macs[0]);
      responders[0]!.answer(new Map());
      responders[1]!.answer(new Map([[address, macs[1]!]]));
      // The announcement is unsolicited.
      let known = await entry(outside);
      for (let announced = 0; announced < 1_000 && known !== macs[1]; announced++) {
        responders[1]!.announce(address);
        known = await entry(outside);
      }
      t.equal(known, macs[1], 'an announcement changes the table of the client');
      await outside.run('ip', '-6', 'neigh', 'flush', 'dev', 'br0');
      t.equal(await resolve(outside), macs[1]);
    });
    await t.test('one node answers in the name of another', async (t) => {
      responders[1]!.answer(new Map([[address, macs[0]!]]));
      await outside.run('ip', '-6', 'neigh', 'flush', 'dev', 'br0');
      t.equal(await resolve(outside), macs[0]);
    });
    await t.test('another machine with the address is reported', async (t) => {
      responders[1]!.answer(new Map([[address, macs[1]!]]));
      // With duplicate address detection the client asks whether another machine has the address, and gets an answer.
      await one.run('ip', 'address', 'add', `${address}/64`, 'dev', 'eth0');
      while (!others.includes(`1 ${address} ${macs[0]}`)) await new Promise((resolve) => setImmediate(resolve));
      const shown = () => one.run('ip', 'address', 'show', 'dev', 'eth0');
      for (let looks = 0; looks < 2_000 && !/dadfailed/.test(await shown()); looks++);
      t.match(await shown(), /dadfailed/, 'the other machine cannot use the address');
    });
  });
});

/** The link address that the client's kernel resolves for `address`; undefined without an answer. */
async function resolve(outside: TestNetns): Promise<string | undefined> {
  await outside.run(busybox, 'ping', '-6', '-c1', '-W1', address).catch(() => undefined);
  return entry(outside);
}

async function entry(outside: TestNetns): Promise<string | undefined> {
  const [found] = JSON.parse((await outside.run('ip', '-j', '-6', 'neigh', 'show', address, 'dev', 'br0')) || '[]');
  return (found as { lladdr?: string } | undefined)?.lladdr;
}
