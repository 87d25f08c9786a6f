// What-if plans rules without writing them. Here kube-proxy writes the same rules: the kernel must then hold what was planned. In both
// modes, with policies, and with rules of other programs.
import t, { type Test } from 'tap';
import { translateNamespace, translatePod, translatePolicy } from '../../agents/kube-proxy/policy/translate';
import { openRules } from '../../agents/kube-proxy/rules';
import { silentLogger as log } from '../../controlplane/base/logger';
import { type CountedListings, readCountedListings } from '../../dataplane/hops/listings';
import { NftProgram } from '../../dataplane/nftables/nft';
import { tableParts, tableText } from '../../dataplane/nftables/structure';
import { PolicyApplier } from '../../dataplane/policy/applier';
import { compilePolicies } from '../../dataplane/policy/compile';
import type { World } from '../../dataplane/policy/input';
import type { ServiceInput } from '../../dataplane/service/input';
import type { ProxyMode } from '../../dataplane/service/mode';
import { compileInputs, plannedTables } from '../../dataplane/what-if/compile';
import { InputReader, inputLines, type RuleInputs } from '../../dataplane/what-if/inputs';
import { printTables } from '../../dataplane/what-if/print';
import { replaceOwn } from '../../dataplane/what-if/replace';
import { createNetns, skipWithoutKernel } from '../lib/netns';
import { podRanges, randomPolicies } from '../lib/policy-fixture';
import { clusterCidr, podCidr, randomCluster, seededRandom } from '../lib/service-fixture';
import { NetnsExec } from '../lib/service-lab';

t.setTimeout(300_000);

const facts = { clusterCidr, podCidr, serviceCidrs: ['10.96.0.0/12'] };

function worldOf(seed: number, many: boolean): World {
  const { policies, pods, namespaces } = randomPolicies(seededRandom(seed));
  return {
    families: [4, 6],
    podRanges: podRanges.n1,
    policies: many ? policies.map(translatePolicy) : [],
    pods: pods.flatMap((pod) => translatePod(pod, 'n1') ?? []),
    namespaces: namespaces.map(translateNamespace),
    servers: [],
  };
}

const inputsOf = (mode: ProxyMode, services: readonly ServiceInput[], policies: World): RuleInputs => ({
  mode,
  nodeName: 'n1',
  families: [{ family: 4, facts, services: new Map(services.map((one) => [one.key, one])) }],
  policies,
});

/** By way of its lines, as a node gets it. */
function sent(inputs: RuleInputs): RuleInputs {
  const reader = new InputReader();
  for (const line of inputLines(inputs)) reader.take(line);
  return reader.done();
}

/** Chains and elements without an order that means nothing; counts are left out. */
function comparable({ iptables = [], nft = '' }: CountedListings): object {
  const dumps = iptables.map(({ family, dump }) => {
    const lines = dump.split('\n').map((line) => line.replace(/^\[\d+:\d+\] /, '').replace(/ \[\d+:\d+\]$/, ''));
    const chains = new Map<string, string[]>();
    let table = '';
    for (const line of lines) {
      if (line.startsWith('*')) table = line;
      const chain = /^(?::|-A )(\S+)/.exec(line)?.[1];
      if (chain !== undefined) chains.set(`${table} ${chain}`, [...(chains.get(`${table} ${chain}`) ?? []), line]);
    }
    return [family, [...chains].sort(([a], [b]) => (a < b ? -1 : 1))];
  });
  const tables = plannedTables.map(({ family, name }) => {
    const text = tableText(nft, family, name);
    if (text === undefined) return [family, name];
    const parts = [...tableParts(text)].map(([what, body]) => [
      what,
      what.startsWith('chain') ? body : sortedWords(body),
    ]);
    return [family, name, parts.sort(([a], [b]) => (a! < b! ? -1 : 1))];
  });
  return { dumps, tables };
}
const sortedWords = (text: string): string =>
  text
    .split(/[\s,]+/)
    .sort()
    .join(' ');

async function compare(t: Test, mode: ProxyMode, seed: number): Promise<void> {
  const netns = await createNetns();
  t.teardown(() => netns.teardown());
  const exec = new NetnsExec(netns);
  const rules = await openRules({ mode, exec, family: 4, facts, log });
  const applier = new PolicyApplier(new NftProgram(exec));
  const write = async (services: readonly ServiceInput[], world: World) => {
    for (const key of [...rules.services.keys()]) rules.set(key, undefined);
    for (const one of services) rules.set(one.key, one);
    await rules.write();
    await applier.apply(compilePolicies(world));
  };
  await write(randomCluster(seededRandom(seed), 25), worldOf(seed, seed % 3 > 0));
  await netns.run('iptables', '-I', 'FORWARD', '1', '-s', '203.0.113.0/24', '-j', 'DROP');
  await netns.run('nft', 'add', 'table', 'inet', 'other');
  const before = await readCountedListings(exec);
  const services = randomCluster(seededRandom(seed + 100), 25);
  const world = worldOf(seed + 100, seed % 2 > 0);
  const planned = compileInputs(sent(inputsOf(mode, services, world)));
  const would = replaceOwn(before, planned, await printTables(exec, planned.nft));
  await write(services, world);
  const after = await readCountedListings(exec);
  t.strictSame(comparable(would), comparable(after), `seed ${seed}`);
  t.notSame(comparable(before), comparable(after), 'something changed');
  t.match(would.nft, 'table inet other', 'tables of others stay');
  t.match(would.iptables?.[0]?.dump, '203.0.113.0/24');
  t.notOk(
    [...would.packets.keys()].some(
      (place) => / K8TS-| k8ts |k8ts-policy/.test(place) && !place.startsWith('nft bridge'),
    ),
    'no counts of rules that are not there',
  );
}

for (const mode of ['iptables', 'nftables'] as const) {
  t.test(`mode ${mode}`, { skip: skipWithoutKernel() }, async (t) => {
    for (const seed of [1, 2, 3, 4]) await compare(t, mode, seed);
  });
}
