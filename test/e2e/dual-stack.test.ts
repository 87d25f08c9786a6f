// A cluster of both address families whose kube-proxy writes nftables: pods, Services, names, node ports and policies in each
// family, and the change to iptables and back during use.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ask, Cluster, podsOf, until } from './cluster';

const name = `e2e6-${process.pid}`;
const cluster = new Cluster(name, join(t.testdir(), 'kube', 'config'));
const namespace = 'codereview';
const service = 'codereviewapi';

t.teardown(async () => {
  // The cluster still exists here only if an earlier test has failed.
  if (existsSync(`/var/lib/k8ts/${name}`)) await cluster.script('down');
});

const url = (address: string, port = 80): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;
const inPod = (address: string, port = 80) =>
  cluster.toolbox('curl', '-sS', '--fail', '--max-time', '3', url(address, port));
const clusterIps = async (): Promise<readonly string[]> =>
  (await cluster.json<{ spec: { clusterIPs: string[] } }>('-n', namespace, 'get', 'service', service)).spec.clusterIPs;

t.test('hack/up --dual-stack --proxy-mode nftables', async (t) => {
  const { code, stderr } = await cluster.script('up', '--nodes', '2', '--dual-stack', '--proxy-mode', 'nftables');
  if (code !== 0) return t.bailout(`hack/up failed: ${stderr}`);
  t.match(await cluster.inNode('worker-1', 'nft', 'list', 'tables'), /table ip k8ts\n/);
  t.notMatch(await cluster.inNode('worker-1', 'iptables-save', '-t', 'nat'), 'K8TS-');
});

t.test('pods and nodes have an address of each family', async (t) => {
  for (const { status } of await podsOf(cluster, namespace)) {
    const ips = (status as { podIPs?: { ip: string }[] }).podIPs?.map(({ ip }) => ip) ?? [];
    t.match(ips, [/^10\.244\./, /^fd00:10:244:/]);
  }
  const node = await cluster.json<{ status: { addresses: { address: string }[] } }>('get', 'node', 'worker-1');
  const { ip, ip6 } = cluster.plan.nodes[1]!;
  t.strictSame(
    node.status.addresses.map(({ address }) => address),
    [ip, ip6, 'worker-1'],
  );
});

t.test('a Service gets a second address; both answer, by name and through node ports', async (t) => {
  const dual = '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}';
  for (const one of [service, `${service}-nodeport`]) {
    await cluster.kubectl('-n', namespace, 'patch', 'service', one, '-p', dual);
    await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Programmed', `service/${one}`, '--timeout=30s');
  }
  const ips = await clusterIps();
  t.equal(ips.length, 2);
  await until('both addresses answer', async () => (await Promise.all(ips.map((ip) => inPod(ip)))).length === 2);
  const names = await cluster.toolbox('dig', '+short', 'AAAA', `${service}.${namespace}.svc.cluster.local`);
  t.equal(names.trim(), ips[1]);
  for (const { ip, ip6 = '' } of cluster.plan.nodes) {
    for (const address of [ip, ip6]) t.match((await ask(url(address, 30080))).pod, service, `node port of ${address}`);
  }
});

t.test('a load balancer has an address of each family, and the host reaches both', async (t) => {
  await cluster.apply(`
apiVersion: v1
kind: Service
metadata: { name: balanced, namespace: ${namespace} }
spec: { type: LoadBalancer, ipFamilyPolicy: RequireDualStack, selector: { app: ${service} }, ports: [{ port: 80, targetPort: 8080 }] }
`);
  await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Programmed', 'service/balanced', '--timeout=30s');
  type Balanced = { status: { loadBalancer: { ingress: { ip: string }[] } } };
  const { status } = await cluster.json<Balanced>('-n', namespace, 'get', 'service', 'balanced');
  const ips = status.loadBalancer.ingress.map(({ ip }) => ip);
  t.match(ips, [/^192\.168\.\d+\.24\d$/, /^fd00:192:168:.*::24\d$/]);
  for (const ip of ips) {
    const { pod } = await until(`${ip} answers`, () => ask(url(ip)));
    t.match(pod, service, `through ${ip}`);
  }
});

t.test('a policy closes and opens both families', async (t) => {
  const policy = (ingress: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: closed, namespace: ${namespace} }
spec: { podSelector: { matchLabels: { app: ${service} } }, policyTypes: [Ingress], ingress: ${ingress} }
`;
  const ips = await clusterIps();
  const open = async (): Promise<boolean[]> =>
    Promise.all(
      ips.map((ip) =>
        inPod(ip).then(
          () => true,
          () => false,
        ),
      ),
    );
  await cluster.apply(policy('[]'));
  await until('no connection gets through', async () => (await open()).every((one) => !one));
  await cluster.apply(policy('[{ from: [{ podSelector: { matchLabels: { app: toolbox } } }] }]'));
  await until('the toolbox gets through', async () => (await open()).every(Boolean));
  await cluster.kubectl('-n', namespace, 'delete', 'networkpolicy', 'closed');
  t.same(
    await open(),
    ips.map(() => true),
    'without a policy both families are open',
  );
});

t.test('the proxy mode changes during traffic', async (t) => {
  const [control] = cluster.plan.nodes;
  let lost = 0;
  let asked = 0;
  const stop = new AbortController();
  const load = (async () => {
    while (!stop.signal.aborted && asked < 5_000) {
      asked++;
      await ask(url(control!.ip, 30080)).catch(() => lost++);
    }
  })();
  t.equal((await cluster.script('up', '--proxy-mode', 'iptables')).code, 0);
  await until('iptables has the rules and nftables none', async () => {
    const tables = await cluster.inNode('control', 'nft', 'list', 'tables');
    const rules = await cluster.inNode('control', 'iptables-save', '-t', 'nat');
    return rules.includes('K8TS-SVC-') && !/table ip k8ts\n/.test(tables);
  });
  stop.abort();
  await load;
  t.ok(asked > 0);
  t.equal(lost, 0, `of ${asked} requests`);
});

t.test('a change of families is refused; hack/down removes the cluster', async (t) => {
  const refused = await cluster.script('up', '--no-dual-stack');
  t.equal(refused.code, 2);
  t.match(refused.stderr, /is dual-stack/);
  t.equal((await cluster.script('down')).code, 0);
});
