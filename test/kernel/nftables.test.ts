// The program nft and the kernel's count of transactions, as dataplane/nftables understands them.
import t from 'tap';
import { Generations } from '../../dataplane/nftables/generations';
import { NftProgram } from '../../dataplane/nftables/nft';
import { tableParts } from '../../dataplane/nftables/structure';
import { comment, elementCommands } from '../../dataplane/nftables/text';
import { skipWithoutKernel, withNetns } from '../lib/netns';
import { NetnsExec } from '../lib/service-lab';

t.setTimeout(120_000);

const table = { family: 'ip', name: 'k8ts' } as const;
const declared = [
  'add table ip k8ts',
  'add map ip k8ts ports { type ipv4_addr . inet_service : verdict; }',
  'add set ip k8ts pods { type ipv4_addr; }',
  'add chain ip k8ts c',
  'add chain ip k8ts base { type filter hook input priority 0; policy accept; }',
  `add rule ip k8ts c ip saddr 10.0.0.0/8 counter accept ${comment('a "rule"')}`,
  '',
].join('\n');

t.test('nftables', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('the listing shows the written objects', async (t) => {
    await withNetns(1, async (netns) => {
      const nft = new NftProgram(new NetnsExec(netns));
      t.equal(await nft.structure(table), undefined);
      t.equal(await nft.read(table), undefined);
      await nft.run(declared);
      await nft.run(
        elementCommands('add', 'ip k8ts', 'ports', [
          `10.96.0.1 . 80 ${comment('shop/web:http')} : goto c`,
          '10.96.0.1 . 443 : drop',
        ]) + elementCommands('add', 'ip k8ts', 'pods', ['10.244.1.5']),
      );
      await nft.run('add table ip other\nadd chain ip other c\n');
      const parts = tableParts((await nft.structure(table)) ?? '');
      t.same([...parts.keys()].sort(), ['chain base', 'chain c', 'map ports', 'set pods']);
      t.equal(parts.get('chain c'), `\t\tip saddr 10.0.0.0/8 counter accept comment "a 'rule'"\n`);
      t.notMatch(parts.get('set pods'), '10.244.1.5');
      const read = await nft.read(table);
      t.same([...(read?.sets.get('ports') ?? [])].sort(), [
        ['10.96.0.1 . 443', { value: 'drop' }],
        ['10.96.0.1 . 80', { value: 'goto c', comment: 'shop/web:http' }],
      ]);
      t.same([...(read?.sets.get('pods') ?? [])], [['10.244.1.5', {}]]);
    });
  });

  await t.test('a transaction is all or nothing, and the code of its failure tells how to react', async (t) => {
    await withNetns(1, async (netns) => {
      const nft = new NftProgram(new NetnsExec(netns));
      await nft.run(declared);
      const before = await nft.structure(table);
      const fails = async (text: string, failure: string, line: string) =>
        t.match(await nft.run(`add chain ip k8ts half\n${text}\n`).catch((err: unknown) => err), {
          details: { failure, line },
        });
      await fails('delete element ip k8ts pods { 10.9.9.9 }', 'stale', 'delete element ip k8ts pods { 10.9.9.9 }');
      await fails('add rule ip k8ts nowhere accept', 'stale', 'add rule ip k8ts nowhere accept');
      await fails('add nonsense', 'unsupported', 'add nonsense');
      t.equal(await nft.structure(table), before);
    });
  });

  await t.test('foreign transactions are noticed, our own are not', async (t) => {
    await withNetns(1, async (netns) => {
      const generations = new Generations(netns);
      t.teardown(() => generations.close());
      const nft = new NftProgram(new NetnsExec(netns), generations);
      const before = await generations.others();
      await nft.run(declared);
      await nft.run(elementCommands('add', 'ip k8ts', 'pods', ['10.244.1.5', '10.244.1.6']));
      await nft.run('flush set ip k8ts pods\n');
      await t.rejects(nft.run('add rule ip k8ts nowhere accept\n'));
      await nft.structure(table);
      await nft.read(table);
      await netns.run('nft', 'list', 'ruleset');
      t.equal(await generations.others(), before);
      const writes = [7, 8].map((n) => nft.run(elementCommands('add', 'ip k8ts', 'pods', [`10.244.1.${n}`])));
      t.equal(await generations.others(), before, 'read while two of our transactions run');
      await Promise.all(writes);
      let last = before;
      for (const change of [
        ['add', 'element', 'ip', 'k8ts', 'pods', '{ 10.244.9.9 }'],
        ['delete', 'element', 'ip', 'k8ts', 'pods', '{ 10.244.9.9 }'],
        ['flush', 'chain', 'ip', 'k8ts', 'c'],
        ['flush', 'ruleset'],
      ]) {
        await netns.run('nft', ...change);
        const now = await generations.others();
        t.ok(now! > last!, change.join(' '));
        last = now;
      }
    });
  });
});
