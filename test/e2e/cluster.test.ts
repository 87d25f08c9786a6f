// One cluster from start to end: every promise of the README is tested on it, then the host is compared with its first state.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostsLines } from '../../hack/dev/host-record';
import { processStatus } from '../../hack/dev/supervisor-control';
import { hasBrowser } from './browser';
import { clientTests } from './clients';
import { Cluster, output, until } from './cluster';
import { consoleTests } from './console';
import { demoTests } from './demo';
import { dnsTests } from './dns';
import { failureTests } from './failures';
import { loadBalancerTests } from './load-balancers';
import { networkTests } from './network';
import { nodeTrafficTests } from './node-traffic';
import { pathTests } from './path';
import { removalTests } from './removal';
import { storeTests } from './store';
import { tourTests } from './tour';

const name = `e2e-${process.pid}`;
const cluster = new Cluster(name, join(t.testdir(), 'kube', 'config'));
/** /etc/hosts without the blocks of other clusters, which may change during the test. */
const hostsFile = () =>
  hostsLines(readFileSync('/etc/hosts', 'utf8')).filter((line) => !/^block of (?!k8ts-e2e-)/.test(line));
const hostsBefore = hostsFile();

t.teardown(async () => {
  // The cluster still exists here only if an earlier test has failed.
  if (existsSync(`/var/lib/k8ts/${name}`)) await cluster.script('down');
});

t.test('hack/up starts three nodes and the demo', async (t) => {
  const { code, stdout, stderr } = await cluster.script('up');
  if (code !== 0) return t.bailout(`hack/up failed: ${stderr}`);
  t.match(stdout, /\[1\/8\] Checking this machine/);
  t.match(stdout, new RegExp(`^Cluster ${name} is up after [\\d.]+s: 3 nodes`, 'm'));
  t.match(stdout, /^Try:\n(?: {2}\S.*\n){4}/m);
  t.notMatch(stdout, '\x1b', 'plain lines without a terminal');
  t.equal(statSync(cluster.kubeconfig).mode & 0o777, 0o600);
  t.equal((await cluster.kubectl('config', 'current-context')).trim(), `k8ts-${name}`);
});

t.test('hack/status finds all well, hack/logs lists and shows logs', async (t) => {
  await until('all is well', async () => (await cluster.script('status')).code === 0, 20_000);
  const { stdout } = await cluster.script('status');
  t.match(stdout, /^worker-2 +192\.168\.\d+\.12 +Ready/m);
  t.match(stdout, /^server +\d+ +running/m);
  t.match(stdout, /^all is well$/m);
  t.match((await cluster.script('logs')).stdout, /^worker-1\/kubelet +\/var\/lib\/k8ts\//m);
  t.match((await cluster.script('logs', 'server', '--lines', '5')).stdout, /Z (INFO|WARN) +server/);
});

t.test('hack/rules explains a packet, and each line that the kernel lists', async (t) => {
  const packet = await cluster.script('rules', 'worker-1', 'explain', '10.96.0.10:53/udp');
  t.match(packet.stdout, /dnat, now .*:53, Service kube-system\/kube-dns:dns/);
  const { netns } = cluster.plan.nodes.find((node) => node.name === 'worker-1')!;
  const saved = await output(['nsenter', `--net=/run/netns/${netns}`, '--', 'iptables-save', '-t', 'nat']);
  const line = saved.split('\n').find((one) => one.includes('codereview/codereviewapi') && one.includes('-j DNAT'))!;
  const rule = await cluster.script('rules', 'worker-1', 'explain', line);
  t.match(rule.stdout, /^ +for +Service codereview\/codereviewapi/m);
  t.match(rule.stdout, /^ +reached +from prerouting/m);
  t.match(
    (await cluster.script('rules', 'explain', line)).stderr,
    /has no node "explain"\.\n.*control, worker-1, worker-2/,
  );
});

t.test('hack/rules diff: the kernel holds what kube-proxy wants, and a rule of another program is named', async (t) => {
  const diff = () => cluster.script('rules', 'worker-1', 'diff');
  await until('equal', async () => (await diff()).code === 0, 20_000);
  const { netns } = cluster.plan.nodes.find((node) => node.name === 'worker-1')!;
  const iptables = (...argv: string[]) => output(['nsenter', `--net=/run/netns/${netns}`, '--', 'iptables', ...argv]);
  const rule = ['-s', '203.0.113.0/24', '-j', 'DROP'];
  await iptables('-I', 'FORWARD', '1', ...rule);
  try {
    const { stdout, code } = await diff();
    t.match(stdout, /^ {2}! {3}1 {2}-A FORWARD -s 203\.0\.113\.0\/24 -j DROP$/m);
    t.match(
      stdout,
      /^Equal: the kernel holds what kube-proxy wants; \d+ rules? of other programs may decide before ours/m,
    );
    t.equal(code, 0);
  } finally {
    await iptables('-D', 'FORWARD', ...rule);
  }
});

t.test('hack/up again changes nothing', async (t) => {
  const pids = async () =>
    (await processStatus(cluster.plan.runDir)).map((entry) => [entry.name, entry.pid, entry.restarts]);
  const before = await pids();
  const { code, stdout } = await cluster.script('up');
  t.equal(code, 0);
  for (const step of [
    /Certificates and configuration \(all there\)/,
    /Network .* \(all there\)/,
    /Images \(all there\)/,
    /Demo \(all there\)/,
  ]) {
    t.match(stdout, step);
  }
  t.strictSame(await pids(), before);
  const other = await cluster.script('up', '--nodes', '5');
  t.equal(other.code, 2);
  t.match(other.stderr, `cluster ${name} has 3 nodes, not 5`);
});

t.test('the demo', async (t) => demoTests(t as never, cluster));
t.test('names', async (t) => dnsTests(t as never, cluster));
t.test('pods and their network', async (t) => networkTests(t as never, cluster));
t.test('k8ts path', { timeout: 600_000 }, async (t) => pathTests(t as never, cluster));
t.test('what nodes carry', async (t) => nodeTrafficTests(t as never, cluster));
t.test('load balancers', async (t) => loadBalancerTests(t as never, cluster));
t.test('clients', async (t) => clientTests(t as never, cluster));
t.test('the tour of the README', async (t) => tourTests(t as never, cluster));
t.test('the console', { skip: !hasBrowser && 'there is no Chromium' }, async (t) => consoleTests(t as never, cluster));
t.test('removal', async (t) => removalTests(t as never, cluster));

t.test('a second cluster next to the first', async (t) => {
  const second = new Cluster(`${name}-b`, join(t.testdir(), 'config'));
  t.teardown(() => second.script('down'));
  const { code, stderr } = await second.script('up', '--nodes', '1', '--no-demo');
  t.equal(code, 0, stderr);
  t.not(second.plan.subnet, cluster.plan.subnet);
  t.match(await second.kubectl('get', 'nodes', '--no-headers'), /^control +Ready/);
  t.equal((await cluster.script('status')).code, 0, 'the first cluster is unchanged');
  t.equal((await second.script('down')).code, 0);
  t.equal((await cluster.script('status')).code, 0, 'and still is after the second is removed');
});

t.test('the store', async (t) => storeTests(t as never, cluster));
t.test('failures', async (t) => failureTests(t as never, cluster));

t.test('hack/down leaves the host as it was found', async (t) => {
  const { code, stdout, stderr } = await cluster.script('down');
  t.equal(code, 0, `${stdout}${stderr}`);
  t.match(stdout, /^host as found/m);
  t.strictSame(hostsFile(), hostsBefore);
  t.notOk(existsSync(cluster.kubeconfig));
  t.notOk(existsSync(`/var/lib/k8ts/${name}`));
  t.notOk(existsSync(`/run/k8ts/${name}`));
});
