// What the applier writes and notices, with a scripted nft; test/kernel/policy.test.ts uses the real program.
import t from 'tap';
import { parseCidr } from '../../controlplane/base/cidr';
import { Unsupported } from '../../controlplane/base/errors';
import type { Nft, TableName } from '../nftables/nft';
import { PolicyApplier } from './applier';
import { guardText, portPrefix } from './bridge-guard';
import { diffTables } from './drift';
import type { PolicyPlan } from './model';
import { removal } from './update';

/** Holds a table as text, and fails when the test sets a failure. */
class ScriptedNft implements Nft {
  readonly runs: string[] = [];
  structureText: string | undefined;
  elements = new Map<string, Map<string, { value?: string }>>();
  failure: Error | undefined;

  bridgeFailure: Error | undefined;
  bridgeText: string | undefined;

  async run(text: string): Promise<void> {
    this.runs.push(text);
    if (text.includes('table bridge')) {
      if (this.bridgeFailure) throw this.bridgeFailure;
      this.bridgeText = text.includes('add rule')
        ? 'table bridge k8ts-policy {\n\tchain forward {\n\t}\n}\n'
        : undefined;
      return;
    }
    if (this.failure) throw this.failure;
    this.structureText = text.endsWith(removal())
      ? undefined
      : 'table inet k8ts-policy {\n\tchain leave {\n\t\taccept\n\t}\n}\n';
  }
  async structure({ family }: TableName) {
    return family === 'bridge' ? this.bridgeText : this.structureText;
  }
  async read() {
    return { sets: this.elements };
  }
}

const plan = (...pods: string[]): PolicyPlan => ({
  chains: new Map([['leave', { rules: [] }]]),
  sets: new Map([['s', { family: 4, kind: 'endpoint', elements: new Set(pods.map((ip) => `${ip} . tcp . 80`)) }]]),
  maps: new Map([['m', { family: 4, elements: new Map(pods.map((ip) => [ip, 'goto leave'])) }]]),
  guard: '',
});

t.test(
  'the first write is complete, later ones are differences or empty; complete again after a failure',
  async (t) => {
    const nft = new ScriptedNft();
    const applier = new PolicyApplier(nft);
    t.match(await applier.apply(plan('10.0.0.1')), { full: true });
    t.ok(nft.runs[0]?.startsWith(removal()));
    t.match(await applier.apply(plan('10.0.0.1', '10.0.0.2')), { full: false });
    t.match(nft.runs[1], /^add element .* 10\.0\.0\.2 \. tcp \. 80 }\nadd element .* \{ 10\.0\.0\.2 : goto leave }\n$/);
    t.strictSame(await applier.apply(plan('10.0.0.1', '10.0.0.2')), { full: false, bytes: 0 });
    t.equal(nft.runs.length, 2);
    nft.failure = new Error('busy');
    await t.rejects(applier.apply(plan('10.0.0.3')), /busy/);
    nft.failure = undefined;
    t.match(await applier.apply(plan('10.0.0.3')), { full: true });
  },
);

t.test('without policies an existing table is removed, and otherwise nothing is written', async (t) => {
  const nft = new ScriptedNft();
  await new PolicyApplier(nft).apply(undefined);
  t.strictSame(nft.runs, []);
  nft.structureText = 'table inet k8ts-policy {\n}\n';
  const applier = new PolicyApplier(nft);
  await applier.apply(undefined);
  await applier.apply(undefined);
  t.strictSame(nft.runs, [removal()], 'the table of an earlier process is removed');
});

t.test('a node without nft works without policies, and fails with policies', async (t) => {
  const nft = new ScriptedNft();
  nft.structure = async () => {
    throw new Unsupported('nft is not installed');
  };
  nft.failure = new Unsupported('nft is not installed');
  const applier = new PolicyApplier(nft);
  t.strictSame(await applier.apply(undefined), { full: false, bytes: 0 });
  await t.rejects(applier.apply(plan('10.0.0.1')), { code: 'Unsupported' });
});

t.test('changes of other programs are found, and then everything is written', async (t) => {
  const nft = new ScriptedNft();
  const applier = new PolicyApplier(nft);
  t.strictSame(await applier.check(true), [], 'nothing is missing before the first write');
  await applier.apply(plan('10.0.0.1'));
  nft.elements = new Map([
    ['s', new Map([['10.0.0.1 . 6 . 80', {}]])],
    ['m', new Map([['10.0.0.1', { value: 'goto leave' }]])],
  ]);
  t.strictSame(await applier.check(true), []);
  nft.elements.get('m')!.set('10.0.0.9', { value: 'accept' });
  t.strictSame(await applier.check(false), [], 'elements are compared by the thorough check only');
  t.match(await applier.check(true), [{ chain: 'm', kind: 'changed' }]);
  t.match(await applier.apply(plan('10.0.0.1')), { full: true });
  nft.structureText = undefined;
  t.match(await applier.check(false), [{ chain: 'the whole table', kind: 'missing' }]);
  t.strictSame(await applier.check(false), [], 'reported once');
});

t.test(
  'where the kernel counts transactions, nothing is listed without a foreign write, and a changed element is found soon',
  async (t) => {
    const nft = new ScriptedNft();
    let others: number | undefined = 7;
    const applier = new PolicyApplier(nft, { generations: { others: async () => others }, elapsed: () => 0 });
    await applier.apply(plan('10.0.0.1'));
    nft.elements = new Map([
      ['s', new Map([['10.0.0.1 . 6 . 80', {}]])],
      ['m', new Map([['10.0.0.1', { value: 'goto leave' }]])],
    ]);
    let listed = 0;
    const { structure } = nft;
    nft.structure = (of) => {
      listed++;
      return structure.call(nft, of);
    };
    t.strictSame(await applier.check(false), []);
    t.equal(listed, 1, 'one comparison after the first write');
    t.strictSame(await applier.check(false), []);
    t.equal(listed, 1);
    t.strictSame(await applier.check(true), []);
    t.equal(listed, 2, 'the thorough check always compares');
    nft.elements.get('m')!.set('10.0.0.9', { value: 'accept' });
    others = 8;
    t.match(await applier.check(false), [{ chain: 'm', kind: 'changed' }], 'before the next thorough check');
    await applier.apply(plan('10.0.0.1'));
    others = undefined;
    listed = 0;
    t.match(await applier.check(false), [{ chain: 'm', kind: 'changed' }]);
    t.equal(listed, 1, 'without a reliable count the table is listed');
  },
);

t.test('differences are reported for each object; counters are not compared', async (t) => {
  const listing = (...objects: string[]) => `table inet k8ts-policy {\n${objects.join('\n')}\n}\n`;
  const chain = (name: string, rule: string) => `\tchain ${name} {\n\t\t${rule}\n\t}\n`;
  const before = listing(
    chain('a', 'counter packets 0 bytes 0 drop'),
    chain('b', 'accept'),
    '\tset s {\n\t\ttype x\n\t}\n',
  );
  t.strictSame(diffTables(before, before.replace('packets 0 bytes 0', 'packets 7 bytes 300')), []);
  const now = listing(chain('a', 'accept'), chain('c', 'accept'), '\tset s {\n\t\ttype x\n\t}\n');
  t.match(diffTables(before, now), [
    { chain: 'a', kind: 'changed' },
    { chain: 'b', kind: 'missing' },
    { chain: 'c', kind: 'extra' },
  ]);
});

t.test('the bridge has its own table; a kernel without bridge tables is reported, and is not fatal', async (t) => {
  const nft = new ScriptedNft();
  const applier = new PolicyApplier(nft);
  const guarded = { ...plan('10.0.0.1'), guard: guardText(['10.244.1.0/24']) };
  t.match(nft.runs, []);
  await applier.apply(guarded);
  t.match(nft.runs[0], /iifname "veth0af401\*" oifname "veth0af401\*"/);
  t.equal(nft.runs.length, 2);
  await applier.apply({ ...guarded, ...plan('10.0.0.1', '10.0.0.2'), guard: guarded.guard });
  t.equal(nft.runs.length, 3, 'written once');
  nft.bridgeText = undefined;
  t.match(await applier.check(false), [{ table: 'bridge k8ts-policy', kind: 'missing' }]);
  await applier.apply(guarded);
  t.ok(nft.bridgeText);
  await applier.apply(undefined);
  t.equal(nft.bridgeText, undefined);

  nft.bridgeFailure = new Unsupported('no such thing');
  t.match(await applier.apply(guarded), { full: true, unguarded: /no such thing/ });
  t.strictSame(await applier.check(false), []);
  for (const [range, prefix] of [
    ['10.244.1.0/24', 'veth0af401'],
    ['10.244.16.0/20', 'veth0af41'],
    ['10.244.2.64/26', 'veth0af402'],
    ['fd00:244:1::/64', 'veth0000'],
  ] as const) {
    t.equal(portPrefix(parseCidr(range)), prefix);
  }
});
