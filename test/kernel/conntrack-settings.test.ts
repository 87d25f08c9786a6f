// Connection tracking settings in a namespace of their own: raised, never lowered, and unchanged if they are read only.
import t from 'tap';
import { silentLogger } from '../../controlplane/base/logger';
import { raiseSettings } from '../../dataplane/conntrack/settings';
import { ensureSysctls, readSysctl } from '../../dataplane/link/sysctl';
import { skipWithoutKernel, withNetns } from '../lib/netns';

const closeWait = 'net.netfilter.nf_conntrack_tcp_timeout_close_wait';
const liberal = 'net.netfilter.nf_conntrack_tcp_be_liberal';
const max = 'net.netfilter.nf_conntrack_max';

t.test('conntrack settings', { skip: skipWithoutKernel(), timeout: 120_000 }, async (t) => {
  await withNetns(1, async (netns) => {
    ensureSysctls(netns, { [closeWait]: '60', [liberal]: '0' });
    const raise = (...settings: { name: string; atLeast: number }[]) => raiseSettings(netns, settings, silentLogger);
    t.same(raise({ name: closeWait, atLeast: 3_600 }, { name: liberal, atLeast: 1 }), [closeWait, liberal]);
    t.equal(readSysctl(netns, closeWait), '3600');
    t.equal(readSysctl(netns, liberal), '1');
    t.same(raise({ name: closeWait, atLeast: 3_600 }), [], 'a second start changes nothing');
    t.same(raise({ name: closeWait, atLeast: 1_800 }), []);
    t.equal(readSysctl(netns, closeWait), '3600', 'never lowered');
    const before = readSysctl(netns, max);
    t.same(raise({ name: max, atLeast: Number(before) + 1 }), [], 'the size of the table belongs to the host');
    t.equal(readSysctl(netns, max), before);
    t.same(raise({ name: 'net.netfilter.nf_conntrack_no_such_thing', atLeast: 1 }), []);
  });
});
