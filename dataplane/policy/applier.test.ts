// What is written and what is noticed, against a scripted nft; test/kernel/policy.test.ts asks the real one.
import t from 'tap';
import type { Nft } from '../nftables/nft';
import { PolicyApplier } from './applier';
import { diffTables } from './drift';
import type { PolicyPlan } from './model';
import { removal } from './update';

/** Holds a table as text and fails when told. */
class ScriptedNft implements Nft {
  readonly runs: string[] = [];
  structureText: string | undefined;
  elements = new Map<string, Map<string, { value?: string }>>();
  failure: Error | undefined;

  async run(text: string): Promise<void> {
    this.runs.push(text);
    if (this.failure) throw this.failure;
    this.structureText = text.endsWith(removal())
      ? undefined
      : 'table inet k8ts-policy {\n\tchain leave {\n\t\taccept\n\t}\n}\n';
  }
  async structure() {
    return this.structureText;
  }
  async read() {
    return { sets: this.elements };
  }
}

const plan = (...pods: string[]): PolicyPlan => ({
  chains: new Map([['leave', { rules: [] }]]),
  sets: new Map([['s', { family: 4, kind: 'endpoint', elements: new Set(pods.map((ip) => `${ip} . tcp . 80`)) }]]),
  maps: new Map([['m', { family: 4, elements: new Map(pods.map((ip) => [ip, 'goto leave'])) }]]),
});

t.test('whole, then differences, then nothing; whole again after a failure', async (t) => {
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
});

t.test('no policy: nothing is written where nothing is, and what is there goes', async (t) => {
  const nft = new ScriptedNft();
  await new PolicyApplier(nft).apply(undefined);
  t.strictSame(nft.runs, []);
  nft.structureText = 'table inet k8ts-policy {\n}\n';
  const applier = new PolicyApplier(nft);
  await applier.apply(undefined);
  await applier.apply(undefined);
  t.strictSame(nft.runs, [removal()], 'of an earlier process');
});

t.test('what others change is found, and then everything is written', async (t) => {
  const nft = new ScriptedNft();
  const applier = new PolicyApplier(nft);
  t.strictSame(await applier.check(true), [], 'before the first write there is nothing to miss');
  await applier.apply(plan('10.0.0.1'));
  nft.elements = new Map([
    ['s', new Map([['10.0.0.1 . 6 . 80', {}]])],
    ['m', new Map([['10.0.0.1', { value: 'goto leave' }]])],
  ]);
  t.strictSame(await applier.check(true), []);
  nft.elements.get('m')!.set('10.0.0.9', { value: 'accept' });
  t.strictSame(await applier.check(false), [], 'elements are for the thorough check');
  t.match(await applier.check(true), [{ chain: 'm', kind: 'changed' }]);
  t.match(await applier.apply(plan('10.0.0.1')), { full: true });
  nft.structureText = undefined;
  t.match(await applier.check(false), [{ chain: 'the whole table', kind: 'missing' }]);
  t.strictSame(await applier.check(false), [], 'told once');
});

t.test('differences are named object by object; counters are none', async (t) => {
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
