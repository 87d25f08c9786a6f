// The agent's loop on a real kernel, fed by an API in memory.
import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { cleanup } from '../../agents/kube-proxy/cleanup';
import { HealthPorts } from '../../agents/kube-proxy/health-ports';
import { type EndpointSlice, endpointSlices, type Node, nodes, type Service, services } from '../../controlplane/api';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { type ProxyMode, proxyModes } from '../../dataplane/service/mode';
import { MemoryClient } from '../lib/memory-client';
import { skipWithoutKernel } from '../lib/netns';
import { runProxy } from '../lib/running-proxy';
import { addresses, ServiceLab, serverPort } from '../lib/service-lab';

t.setTimeout(300_000);

const nodeName = 'worker-1';
const log = silentLogger;

const node: Node = { metadata: { name: nodeName }, spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] } };
const web: Service = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.3.7',
    clusterIPs: ['10.96.3.7'],
    externalTrafficPolicy: 'Local',
    ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }],
  },
};
const slice = (name: string, ips: Readonly<Record<string, string>>): EndpointSlice => ({
  metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: serverPort, protocol: 'TCP' }],
  endpoints: Object.entries(ips).map(([ip, on]) => ({ addresses: [ip], nodeName: on, conditions: { ready: true } })),
});

/** Repeats until the answer is `wanted`; the test's own time limit ends it. */
async function until(ask: () => Promise<string>, wanted: RegExp): Promise<string> {
  for (;;) {
    const answer = await ask();
    if (wanted.test(answer)) return answer;
  }
}

async function withLab(mode: ProxyMode, fn: (lab: ServiceLab) => Promise<void>): Promise<void> {
  const scope = new Scope();
  try {
    await fn(await ServiceLab.open(scope, mode === 'iptables' ? 'iptables-nft' : mode));
  } finally {
    await scope.close();
  }
}

/** Changes of the rules by another process, and the expected report of each. */
const interferences: Readonly<Record<ProxyMode, readonly (readonly [string, RegExp])[]>> = {
  iptables: [
    [
      'iptables -t nat -F',
      /nat PREROUTING jump-missing[\s\S]*nat K8TS-SVC-\S+ changed|nat K8TS-SVC-\S+ changed[\s\S]*nat PREROUTING jump-missing/,
    ],
  ],
  nftables: [
    ['nft flush ruleset', /ip k8ts services missing/],
    ['nft flush chain ip k8ts services', /ip k8ts services changed/],
    [
      'nft delete element ip k8ts services { 10.96.3.7 . tcp . 80 }',
      /ip k8ts services 10\.96\.3\.7 \. 6 \. 80 missing/,
    ],
    ['iptables -F', /filter FORWARD jump-missing/],
  ],
};

for (const mode of proxyModes) {
  t.test(`kube-proxy in mode ${mode}`, { skip: skipWithoutKernel(), timeout: 300_000 }, async (t) => {
    await t.test('from API objects to packets, through an API outage and a restart', async (t) => {
      await withLab(mode, async (lab) => {
        const client = new MemoryClient();
        await client.create(nodes, node);
        await client.create(services, web);
        const first = await runProxy(lab, client, { nodeName });
        const ask = () => lab.ask('b', '10.96.3.7', 80, 300);
        await until(ask, /ECONNREFUSED/);
        await client.create(endpointSlices, slice('web-1', { [addresses.a]: nodeName }));
        await until(ask, /^a /);
        t.equal(first.proxier.problem(), undefined);
        t.match(first.metrics.render(), /kubeproxy_sync_proxy_rules_duration_seconds_count [1-9]/);
        await client.create(endpointSlices, slice('web-2', { [addresses.far]: 'worker-2' }));
        await until(ask, /^far /);
        t.equal(await lab.ask('outside', addresses.node, 30080), `a ${addresses.outside}`);

        client.down = true;
        await first.end();
        t.match(await ask(), /^(a|far) /, 'rules stay after the process has ended');
        const second = await runProxy(lab, client, { nodeName });
        t.match(second.proxier.problem(), /waiting/);
        t.match(await ask(), /^(a|far) /, 'and while a new process cannot reach the API');
        client.down = false;
        await client.delete(endpointSlices, 'shop/web-1');
        await until(async () => (await Promise.all([ask(), ask(), ask(), ask(), ask()])).join(' '), /^(far \S+ ?){5}$/);
        await client.delete(services, 'shop/web');
        const rules = mode === 'iptables' ? ['iptables-save', '-t', 'nat'] : ['nft', 'list', 'ruleset'];
        await until(async () => lab.at.node.run(...rules), /^(?![\s\S]*shop\/web)/);
        t.equal(second.proxier.problem(), undefined);
      });
    });

    await t.test('a flush by another process is repaired and reported', { timeout: 200_000 }, async (t) => {
      await withLab(mode, async (lab) => {
        const client = new MemoryClient();
        await client.create(nodes, node);
        await client.create(services, web);
        await client.create(endpointSlices, slice('web-1', { [addresses.a]: nodeName }));
        const proxy = await runProxy(lab, client, { nodeName });
        const ask = () => lab.ask('b', '10.96.3.7', 80, 300);
        await until(ask, /^a /);
        for (const [i, [command, named]] of interferences[mode].entries()) {
          const reported = proxy.drift();
          await lab.at.node.run(...command.split(/ (?![^{]*\})/));
          await reported;
          await until(ask, /^a /);
          t.match(
            proxy.drifts[i]?.map(({ table, chain, kind }) => `${table} ${chain} ${kind}`).join('\n'),
            named,
            command,
          );
          await until(async () => proxy.metrics.render(), new RegExp(`kubeproxy_iptables_drift_healed_total ${i + 1}`));
        }
      });
    });

    await t.test('cleanup removes everything', async (t) => {
      await withLab(mode, async (lab) => {
        const client = new MemoryClient();
        await client.create(nodes, node);
        await client.create(services, web);
        const proxy = await runProxy(lab, client, { nodeName });
        await until(() => lab.ask('b', '10.96.3.7', 80, 300), /ECONNREFUSED/);
        await proxy.end();
        await cleanup(lab.exec, log);
        t.notMatch(await lab.at.node.run('iptables-save'), 'K8TS');
        t.notMatch(await lab.at.node.run('nft', 'list', 'ruleset'), 'k8ts');
      });
    });
  });
}

t.test('health check ports report whether there are local endpoints', async (t) => {
  const port = await freePort();
  const ports = new HealthPorts(log);
  t.teardown(() => ports.close());
  const ask = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
    return {
      status: answer.status,
      weight: answer.headers.get('x-load-balancing-endpoint-weight'),
      body: await answer.json(),
    };
  };
  ports.update([{ key: 'shop/web', port, localEndpoints: 2 }]);
  const body = { service: { namespace: 'shop', name: 'web' }, localEndpoints: 2, serviceProxyHealthy: true };
  t.same(await ask(), { status: 200, weight: '2', body });
  ports.update([{ key: 'shop/web', port, localEndpoints: 0 }]);
  t.match(await ask(), { status: 503, weight: '0' });
  ports.update([]);
  await t.rejects(ask());
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
