// Parses nft transactions and listings into tables.
import t from 'tap';
import { randomCluster, seededRandom } from '../../../test/lib/service-fixture';
import { NftCompiler } from '../../service/nft/compiler';
import { tableOf } from '../../service/nft/names';
import { renderTransaction } from '../../service/nft/transaction';
import { readListing } from './listing';
import { NftTables, timeoutOf } from './tables';

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };

t.test('a sequence of transactions ends in the same tables as one transaction with everything', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const services = randomCluster(seededRandom(seed), 40);
    const step = new NftCompiler(4, facts);
    const stepwise = new NftTables();
    const write = () => {
      const { plan, dirty } = step.take();
      stepwise.apply(renderTransaction(tableOf(4), plan, dirty));
    };
    for (const one of [...services].reverse()) step.set(one.key, { ...one, internalLocal: !one.internalLocal });
    write();
    for (const one of services) step.set(one.key, undefined);
    write();
    for (const one of services) {
      step.set(one.key, one);
      write();
    }
    const whole = new NftCompiler(4, facts);
    for (const one of services) whole.set(one.key, one);
    const { plan, dirty } = whole.take();
    const once = new NftTables().apply(renderTransaction(tableOf(4), plan, dirty));
    const sorted = ({ all }: NftTables) =>
      all.map(({ label, chains, sets }) => [
        label,
        [...chains].sort(([a], [b]) => (a < b ? -1 : 1)),
        [...sets]
          .map(([name, set]) => [name, set.timeoutSeconds, [...set.elements].sort(([a], [b]) => (a < b ? -1 : 1))])
          .sort(([a], [b]) => (a! < b! ? -1 : 1)),
      ]);
    t.strictSame(sorted(stepwise), sorted(once), `seed ${seed}`);
  }
});

t.test('elements: keys with protocols, links, MACs and IPv6; comments with commas; values', async (t) => {
  const tables = new NftTables().apply(
    [
      'add table inet x',
      'add set inet x s { type ipv4_addr; }',
      'add map inet x m { type ipv4_addr : verdict; }',
      'add element inet x s { fd00::5 . tcp . 80, "veth0" . 0a:58:0a:f4:01:05, 10.0.0.1 comment "a, b: c" }',
      'add element inet x m { 10.0.0.1 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2, 10.0.0.2 : accept }',
      'delete element inet x m { 10.0.0.2 }',
      '',
    ].join('\n'),
  );
  const [{ sets }] = tables.all as [(typeof tables.all)[0]];
  t.strictSame(
    [...sets.get('s')!.elements],
    [
      ['fd00::5 . 6 . 80', {}],
      ['veth0 . 0a:58:0a:f4:01:05', {}],
      ['10.0.0.1', { comment: 'a, b: c' }],
    ],
  );
  t.strictSame(
    [...sets.get('m')!.elements],
    [['10.0.0.1 . 6 . 80', { comment: 'shop/web:http', value: 'goto tcp-cluster-2' }]],
  );
  t.throws(() => tables.apply('rename chain inet x y z'), { code: 'Unsupported' });
  t.throws(() => tables.apply('add rule inet x gone accept'), { code: 'Unsupported' });
});

t.test('times, as nft reads and prints them', async (t) => {
  t.strictSame(timeoutOf('flags dynamic,timeout; timeout 600s; size 65535;'), { timeoutSeconds: 600 });
  t.strictSame(timeoutOf('timeout 1d2h3m4s'), { timeoutSeconds: 93_784 });
  t.strictSame(timeoutOf('type ipv4_addr;'), {});
});

t.test('a listing of the kernel', async (t) => {
  const listing = `table ip k8ts {
	map services {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto affinity-X,
			     10.96.3.8 . 6 . 80 comment "shop/empty:http has no endpoints" : goto mark-for-reject }
	}

	set clients-X {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 3h
		elements = { 10.244.1.5 expires 2h59m }
	}

	chain nat-prerouting {
		type nat hook prerouting priority -100; policy accept;
		jump services
	}

	chain empty {
	}
}
table inet firewalld { # progname firewalld
	chain filter_FORWARD {
		type filter hook forward priority 10; policy drop;
	}
}
`;
  const [ours, theirs] = readListing(listing);
  t.strictSame(ours?.sets.get('services')?.elements.get('10.96.3.8 . 6 . 80'), {
    comment: 'shop/empty:http has no endpoints',
    value: 'goto mark-for-reject',
  });
  t.strictSame(ours?.sets.get('clients-X'), { timeoutSeconds: 10_800, elements: new Map() });
  t.strictSame(ours?.chains.get('nat-prerouting'), {
    hook: 'type nat hook prerouting priority -100; policy accept;',
    rules: ['jump services'],
  });
  t.strictSame(ours?.chains.get('empty'), { rules: [] });
  t.equal(theirs?.label, 'inet firewalld');
  t.strictSame(theirs?.chains.get('filter_FORWARD')?.rules, []);
});
