import t from 'tap';
import { isOurs } from './down';
import { diffRecords, hostsLines, mountEntries, ruleEntries } from './host-record';
import { addressInHosts, withHosts, withoutHosts } from './hosts-file';
import { processesOf, type RunningProcess } from './leftovers';
import { lastLines } from './logs';
import { rulesCommented } from './network';
import { planCluster } from './plan';

const plan = planCluster({ name: 'k8ts', nodes: 3, subnet: '192.168.57.0/24' });

const dirs = { runDir: '/run/k8ts/k8ts', stateDir: '/var/lib/k8ts/k8ts' };

t.test('an empty table that accepts everything is the same as no table', async (t) => {
  const save = ['# Generated', '*nat', ':PREROUTING ACCEPT [3:180]', ':OWN - [0:0]', '-A OWN -j RETURN', 'COMMIT'];
  t.strictSame(ruleEntries(save), ['nat OWN -', 'nat -A OWN -j RETURN']);
  t.strictSame(ruleEntries(['*filter', ':FORWARD DROP [0:0]', 'COMMIT']), ['filter FORWARD DROP']);
});

t.test('mounts are compared by mount point and type', async (t) => {
  t.strictSame(mountEntries('36 25 0:32 / /run/netns rw,nosuid shared:5 - tmpfs tmpfs rw\n'), ['/run/netns tmpfs']);
});

t.test('equal entries are counted', async (t) => {
  const before = { links: ['eth0', 'lo'], mounts: ['/a tmpfs', '/a tmpfs'] };
  t.strictSame(diffRecords(before, before), []);
  t.strictSame(diffRecords(before, { links: ['k8ts', 'lo'], mounts: ['/a tmpfs'] }), [
    { aspect: 'links', change: 'added', entry: 'k8ts' },
    { aspect: 'links', change: 'removed', entry: 'eth0' },
    { aspect: 'mounts', change: 'removed', entry: '/a tmpfs' },
  ]);
});

t.test('differences that this cluster caused, and other differences', async (t) => {
  const ours = [
    ['links', 'k8ts-2 master k8ts'],
    ['network namespaces', 'k8ts-worker-1'],
    ['addresses', 'k8ts 192.168.57.1/24'],
    ['routes', '192.168.57.0/24 dev k8ts proto kernel scope link src 192.168.57.1'],
    ['iptables rules', 'nat -A POSTROUTING -s 192.168.57.0/24 ! -o k8ts -m comment --comment k8ts -j MASQUERADE'],
    ['mounts', '/run/k8ts/k8ts/control/exec/netns/default nsfs'],
    ['sysctls', 'net.ipv4.ip_forward=1'],
    ['/etc/hosts', 'block of k8ts'],
    ['kubeconfig', 'contexts k8ts 0123456789abcdef'],
  ];
  const others = [
    ['links', 'k8ts-blue'],
    ['network namespaces', 'k8ts-blue-worker-1'],
    ['mounts', '/run/k8ts/blue/control/exec/netns/default nsfs'],
    ['addresses', 'eth0 10.0.2.15/24'],
    ['/etc/hosts', 'block of k8ts-blue'],
    ['kubeconfig', 'current-context k8ts-blue'],
  ];
  for (const [aspect = '', entry = ''] of ours) t.ok(isOurs(plan, { aspect, entry, change: 'added' }), entry);
  for (const [aspect = '', entry = ''] of others) t.notOk(isOurs(plan, { aspect, entry, change: 'added' }), entry);
});

t.test('the block in /etc/hosts is added and removed', async (t) => {
  const text = '127.0.0.1 localhost\n# mine\n10.0.0.1 printer\n';
  const entries = [{ address: '192.168.57.10', names: ['codereview.local'] }];
  const withBlock = withHosts(text, 'k8ts', entries);
  t.match(withBlock, /^192\.168\.57\.10 codereview\.local$/m);
  t.equal(withHosts(withBlock, 'k8ts', entries), withBlock);
  t.equal(withoutHosts(withBlock, 'k8ts'), text);
  const both = withHosts(withBlock, 'k8ts-blue', []);
  t.equal(withoutHosts(both, 'k8ts-blue'), withBlock);
  t.equal(withoutHosts(text, 'k8ts'), text);
});

t.test('a name leads to the cluster that has had it first', async (t) => {
  const entry = (address: string) => [{ address, names: ['api.local', 'codereview.local'] }];
  const first = withHosts('10.0.0.1 printer # not codereview.local\n', 'k8ts-blue', entry('192.168.58.10'));
  t.equal(addressInHosts(withHosts(first, 'k8ts', entry('192.168.57.10')), 'codereview.local'), '192.168.58.10');
  t.equal(addressInHosts(first, 'review.local'), undefined);
});

t.test('blocks of other clusters in /etc/hosts are one entry each', async (t) => {
  const text = withHosts('127.0.0.1 localhost\n', 'k8ts-blue', [{ address: '10.9.0.10', names: ['codereview.local'] }]);
  t.strictSame(hostsLines(text), ['127.0.0.1 localhost', 'block of k8ts-blue', '']);
});

t.test('rules are found by their exact comment', async (t) => {
  const save = [
    '-A POSTROUTING -s 192.168.57.0/24 ! -o k8ts -m comment --comment k8ts -j MASQUERADE',
    '-A POSTROUTING -s 192.168.58.0/24 ! -o k8ts-b -m comment --comment "k8ts-b" -j MASQUERADE',
    '-A POSTROUTING -j RETURN',
  ].join('\n');
  t.equal(rulesCommented(save, 'k8ts').length, 1);
  t.equal(rulesCommented(save, 'k8ts-b')[0]?.[2], '192.168.58.0/24');
});

t.test('processes of a cluster: by directory, by namespace, and their children; never this process', async (t) => {
  const list: readonly RunningProcess[] = [
    { pid: 1, parent: 0, argv: 'init', netns: 'net:[1]' },
    {
      pid: 10,
      parent: 1,
      argv: 'containerd-shim -address /run/k8ts/k8ts/control/exec/containerd/containerd.sock',
      netns: 'net:[9]',
    },
    { pid: 11, parent: 10, argv: 'sleep infinity', netns: 'net:[8]' },
    { pid: 12, parent: 1, argv: 'node k8ts.js dns', netns: 'net:[9]' },
    {
      pid: 13,
      parent: 1,
      argv: 'containerd-shim -address /run/k8ts/blue/control/exec/containerd.sock',
      netns: 'net:[7]',
    },
    { pid: 20, parent: 1, argv: 'bash -c ls /run/k8ts/k8ts/', netns: 'net:[1]' },
    { pid: 21, parent: 20, argv: 'node dev.js down', netns: 'net:[1]' },
  ];
  const found = processesOf(dirs, new Set(['net:[9]']), list, 21).map(({ pid }) => pid);
  t.strictSame(found, [10, 11, 12]);
});

t.test('the last lines of a log', async (t) => {
  t.equal(lastLines('a\nb\nc\n', 2), 'b\nc\n');
  t.equal(lastLines('a\nb\nc', 1), 'b\nc\n');
  t.equal(lastLines('', 5), '');
});

t.test(
  'processes without their namespace or supervisor are still found; processes of users and of other clusters are not',
  async (t) => {
    const ours = [
      '/usr/bin/docker-registry serve /var/lib/k8ts/k8ts/registry.yml',
      '/usr/sbin/dockerd --config-file=/var/lib/k8ts/k8ts/nodes/worker-1/docker.json',
      'node k8ts.js kube-proxy --kubeconfig=/var/lib/k8ts/k8ts/nodes/worker-1/kube-proxy.conf',
      'node k8ts.js server --data-dir=/var/lib/k8ts/k8ts/server',
    ];
    const others = [
      'kubectl --kubeconfig=/var/lib/k8ts/k8ts/admin.conf get pods -w',
      'tail -f /var/lib/k8ts/k8ts/logs/server.log',
      'node k8ts.js server --data-dir=/var/lib/k8ts/k8ts-2/server',
    ];
    const list = [...ours, ...others].map((argv, i) => ({ pid: 100 + i, parent: 1, argv, netns: 'net:[1]' }));
    const found = processesOf(dirs, new Set(), list, 50).map(({ argv }) => argv);
    t.strictSame(found, ours);
  },
);
