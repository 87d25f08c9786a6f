import t from 'tap';
import {
  agentServer,
  clusterDns,
  defaultPool,
  type GivenInitOptions,
  kubernetesService,
  type NodeFacts,
  planControl,
  planFurtherControl,
  planWorker,
} from './desired';

const nothing: GivenInitOptions = {
  nodeName: '',
  nodeIp: '',
  nodeLabels: '',
  resolvConf: '',
  clusterCidr: '',
  serviceCidr: '',
  clusterDomain: '',
  overlay: '',
  proxyMode: '',
  loadBalancerPool: '',
  registryPort: undefined,
  store: '',
};
const facts: NodeFacts = {
  hostName: 'Control',
  routeAddress: '192.168.56.10',
  addresses: ['10.0.2.15', '192.168.56.10'],
  resolvConf: '/etc/resolv.conf',
};
const first = planControl(nothing, facts, undefined);

t.test('without options: the well-known defaults', async (t) => {
  t.same(first, {
    role: 'control',
    nodeName: 'control',
    nodeIp: '192.168.56.10',
    server: 'https://192.168.56.10:6443',
    cluster: {
      clusterCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/12',
      clusterDomain: 'cluster.local',
      registry: '192.168.56.10:5000',
      overlay: 'auto',
      proxyMode: 'iptables',
      balancer: '',
      loadBalancerPool: '192.168.56.240-192.168.56.250',
    },
    loadBalancerPool: '192.168.56.240-192.168.56.250',
    nodeLabels: '',
    resolvConf: '/etc/resolv.conf',
  });
  t.equal(clusterDns(first.cluster), '10.96.0.10');
  t.equal(kubernetesService(first.cluster), '10.96.0.1');
  t.equal(defaultPool('fd00::1'), '', 'no pool is made up for IPv6');
});

t.test('an option that is not given keeps its value', async (t) => {
  const given = {
    ...nothing,
    overlay: 'vxlan',
    proxyMode: 'nftables',
    loadBalancerPool: 'none',
    nodeLabels: 'a=b',
    registryPort: 5055,
  };
  const second = planControl(given, facts, first);
  t.match(second, {
    cluster: { overlay: 'vxlan', proxyMode: 'nftables', registry: '192.168.56.10:5055' },
    nodeLabels: 'a=b',
  });
  t.equal(second.loadBalancerPool, '');
  const moved = { ...facts, hostName: 'renamed', routeAddress: '10.9.9.9', resolvConf: '/other' };
  t.same(planControl(nothing, moved, second), second, 'not even another host name or route changes it');
});

t.test('a change of an unchangeable option is refused with the reason', async (t) => {
  const cases: { given: Partial<GivenInitOptions>; message: RegExp }[] = [
    { given: { nodeName: 'x' }, message: /called control, not x.*certificates and its Node object/ },
    { given: { nodeIp: '10.0.2.15' }, message: /address 192\.168\.56\.10, not 10\.0\.2\.15/ },
    { given: { clusterCidr: '10.1.0.0/16' }, message: /pods have the range 10\.244\.0\.0\/16, not 10\.1\.0\.0\/16/ },
    { given: { serviceCidr: '10.97.0.0/16' }, message: /Services have the range/ },
    { given: { clusterDomain: 'x.y' }, message: /DNS zone is cluster\.local, not x\.y/ },
  ];
  for (const { given, message } of cases) {
    t.throws(
      () => planControl({ ...nothing, ...given }, facts, first),
      { code: 'BadRequest', message },
      String(message),
    );
  }
  const cluster = { server: first.server, settings: first.cluster };
  t.throws(() => planWorker(nothing, facts, cluster, first), /the control machine, not a worker/);
  const worker = planWorker(nothing, facts, { server: 'https://10.1.1.1:6443', settings: first.cluster }, undefined);
  t.throws(
    () => planWorker(nothing, facts, cluster, worker),
    /a worker of https:\/\/10\.1\.1\.1:6443, not a worker of/,
  );
  t.same(
    planWorker(nothing, facts, { server: worker.server, settings: { ...first.cluster, overlay: 'vxlan' } }, worker),
    {
      ...worker,
      cluster: { ...first.cluster, overlay: 'vxlan' },
    },
  );
});

t.test('the address of the node: given, as before, or on the way to the server', async (t) => {
  const cases: { name: string; given?: string; facts: Partial<NodeFacts>; chosen?: string; message?: RegExp }[] = [
    { name: 'the way to the server', facts: {}, chosen: '192.168.56.10' },
    { name: 'as given', given: '10.0.2.15', facts: {}, chosen: '10.0.2.15' },
    {
      name: 'never the NAT address that all machines share',
      facts: { routeAddress: '10.0.2.15' },
      message: /10\.0\.2\.15, is the one that VirtualBox gives.*\n.*--node-ip=192\.168\.56\.10/,
    },
    {
      name: 'not one of this machine',
      given: '192.168.56.99',
      facts: {},
      message: /does not have the address 192\.168\.56\.99; it has/,
    },
    { name: 'no way out', facts: { routeAddress: undefined }, message: /this machine has no route to the server/ },
  ];
  for (const { name, given = '', facts: changed, chosen, message } of cases) {
    const plan = () => planControl({ ...nothing, nodeIp: given }, { ...facts, ...changed }, undefined);
    if (message) t.throws(plan, { message }, name);
    else t.equal(plan().nodeIp, chosen, name);
  }
  t.throws(
    () => planControl(nothing, { ...facts, addresses: ['10.0.2.15'] }, first),
    /set up with it/,
    'it has moved away',
  );
});

t.test('names that cannot name a node are refused', async (t) => {
  for (const nodeName of ['under_score', '-a', 'a..b', 'x'.repeat(64), 'A']) {
    t.throws(() => planControl({ ...nothing, nodeName }, facts, undefined), /cannot name a node/, nodeName);
  }
  t.equal(planControl({ ...nothing, nodeName: 'a-1.example' }, facts, undefined).nodeName, 'a-1.example');
});

t.test('etcd: chosen once, and then kept', async (t) => {
  const made = planControl({ ...nothing, store: 'etcd' }, facts, undefined);
  t.strictSame(made.etcd, { initialCluster: 'control=https://192.168.56.10:2380', state: 'new' });
  t.strictSame(planControl(nothing, facts, made), made);
  t.equal(agentServer(made), 'https://127.0.0.1:6444', 'other servers may join');
  t.equal(agentServer(first), first.server);
  t.equal(first.etcd, undefined);
  t.throws(() => planControl({ ...nothing, store: 'sqlite' }, facts, made), /objects are in etcd, not in SQLite/);
  t.throws(() => planControl({ ...nothing, store: 'etcd' }, facts, first), /would lose them all/);
});

t.test('a further control machine', async (t) => {
  const { cluster: settings } = planControl({ ...nothing, store: 'etcd' }, facts, undefined);
  const there = {
    hostName: 'control-2',
    routeAddress: '192.168.56.11',
    addresses: ['192.168.56.11'],
    resolvConf: '/r',
  };
  const initialCluster = 'control=https://192.168.56.10:2380,control-2=https://192.168.56.11:2380';
  const cluster = { server: 'https://192.168.56.10:6443', settings, initialCluster };
  const joined = planFurtherControl(nothing, there, cluster, undefined);
  t.match(joined, {
    role: 'control',
    nodeName: 'control-2',
    etcd: { initialCluster, state: 'existing' },
    registryElsewhere: true,
    loadBalancerPool: '192.168.56.240-192.168.56.250',
    cluster: { registry: '192.168.56.10:5000' },
  });
  const again = planFurtherControl(nothing, there, { ...cluster, initialCluster: '' }, joined);
  t.strictSame(again, joined, 'what the member read at its first start stays');
  const worker = planWorker(nothing, there, cluster, undefined);
  t.throws(() => planFurtherControl(nothing, there, cluster, worker), /a worker of .*, not a further control machine/);
});
