import t from 'tap';
import { type DesiredConntrack, planSettings } from './settings';

const desired: DesiredConntrack = {
  maxPerCore: 32_768,
  min: 131_072,
  establishedSeconds: 86_400,
  closeWaitSeconds: 3_600,
  udpSeconds: 0,
  udpStreamSeconds: 0,
  beLiberal: false,
};
const plan = (changes: Partial<DesiredConntrack>, cores = 2) =>
  Object.fromEntries(
    planSettings({ ...desired, ...changes }, cores).map(({ name, atLeast }) => [
      name.replace('net.netfilter.nf_conntrack_', ''),
      atLeast,
    ]),
  );

t.test('which settings are desired', async (t) => {
  t.same(plan({}), { max: 131_072, tcp_timeout_established: 86_400, tcp_timeout_close_wait: 3_600 });
  t.equal(plan({}, 16)['max'], 524_288, 'by the number of cores');
  t.equal(plan({ maxPerCore: 0 })['max'], undefined, "zero keeps the kernel's value");
  t.equal(plan({ min: 0 })['max'], 65_536);
  t.same(plan({ maxPerCore: 0, establishedSeconds: 0, closeWaitSeconds: 0, beLiberal: true, udpSeconds: 60 }), {
    tcp_be_liberal: 1,
    udp_timeout: 60,
  });
});
