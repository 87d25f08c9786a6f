import t from 'tap';
import { cidrsOverlap, parseCidr } from '../../controlplane/base/cidr';
import { hostRules } from './network';
import { checkName, checkSubnet, chooseSubnet, planCluster } from './plan';
import { dockerConfig, planProcesses } from './processes';

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
    const programs = { node: '/n', bundle: '/b.js', compileCache: '/c', dockerd: '/d', dockerRegistry: '/r' };
    const specs = planProcesses(plan, { programs, upstreams: ['9.9.9.9:53'], pauseImage: 'pause:1' });
    const names = specs.map(({ name }) => name);
    const server = specs.find(({ name }) => name === 'server');
    t.ok(server?.argv.includes('--load-balancer-pool=10.9.0.240-10.9.0.250'));
    t.ok(server?.argv.includes('--managed-fields=all'));
    const applied = planCluster({ name: 'blue', nodes: 2, subnet: '10.9.0.0/24', managedFields: 'applied' });
    const [other] = planProcesses(applied, { programs, upstreams: [], pauseImage: 'pause:1' });
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
