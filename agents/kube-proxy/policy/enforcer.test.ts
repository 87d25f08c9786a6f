// The loop with an API in memory and a scripted nft; test/kernel/policy*.test.ts uses the real kernel.
import t, { type Test } from 'tap';
import {
  endpointSlices,
  type NetworkPolicy,
  namespaces,
  networkPolicies,
  nodes,
  pods,
  services,
} from '../../../controlplane/api';
import { Unsupported } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { createInformer } from '../../../controlplane/client/informer';
import type { Nft } from '../../../dataplane/nftables/nft';
import { PolicyApplier } from '../../../dataplane/policy/applier';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { pod, policy } from '../../../test/lib/policy-fixture';
import { sliceIndexes } from '../informers';
import { staleMs } from '../rules-keeper';
import { PolicyEnforcer } from './enforcer';
import { PolicyMetrics } from './metrics';

class ScriptedNft implements Nft {
  readonly runs: string[] = [];
  failure: Error | undefined;
  private there = false;
  private wake = Promise.withResolvers<void>();

  async run(text: string): Promise<void> {
    if (this.failure) throw this.failure;
    if (text.includes('table bridge')) return;
    this.runs.push(text);
    this.there = text.includes('add chain') || !text.includes('delete table');
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }
  async structure({ family }: { family: string }) {
    return this.there && family === 'inet' ? 'table inet k8ts-policy {\n}\n' : undefined;
  }
  async read() {
    return { sets: new Map() };
  }
  /** Resolves with the first transaction that holds the text, written already or later. */
  async until(part: string | RegExp): Promise<string> {
    for (;;) {
      const found = this.runs.find((text) => (typeof part === 'string' ? text.includes(part) : part.test(text)));
      if (found) return found;
      await this.wake.promise;
    }
  }
}

async function start(t: Test) {
  const client = new MemoryClient();
  await client.create(nodes, {
    metadata: { name: 'n1' },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
  });
  const clock = new FakeClock();
  const nft = new ScriptedNft();
  const log = silentLogger;
  const informers = {
    policies: createInformer(client, networkPolicies, { log }),
    services: createInformer(client, services, { log }),
    slices: createInformer(client, endpointSlices, { log, indexes: sliceIndexes }),
    nodes: createInformer(client, nodes, { log }),
  };
  const failures: string[] = [];
  let failed = Promise.withResolvers<void>();
  const metrics = new PolicyMetrics();
  const enforcer = new PolicyEnforcer({
    client,
    nodeName: 'n1',
    families: [4],
    ...informers,
    applier: new PolicyApplier(nft),
    metrics,
    clock,
    log,
    onDrift: () => {},
    onFailure: (message) => {
      failures.push(message);
      failed.resolve();
      failed = Promise.withResolvers();
    },
  });
  const stop = new AbortController();
  const running = Promise.all([...Object.values(informers), enforcer].map((part) => part.run(stop.signal)));
  t.teardown(async () => {
    stop.abort(new Error('test over'));
    await running;
  });
  return { client, clock, nft, enforcer, failures, failed: () => failed.promise, metrics };
}

const deny: NetworkPolicy = policy('shop', 'deny', { podSelector: {}, policyTypes: ['Ingress'] });
const web = pod({ namespace: 'shop', name: 'web', node: 'n1', addresses: ['10.244.1.5'] });

t.test('pods are watched while there is a policy, and a pod changes only its own rules', async (t) => {
  const { client, nft, metrics } = await start(t);
  await client.create(pods, web);
  await client.create(networkPolicies, deny);
  t.match(await nft.until('10.244.1.5'), /entering4 \{ 10\.244\.1\.5 : goto to-/);
  t.ok(client.requests.includes('watch pods'));
  await client.update(pods, { ...web, status: { ...web.status, message: 'says nothing about packets' } });
  await client.create(pods, pod({ namespace: 'shop', name: 'db', node: 'n1', addresses: ['10.244.1.6'] }));
  const added = await nft.until('10.244.1.6');
  t.notMatch(added, /10\.244\.1\.5|chain|rule/);
  await client.delete(networkPolicies, 'shop/deny');
  await nft.until(/^add table inet k8ts-policy\ndelete table inet k8ts-policy\n$/);
  t.match(metrics.render(), /k8ts_policy_sync_failures_total 0/);
});

t.test('an unreadable policy allows nothing, and does not keep other policies from being enforced', async (t) => {
  const { client, nft } = await start(t);
  await client.create(pods, web);
  const broken = { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'nonsense' } }] }] };
  await client.create(networkPolicies, policy('shop', 'broken', broken));
  const text = await nft.until('in/shop/broken');
  t.notMatch(text, /add rule inet k8ts-policy in\/shop\/broken/);
  t.match(text, /counter drop comment "ingress not allowed by shop\/broken"/);
});

t.test('a failure is reported once, then on /healthz, and ends with a successful retry', async (t) => {
  const { client, clock, nft, enforcer, failures, failed } = await start(t);
  nft.failure = new Unsupported('nft is not installed');
  const first = failed();
  await client.create(networkPolicies, deny);
  await first;
  t.strictSame(failures, ['nft is not installed']);
  t.equal(enforcer.problem(), undefined, 'not at once');
  await clock.advance(staleMs + 1);
  t.match(enforcer.problem(), /policies are \d+ s old: nft is not installed/);
  t.equal(failures.length, 1);
  nft.failure = undefined;
  await clock.advance(staleMs);
  await nft.until('add chain');
});

t.test('what policies are compiled from: pods also while there is no policy, if they are asked for', async (t) => {
  const { client, nft, enforcer } = await start(t);
  await client.create(pods, web);
  await client.create(namespaces, { metadata: { name: 'shop', labels: { team: 'x' } } });
  // The first write, of no policy, ends the wait for complete lists.
  while ((await enforcer.inputs(false)) === undefined) await new Promise((resolve) => setImmediate(resolve));
  t.match(await enforcer.inputs(false), { policies: [], pods: undefined, podRanges: ['10.244.1.0/24'] });
  const [first, second] = await Promise.all([enforcer.inputs(true), enforcer.inputs(true)]);
  t.match(first, { policies: [], pods: [{ key: 'shop/web', local: true }], namespaces: [{ labels: { team: 'x' } }] });
  t.strictSame(second, first);
  t.equal(client.requests.filter((request) => request === 'list pods').length, 1, 'one list for both');
  await client.create(networkPolicies, deny);
  await nft.until('10.244.1.5');
  t.match(await enforcer.inputs(false), { policies: [{ key: 'shop/deny' }], pods: [{ key: 'shop/web' }] });
});
