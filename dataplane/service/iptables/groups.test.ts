// A Service with many endpoints: all endpoints are equally likely, a connection meets few rules, a change writes little.
import t from 'tap';
import { endpoint, service, servicePort } from '../../../test/lib/service-fixture';
import { parseDump } from '../../netfilter/parse';
import type { Endpoint } from '../input';
import { renderPlan, ServiceCompiler } from './compiler';
import { groupEndpoints, splitAbove } from './groups';

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };
const endpoints = (count: number): Endpoint[] =>
  Array.from({ length: count }, (_, i) => endpoint(`10.244.${Math.floor(i / 250)}.${(i % 250) + 1}`, 8080));
const big = (all: readonly Endpoint[]) =>
  service('shop/big', '10.96.3.7', { ports: [servicePort({ endpoints: all })] });

interface Spread {
  /** Endpoint → the probability that a connection is sent to it. */
  readonly chances: ReadonlyMap<string, number>;
  /** The largest number of rules with a probability that a connection can meet. */
  readonly longest: number;
}

/** Follows every path from `chain`, with its probability. */
function spreadOf(dump: string, chain: string): Spread {
  const rules = parseDump(dump).get('nat')!;
  const chances = new Map<string, number>();
  let longest = 0;
  const walk = (name: string, chance: number, met: number): void => {
    let left = chance;
    for (const { matches = [], action } of rules.get(name)!.rules) {
      if (action.target === 'mark') continue;
      met++;
      const draw = matches.find((one) => one.match === 'statistic');
      const taken = left * (draw?.match === 'statistic' ? draw.probability : 1);
      left -= taken;
      if (action.target === 'jump') walk(action.chain, taken, met);
      else if (action.target === 'dnat') chances.set(action.to, (chances.get(action.to) ?? 0) + taken);
    }
    longest = Math.max(longest, met);
  };
  walk(chain, 1, 0);
  return { chances, longest };
}

function compiled(all: readonly Endpoint[]) {
  const compiler = new ServiceCompiler(4, facts);
  compiler.set('shop/big', big(all));
  const { plan } = compiler.take();
  const chain = [...plan.nat.keys()].find((name) => /^K8TS-SVC-[A-Z2-7]+$/.test(name))!;
  return { compiler, plan, chain };
}

for (const count of [1, 2, splitAbove, splitAbove + 1, 250, 1_000]) {
  t.test(`${count} endpoints`, async (t) => {
    const { plan, chain } = compiled(endpoints(count));
    const { chances, longest } = spreadOf(renderPlan(plan), chain);
    t.equal(chances.size, count);
    const worst = Math.max(...[...chances.values()].map((chance) => Math.abs(chance * count - 1)));
    t.ok(worst < 1e-3, `every chance is 1 of ${count}, with a deviation of ${worst}`);
    t.ok(longest <= (count > splitAbove ? 4 * Math.sqrt(count) : count), `at most ${longest} rules`);
    t.ok([...plan.nat.keys()].every((name) => name.length <= 28));
  });
}

t.test('one endpoint added, removed or changed writes a few chains', async (t) => {
  const all = endpoints(1_000);
  const { compiler } = compiled(all);
  const total = groupEndpoints(all).length;
  for (const [name, next] of [
    ['less', all.slice(1)],
    ['more', all],
    ['other', [...all.slice(0, -1), endpoint('10.244.9.9', 8080)]],
  ] as const) {
    compiler.set('shop/big', big(next));
    const { nat } = compiler.take().dirty;
    t.ok(nat.size <= 3, `${name}: ${nat.size} of ${total + 1} chains`);
  }
});

t.test('groups depend only on the endpoints; few endpoints have no group chains', async (t) => {
  const all = endpoints(300);
  t.same(groupEndpoints(all), groupEndpoints(all));
  const members = (list: readonly Endpoint[]) => groupEndpoints(list).map(({ endpoints }) => endpoints.length);
  t.equal(
    members(all).reduce((sum, size) => sum + size, 0),
    300,
  );
  t.notOk(members(all).includes(0));
  const { compiler } = compiled(all);
  compiler.set('shop/big', big(all.slice(0, 3)));
  t.notOk([...compiler.take().plan.nat.keys()].some((name) => /-[0-9a-f]{2}$/.test(name)));
});
