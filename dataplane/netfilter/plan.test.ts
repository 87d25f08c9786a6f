// Which text the applier sends for which differences.
import t from 'tap';
import { brokenJumps } from '../../test/lib/broken-jumps';
import { jumps } from './names';
import { splitDump } from './parse';
import { diffChains, jumpRule, type OwnChains, readOwn, renderRemoval, renderRestore, ruleSetOf } from './plan';

const chain = (name: string, target = 'RETURN') => [name, `-A ${name} -j ${target}\n`] as const;
const own = (
  nat: Iterable<readonly [string, string]>,
  filter: Iterable<readonly [string, string]> = [],
): OwnChains => ({
  nat: new Map(nat),
  filter: new Map(filter),
});

const right = { missing: [], surplus: [] };

t.test('only chains that differ are written; removed chains come last; every table is committed', (t) => {
  const desired = own([chain('K8TS-A'), chain('K8TS-B', 'K8TS-A'), chain('K8TS-C')], [chain('K8TS-F')]);
  const actual = own([chain('K8TS-A'), chain('K8TS-B'), chain('K8TS-OLD', 'K8TS-A')], []);
  const differences = diffChains(desired, actual);
  t.same(
    differences.map(({ table, chain: name, kind }) => `${table} ${name} ${kind}`),
    ['nat K8TS-B changed', 'nat K8TS-C missing', 'nat K8TS-OLD extra', 'filter K8TS-F missing'],
  );
  t.equal(
    renderRestore(desired, differences, right),
    [
      '*nat',
      ':K8TS-B - [0:0]',
      ':K8TS-C - [0:0]',
      ':K8TS-OLD - [0:0]',
      '-A K8TS-B -j K8TS-A',
      '-A K8TS-C -j RETURN',
      '-X K8TS-OLD',
      'COMMIT',
      '*filter',
      ':K8TS-F - [0:0]',
      '-A K8TS-F -j RETURN',
      'COMMIT',
      '',
    ].join('\n'),
  );
  t.end();
});

t.test('a partial comparison looks at the named chains alone', (t) => {
  const desired = own([chain('K8TS-A', 'ACCEPT'), chain('K8TS-B', 'ACCEPT')]);
  const actual = own([chain('K8TS-A'), chain('K8TS-B')]);
  const only = { nat: new Set(['K8TS-B', 'K8TS-GONE']), filter: new Set<string>() };
  t.same(diffChains(desired, actual, only), [{ table: 'nat', chain: 'K8TS-B', kind: 'changed' }]);
  t.end();
});

t.test('equal state needs nothing', (t) => {
  const same = own([chain('K8TS-A')]);
  t.equal(renderRestore(same, diffChains(same, same), right), '');
  t.end();
});

t.test('a dump of the kernel: our chains and our jumps, no foreign ones', (t) => {
  const first = jumps[0]!;
  const dump = `*nat\n:${first.from} ACCEPT [0:0]\n:DOCKER - [0:0]\n:K8TS-A - [0:0]\n${jumpRule(first.from, first.to)}\n-A DOCKER -j RETURN\n-A K8TS-A -j RETURN\nCOMMIT\n`;
  const { chains, missingJumps } = readOwn(splitDump(dump));
  t.same([...chains.nat], [['K8TS-A', '-A K8TS-A -j RETURN\n']]);
  t.same(missingJumps, jumps.slice(1));
  const text = renderRestore(own([chain('K8TS-A')]), [], { missing: missingJumps, surplus: [] });
  t.match(text, '-I OUTPUT 1 -m comment --comment "k8ts: to K8TS-SERVICES" -j K8TS-SERVICES\n');
  t.notMatch(text, ':OUTPUT', 'a foreign chain is never declared, because that would empty the chain');
  t.end();
});

t.test('a jump that is not desired any more is removed before its chain', (t) => {
  const actual = own([], [chain('K8TS-OUTPUT')]);
  const surplus = jumps.filter(({ from, table }) => from === 'OUTPUT' && table === 'filter');
  t.equal(
    renderRestore(own([]), diffChains(own([]), actual), { missing: [], surplus }),
    '*filter\n:K8TS-OUTPUT - [0:0]\n-D OUTPUT -m comment --comment "k8ts: to K8TS-OUTPUT" -j K8TS-OUTPUT\n-X K8TS-OUTPUT\nCOMMIT\n',
  );
  t.end();
});

t.test('removal deletes our jumps and chains and nothing else', (t) => {
  t.equal(renderRemoval(own([]), []), '');
  t.equal(
    renderRemoval(own([chain('K8TS-A')]), jumps.slice(0, 1)),
    '*nat\n:K8TS-A - [0:0]\n-D PREROUTING -m comment --comment "k8ts: to K8TS-SERVICES" -j K8TS-SERVICES\n-X K8TS-A\nCOMMIT\n',
  );
  t.end();
});

t.test('the tracer follows our jumps, and a jump to a missing chain is found', (t) => {
  const rules = ruleSetOf(own([chain('K8TS-A', 'K8TS-GONE'), ['K8TS-EMPTY', '']]));
  t.ok(brokenJumps(rules).includes('-A K8TS-A -j K8TS-GONE'));
  t.ok(rules.get('nat')?.has('PREROUTING'));
  t.end();
});
