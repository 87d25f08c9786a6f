// The applier on a real kernel: iptables-save prints the rules it wrote, in both modes and families.
import t from 'tap';
import { Applier } from '../../dataplane/netfilter/applier';
import { detectBackend, programsOf } from '../../dataplane/netfilter/backend';
import { Generations } from '../../dataplane/nftables/generations';
import type { ServiceInput } from '../../dataplane/service/input';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { skipWithoutKernel, withNetns } from '../lib/netns';
import { randomCluster, seededRandom } from '../lib/service-fixture';
import { NetnsExec } from '../lib/service-lab';

const facts4 = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };
const facts6 = { clusterCidr: 'fd00:244::/32', podCidr: 'fd00:244:1::/64' };

/** The same cluster in IPv6: 10.96.3.7 becomes fd00:10:96:3::7. */
function toSix(services: readonly ServiceInput[]): ServiceInput[] {
  const six = (text: string) =>
    text.replace(/\b(\d+)\.(\d+)\.(\d+)\.(\d+)(\/\d+)?/g, (_all, a, b, c, d, bits) =>
      bits === undefined
        ? `fd00:${a}:${b}:${c}::${d}`
        : `fd00:${a}:${b}${bits === '/24' ? `:${c}` : ''}::/${bits === '/24' ? 64 : 48}`,
    );
  return JSON.parse(six(JSON.stringify(services))) as ServiceInput[];
}

function compilerOf(family: 4 | 6, services: readonly ServiceInput[]): ServiceCompiler {
  const compiler = new ServiceCompiler(family, family === 4 ? facts4 : facts6);
  for (const service of services) compiler.set(service.key, service);
  return compiler;
}

t.test('netfilter', { skip: skipWithoutKernel() }, async (t) => {
  for (const family of [4, 6] as const) {
    for (const backend of programsOf(family)) {
      await t.test(`IPv${family}, ${backend.mode}: iptables-save prints the written rules`, async (t) => {
        await withNetns(1, async (netns) => {
          const random = randomCluster(seededRandom(family), 60);
          const services = family === 4 ? random : toSix(random);
          const compiler = compilerOf(family, services);
          const applier = new Applier({ exec: new NetnsExec(netns), backend });
          const first = compiler.take();
          t.match(await applier.apply(first.plan, first.dirty), { full: true });
          t.same(await applier.check(first.plan), []);
          for (const [i, service] of services.entries()) {
            compiler.set(service.key, i % 3 === 0 ? undefined : { ...service, internalLocal: !service.internalLocal });
          }
          const second = compiler.take();
          t.match(await applier.apply(second.plan, second.dirty), { full: false });
          t.same(await applier.check(second.plan), []);
          t.equal(await applier.canaryAlive(), true);
          await applier.removeAll();
          t.notMatch(await netns.run(backend.save), 'K8TS');
        });
      });
    }
  }

  await t.test('rules that another process removes are noticed and written again', async (t) => {
    await withNetns(1, async (netns) => {
      const exec = new NetnsExec(netns);
      const applier = new Applier({ exec, backend: await detectBackend(exec, 4) });
      const compiler = compilerOf(4, randomCluster(seededRandom(3), 20));
      const { plan, dirty } = compiler.take();
      t.equal(await applier.canaryAlive(), true, 'before the first write no rule can be missing');
      await applier.apply(plan, dirty);
      const damages: readonly (readonly string[])[] = [
        ['iptables', '-F'],
        ['iptables', '-t', 'nat', '-F'],
        ['iptables', '-t', 'nat', '-F', 'PREROUTING'],
        ['iptables', '-t', 'nat', '-F', 'POSTROUTING'],
        ['iptables', '-F', 'FORWARD'],
      ];
      for (const damage of damages) {
        await exec.run(damage);
        t.equal(await applier.canaryAlive(), false, damage.join(' '));
        t.not((await applier.check(plan)).length, 0);
        const none = { nat: new Set<string>(), filter: new Set<string>() };
        t.match(await applier.apply(plan, none), { full: true });
        t.same(await applier.check(plan), []);
      }
      const [chain] = [...plan.nat.keys()].filter((name) => name.startsWith('K8TS-SVC-'));
      await exec.run(['iptables', '-t', 'nat', '-D', chain!, '1']);
      t.equal(await applier.canaryAlive(), true, 'the canaries do not notice the loss of a single rule');
      t.same(
        await applier.check(plan),
        [{ table: 'nat', chain, kind: 'changed' }],
        'the thorough check names the chain',
      );
    });
  });

  await t.test('if the kernel counts transactions, every foreign change is noticed, and no own change', async (t) => {
    await withNetns(1, async (netns) => {
      const exec = new NetnsExec(netns);
      const generations = new Generations(netns);
      t.teardown(() => generations.close());
      let now = 0;
      const backend = programsOf(4).find(({ mode }) => mode === 'nft')!;
      const applier = new Applier({ exec, backend, generations, elapsed: () => now });
      const services = randomCluster(seededRandom(5), 30);
      const compiler = compilerOf(4, services);
      const first = compiler.take();
      await applier.apply(first.plan, first.dirty);
      t.equal(await applier.canaryAlive(), true);
      for (const service of services.slice(0, 5)) {
        compiler.set(service.key, undefined);
        const { plan, dirty } = compiler.take();
        await applier.apply(plan, dirty);
        t.equal(await applier.canaryAlive(), true, 'our own write');
      }
      const { plan } = compiler.take();
      const none = { nat: new Set<string>(), filter: new Set<string>() };
      const [chain] = [...plan.nat.keys()].filter((name) => name.startsWith('K8TS-SVC-'));
      for (const damage of [['-D', chain!, '1'], ['-F', chain!], ['-F']]) {
        // The applier compares again only after a pause; this is longer.
        now += 60_000;
        await exec.run(['iptables', '-t', 'nat', ...damage]);
        t.equal(await applier.canaryAlive(), false, damage.join(' '));
        t.not((await applier.check(plan)).length, 0);
        await applier.apply(plan, none);
        t.equal(await applier.canaryAlive(), true, 'repaired');
      }
      now += 60_000;
      await exec.run(['iptables', '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'ACCEPT']);
      t.equal(await applier.canaryAlive(), false, 'the change could concern one of our rules');
      t.same(await applier.check(plan), []);
      t.equal(await applier.canaryAlive(), true);
    });
  });

  await t.test('a write fails if a chain has disappeared, and the next write repairs everything', async (t) => {
    await withNetns(1, async (netns) => {
      const exec = new NetnsExec(netns);
      const applier = new Applier({ exec, backend: await detectBackend(exec, 4) });
      const services = randomCluster(seededRandom(4), 30).map((one) => ({ ...one, internalLocal: false }));
      const compiler = compilerOf(4, services);
      const first = compiler.take();
      await applier.apply(first.plan, first.dirty);
      await exec.run(['iptables', '-t', 'nat', '-F']);
      await exec.run(['iptables', '-t', 'nat', '-X']);
      // The change rewrites the chain that leads to other Services; their chains no longer exist.
      compiler.set(services[0]!.key, undefined);
      const second = compiler.take();
      await t.rejects(applier.apply(second.plan, second.dirty), { code: 'Unavailable' });
      t.equal(applier.needsFull, true);
      const none = { nat: new Set<string>(), filter: new Set<string>() };
      await applier.apply(second.plan, none);
      t.same(await applier.check(second.plan), []);
    });
  });

  await t.test('rules of both modes in one kernel are refused', async (t) => {
    await withNetns(1, async (netns) => {
      const exec = new NetnsExec(netns);
      const { mode } = await detectBackend(exec, 4);
      const other = mode === 'nft' ? 'legacy' : 'nft';
      await exec.run([`iptables-${other}`, '-A', 'INPUT', '-j', 'ACCEPT']);
      await t.rejects(detectBackend(exec, 4), {
        code: 'Unsupported',
        message: new RegExp(`1 rules written through ${other}`),
      });
    });
  });
});
