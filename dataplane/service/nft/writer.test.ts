// What the writer sends and when, with a scripted nft that only prints what the test sets; test/kernel has the real one.
import t from 'tap';
import { AppError } from '../../../controlplane/base/errors';
import { endpoint, service, servicePort } from '../../../test/lib/service-fixture';
import type { NftElement, NftTable } from '../../nftables/listing';
import type { Nft, TableName } from '../../nftables/nft';
import { NftCompiler } from './compiler';
import type { NftPlan } from './model';
import { NftWriter } from './writer';

const table = { family: 'ip', name: 'k8ts' } as const;
const web = service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints: [endpoint('10.244.2.9', 8080)] })] });

/** Prints a plan as nft would; this fake uses the plan's own words. */
function printed(plan: NftPlan): string {
  const body = (text: string) => text.replace(/^(?=.)/gm, '\t\t');
  const sets = [...plan.sets].map(([, text]) => text.replace(/^(\S+ \S+) \{ (.*) \}$/, '\t$1 {\n\t\t$2\n\t}\n'));
  const chains = [...plan.chains].map(
    ([name, { hook, rules }]) => `\tchain ${name} {\n${hook ? `\t\t${hook}\n` : ''}${body(rules)}\t}\n`,
  );
  return `table ip k8ts {\n${[...sets, ...chains].join('\n')}}\n`;
}

function elementsOf(plan: NftPlan): NftTable {
  const parse = (rest: string): NftElement => {
    const [, comment, value] = /^(?: comment "(.*?)")?(?: : (.*))?$/.exec(rest)!;
    return { ...(value === undefined ? {} : { value }), ...(comment === undefined ? {} : { comment }) };
  };
  const sets = [...plan.elements].map(
    ([set, elements]) => [set, new Map([...elements].map(([key, rest]) => [key, parse(rest)]))] as const,
  );
  return { sets: new Map(sets) };
}

class FakeNft implements Nft {
  readonly ran: string[] = [];
  /** The structure of the draft table and of our table. */
  desired = '';
  actual: string | undefined;
  elements: NftTable | undefined;
  failNext: Error | undefined;

  async run(text: string): Promise<void> {
    if (text === '') return;
    if (this.failNext && !text.includes('k8ts-draft')) {
      const failure = this.failNext;
      this.failNext = undefined;
      throw failure;
    }
    this.ran.push(text);
  }
  async structure({ name }: TableName): Promise<string | undefined> {
    return name.endsWith('-draft') ? this.desired : this.actual;
  }
  async read(): Promise<NftTable | undefined> {
    return this.elements;
  }
  holds(plan: NftPlan): void {
    this.desired = printed(plan);
    this.actual = printed(plan);
    this.elements = elementsOf(plan);
  }
  /** The commands sent to our own table. */
  get sent(): string[] {
    return this.ran.filter((text) => !text.includes('k8ts-draft'));
  }
}

function setUp() {
  const nft = new FakeNft();
  const compiler = new NftCompiler(4, { clusterCidr: '10.244.0.0/16' });
  compiler.set(web.key, web);
  const { plan, dirty } = compiler.take();
  nft.desired = printed(plan);
  return { nft, compiler, writer: new NftWriter({ nft, table }), plan, dirty };
}

t.test(
  'an empty kernel gets everything in one transaction; after that only changes are sent, and nothing without a change',
  async (t) => {
    const { nft, compiler, writer, plan, dirty } = setUp();
    t.equal(await writer.canaryAlive(), true, 'nothing is missing before the first write');
    const first = await writer.apply(plan, dirty);
    t.match(first, { full: true, bytes: nft.sent[0]!.length });
    t.equal(nft.sent.length, 1);
    const drafts = nft.ran.filter((text) => text.includes('k8ts-draft'));
    t.match(drafts.at(-1), /delete table ip k8ts-draft\n$/, 'the draft is removed');
    nft.holds(plan);
    compiler.set(web.key, undefined);
    const next = compiler.take();
    t.match(await writer.apply(next.plan, next.dirty), { full: false });
    t.match(nft.sent[1], 'delete element ip k8ts services { 10.96.3.7 . 6 . 80 }');
    t.match(await writer.apply(next.plan, compiler.take().dirty), { full: false, chains: 0, bytes: 0 });
    t.equal(nft.sent.length, 2);
  },
);

t.test('an existing table is adopted', async (t) => {
  const { nft, writer, plan, dirty } = setUp();
  nft.holds(plan);
  t.match(await writer.apply(plan, dirty), { full: true, chains: 0, bytes: 0 });
  t.same(nft.sent, []);
  t.equal(await writer.canaryAlive(), true);
});

t.test('after a failure the rules of the kernel are read, and differences are written', async (t) => {
  const { nft, compiler, writer, plan, dirty } = setUp();
  nft.holds(plan);
  await writer.apply(plan, dirty);
  compiler.set(web.key, { ...web, ports: [servicePort({ port: 81, endpoints: [endpoint('10.244.2.9', 8080)] })] });
  const change = compiler.take();
  nft.failNext = new AppError('Unavailable', 'busy');
  await t.rejects(writer.apply(change.plan, change.dirty), { message: 'busy' });
  t.equal(await writer.canaryAlive(), false);
  const again = compiler.take();
  t.match(await writer.apply(again.plan, again.dirty), { full: true, chains: 4 });
  t.match(nft.sent[0], 'add element ip k8ts services { 10.96.3.7 . 6 . 81');
});

t.test('drift is reported, and leads to a full write', async (t) => {
  const { nft, writer, plan, dirty } = setUp();
  nft.holds(plan);
  await writer.apply(plan, dirty);
  nft.actual = nft.actual!.replace('\t\tjump services\n', '');
  t.equal(await writer.canaryAlive(), false);
  const sets = new Map(nft.elements!.sets);
  sets.set('services', new Map([['10.96.3.7 . 6 . 80', { value: 'drop' }]]));
  sets.set('cluster-ips', new Map([['10.9.9.9', {}]]));
  nft.elements = { sets };
  t.strictSame(
    (await writer.check(plan)).map(({ table: where, chain, kind }) => `${where} ${chain} ${kind}`),
    [
      'ip k8ts nat-prerouting changed',
      'ip k8ts services 10.96.3.7 . 6 . 80 changed',
      'ip k8ts cluster-ips 10.96.3.7 missing',
      'ip k8ts cluster-ips 10.9.9.9 extra',
    ],
  );
  t.match(await writer.apply(plan, { chains: new Map(), sets: new Map(), elements: new Map() }), {
    full: true,
    chains: 4,
  });
  const [sent = ''] = nft.sent;
  t.match(sent, 'flush chain ip k8ts nat-prerouting\nadd rule ip k8ts nat-prerouting jump services\n');
  t.match(sent, 'delete element ip k8ts cluster-ips { 10.9.9.9 }');
  t.notMatch(sent, 'delete table');
});

t.test('an object that cannot be changed in place is created again, in one transaction', async (t) => {
  for (const [from, to] of [
    ['priority -100', 'priority 7'],
    ['type inet_proto . inet_service : verdict;', 'type inet_service : verdict;'],
  ] as const) {
    const { nft, writer, plan, dirty } = setUp();
    nft.holds(plan);
    nft.actual = nft.actual!.replace(from, to);
    const written = await writer.apply(plan, dirty);
    t.equal(nft.sent.length, 1);
    t.match(nft.sent[0], /^delete table ip k8ts\nadd table ip k8ts\nadd map ip k8ts services/);
    t.match(nft.sent[0], 'add element ip k8ts services');
    t.equal(written.bytes, nft.sent[0]!.length);
  }
});

t.test('the canary: no foreign write; a foreign write elsewhere, to a chain, or perhaps to an element', async (t) => {
  const { nft, plan, dirty } = setUp();
  let others = 7;
  let now = 0;
  // One comparison takes two seconds here.
  const structure = nft.structure.bind(nft);
  let looks = 0;
  nft.structure = async (of) => {
    looks++;
    if (of.name.endsWith('-draft')) now += 2_000;
    return await structure(of);
  };
  nft.holds(plan);
  const writer = new NftWriter({ nft, table, generations: { others: async () => others }, elapsed: () => now });
  await writer.apply(plan, dirty);
  looks = 0;
  t.equal(await writer.canaryAlive(), true);
  t.equal(looks, 0, 'nothing is listed without a foreign write');
  others++;
  t.equal(await writer.canaryAlive(), true, 'a comparison has just ended');
  now += 40_001;
  t.equal(await writer.canaryAlive(), false, 'the next comparison is due');
  t.same(await writer.check(plan), []);
  t.equal(await writer.canaryAlive(), true, 'foreign writes before the comparison are known');
  others++;
  nft.actual = '';
  t.equal(await writer.canaryAlive(), false, 'a flush is detected at once');
});
