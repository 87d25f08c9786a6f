import t from 'tap';
import { cidrsOverlap, parseCidr } from '../../controlplane/base/cidr';
import { hostRules } from './network';
import { checkName, checkSubnet, chooseSubnet, controlNodes, planCluster, planLargest } from './plan';
import { dockerConfig, planProcesses } from './processes';

const facts = {
  programs: { node: '/n', bundle: '/b.js', compileCache: '/c', dockerd: '/d', dockerRegistry: '/r', etcd: '/e' },
  upstreams: ['9.9.9.9:53'],
  pauseImage: 'pause:1',
};

t.test('the default cluster has the names and addresses that users know', async (t) => {
  const plan = planCluster({ name: 'k8ts', nodes: 3, subnet: '192.168.57.0/24' });
  t.match(plan, {
    context: 'k8ts',
    bridge: 'k8ts',
    gateway: '192.168.57.1',
    registry: '192.168.57.1:5000',
    pushRegistry: '127.168.57.1:5000',
    server: 'https://192.168.57.10:6443',
    loadBalancerPool: '192.168.57.240-192.168.57.250',
    stateDir: '/var/lib/k8ts/k8ts',
    adminConf: '/var/lib/k8ts/k8ts/admin.conf',
  });
  t.strictSame(
    plan.nodes.map(({ name, ip, netns }) => [name, ip, netns]),
    [
      ['control', '192.168.57.10', 'k8ts-control'],
      ['worker-1', '192.168.57.11', 'k8ts-worker-1'],
      ['worker-2', '192.168.57.12', 'k8ts-worker-2'],
    ],
  );
});

t.test('a dual-stack cluster: both addresses of a node look alike', async (t) => {
  const plan = planCluster({ name: 'k8ts', nodes: 2, subnet: '192.168.57.0/24', dualStack: true });
  t.match(plan, {
    ipv6: { subnet: 'fd00:192:168:57::/64', gateway: 'fd00:192:168:57::1' },
    podRange: '10.244.0.0/16,fd00:10:244::/56',
    serviceRange: '10.96.0.0/12,fd00:10:96::/112',
    loadBalancerPool: '192.168.57.240-192.168.57.250,fd00:192:168:57::240-fd00:192:168:57::250',
  });
  t.strictSame(
    plan.nodes.map(({ ip, ip6 }) => [ip, ip6]),
    [
      ['192.168.57.10', 'fd00:192:168:57::10'],
      ['192.168.57.11', 'fd00:192:168:57::11'],
    ],
  );
  t.strictSame(
    hostRules(plan).map(({ program, chain }) => `${program} ${chain}`),
    ['iptables POSTROUTING', 'iptables FORWARD', 'iptables FORWARD', 'ip6tables FORWARD', 'ip6tables FORWARD'],
  );
  const single = planCluster({ name: 'k8ts', nodes: 2, subnet: '192.168.57.0/24' });
  t.match([single.podRange, single.serviceRange], ['10.244.0.0/16', '10.96.0.0/12']);
  t.notOk(hostRules(single).some(({ program }) => program === 'ip6tables'));
});

t.test('two clusters share no name, and every link name fits into 15 characters', async (t) => {
  const names = ['k8ts', 'b', 'blue', 'a-name-that-is-quite-long', 'a-name-that-is-quite-longer'];
  const plans = names.map((name) => planCluster({ name, nodes: 60, subnet: '192.168.57.0/24' }));
  const links = plans.flatMap((plan) => [plan.bridge, ...plan.nodes.map(({ veth }) => veth)]);
  t.equal(new Set(links).size, links.length);
  t.ok(links.every((link) => link.length <= 15));
  const namespaces = plans.flatMap((plan) => plan.nodes.map(({ netns }) => netns));
  t.equal(new Set(namespaces).size, namespaces.length);
  t.match(plans[1]!.bridgeMac, /^02(:[0-9a-f]{2}){5}$/);
  // The kernel takes 107 characters for the path of a unix socket.
  t.ok(plans.flatMap((plan) => plan.nodes).every(({ dockerSocket }) => dockerSocket.length < 90));
});

t.test('invalid names and subnets are refused', async (t) => {
  for (const name of ['', 'Blue', '-a', 'a-', 'a_b', 'a'.repeat(31)]) {
    t.throws(() => checkName(name), { code: 'BadRequest' }, name);
  }
  t.equal(checkName('blue-2'), 'blue-2');
  for (const subnet of ['10.0.0.0', '10.0.0.0/8', '10.0.0.0/25', '10.0.0.1/24', 'fd00::/64']) {
    t.throws(() => checkSubnet(subnet), { code: 'BadRequest' }, subnet);
  }
});

t.test('the first free subnet', async (t) => {
  const overlaps = (a: string, b: string) => cidrsOverlap(parseCidr(a), parseCidr(b));
  t.equal(chooseSubnet([], overlaps), '192.168.57.0/24');
  t.equal(chooseSubnet(['192.168.57.4/30', '192.168.58.0/23'], overlaps), '192.168.60.0/24');
  t.throws(() => chooseSubnet(['192.168.0.0/16'], overlaps), /--subnet/);
});

t.test(
  'processes: agents run inside their node, the server runs once, engines add nothing to the network',
  async (t) => {
    const plan = planCluster({ name: 'blue', nodes: 2, subnet: '10.9.0.0/24', registryPort: 5001 });
    const specs = planProcesses(plan, facts);
    const names = specs.map(({ name }) => name);
    const server = specs.find(({ name }) => name === 'server');
    t.ok(server?.argv.includes('--load-balancer-pool=10.9.0.240-10.9.0.250'));
    t.ok(server?.argv.includes('--managed-fields=all'));
    const applied = planCluster({ name: 'blue', nodes: 2, subnet: '10.9.0.0/24', managedFields: 'applied' });
    const [other] = planProcesses(applied, facts);
    t.ok(other?.argv.includes('--managed-fields=applied'));
    t.strictSame(names.slice(0, 4), ['server', 'registry', 'registry-push', 'control/docker']);
    t.equal(new Set(names).size, 3 + 2 * 5);
    for (const { name, argv } of specs) {
      if (name.startsWith('registry')) continue;
      const node = name === 'server' ? 'control' : name.split('/')[0];
      t.strictSame(argv.slice(0, 3), ['nsenter', `--net=/run/netns/k8ts-blue-${node}`, '--'], name);
    }
    t.match(dockerConfig(plan, plan.nodes[0]!), {
      bridge: 'none',
      iptables: false,
      'live-restore': true,
      'registry-mirrors': ['http://10.9.0.1:5001'],
    });
  },
);

t.test('etcd: one member beside the server, with TLS for clients and peers', async (t) => {
  const plan = planCluster({ name: 'blue', nodes: 2, subnet: '10.9.0.0/24', store: 'etcd' });
  const specs = planProcesses(plan, facts);
  t.strictSame(
    specs.slice(0, 2).map(({ name }) => name),
    ['etcd', 'server'],
    'the member comes first',
  );
  const pki = '/var/lib/k8ts/blue/pki';
  t.strictSame(specs[0]!.argv.slice(0, 4), ['nsenter', '--net=/run/netns/k8ts-blue-control', '--', '/e']);
  for (const option of [
    '--data-dir=/var/lib/k8ts/blue/nodes/control/etcd',
    '--advertise-client-urls=https://10.9.0.10:2379',
    '--initial-cluster=control=https://10.9.0.10:2380',
    '--client-cert-auth',
    '--peer-client-cert-auth',
    `--trusted-ca-file=${pki}/etcd/ca.crt`,
    '--auto-compaction-retention=0',
    '--max-txn-ops=10000',
    '--max-request-bytes=8388608',
    '--quota-backend-bytes=8589934592',
    '--pre-vote',
  ]) {
    t.ok(specs[0]!.argv.includes(option), option);
  }
  for (const option of [
    '--store=etcd://10.9.0.10:2379',
    `--etcd-cafile=${pki}/etcd/ca.crt`,
    `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
    `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
  ]) {
    t.ok(specs[1]!.argv.includes(option), option);
  }
});

t.test('three control planes: names, addresses, and who asks whom', async (t) => {
  const plan = planCluster({ name: 'blue', nodes: 4, subnet: '10.9.0.0/24', store: 'etcd', controlPlanes: 3 });
  t.strictSame(
    plan.nodes.map(({ name, control }) => [name, control?.pkiDir, control?.etcdDir]),
    [
      ['control', '/var/lib/k8ts/blue/pki', '/var/lib/k8ts/blue/nodes/control/etcd'],
      ['control-2', '/var/lib/k8ts/blue/nodes/control-2/server/pki', '/var/lib/k8ts/blue/nodes/control-2/etcd'],
      ['control-3', '/var/lib/k8ts/blue/nodes/control-3/server/pki', '/var/lib/k8ts/blue/nodes/control-3/etcd'],
      ['worker-1', undefined, undefined],
    ],
  );
  t.equal(controlNodes(plan).length, 3);
  t.match(plan, { server: 'https://10.9.0.1:6443', agentServer: 'https://127.0.0.1:6444' });
  const specs = planProcesses(plan, facts);
  const argv = (name: string) => specs.find((spec) => spec.name === name)!.argv;
  const members = '10.9.0.10,10.9.0.11,10.9.0.12'.split(',');
  t.ok(
    argv('control-3/etcd').includes(
      `--initial-cluster=${['control', 'control-2', 'control-3'].map((name, i) => `${name}=https://${members[i]}:2380`).join(',')}`,
    ),
  );
  t.ok(
    argv('control-2/server').includes('--store=etcd://10.9.0.11:2379,10.9.0.10:2379,10.9.0.12:2379'),
    'its own first',
  );
  t.ok(argv('control-2/server').includes('--advertise-address=10.9.0.11'));
  t.ok(argv('control-2/server').includes('--node-name=control-2'), 'its name in leader election');
  t.strictSame(
    specs.filter(({ name }) => /server|etcd/.test(name)).map(({ name }) => name),
    ['control/etcd', 'control-2/etcd', 'control-3/etcd', 'control/server', 'control-2/server', 'control-3/server'],
  );
  const relayed = '--servers=10.9.0.10:6443,10.9.0.11:6443,10.9.0.12:6443';
  t.strictSame(argv('balancer').slice(0, 4), ['/n', '/b.js', 'balancer', '--listen=10.9.0.1:6443'], 'on the host');
  t.ok(argv('balancer').includes(relayed));
  t.ok(argv('worker-1/balancer').includes('--listen=127.0.0.1:6444'));
  t.ok(argv('worker-1/balancer').includes(relayed));
  const order = (name: string) => specs.find((spec) => spec.name === name)!.stopOrder!;
  t.ok(order('control/kubelet') < order('control/docker'));
  t.ok(order('control/docker') < order('control-2/server'));
  t.ok(order('control-2/server') < order('control-3/etcd'), 'a server ends while its store still runs');
});

t.test('the largest plan has every name of every cluster of this name', async (t) => {
  const largest = planLargest('blue').nodes.map(({ netns }) => netns);
  for (const controlPlanes of [1, 3]) {
    const plan = planCluster({ name: 'blue', nodes: 60, subnet: '10.9.0.0/24', store: 'etcd', controlPlanes });
    t.strictSame(
      plan.nodes.filter(({ netns }) => !largest.includes(netns)),
      [],
    );
  }
});
