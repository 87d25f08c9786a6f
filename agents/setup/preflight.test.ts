import t from 'tap';
import { type Desired, defaults } from './desired';
import { parseListeners } from './observe';
import { checkMachine, checkPorts, checkRanges, type Listener, type MachineFacts } from './preflight';

const good: MachineFacts = {
  uid: 0,
  systemd: 'running',
  systemdVersion: 252,
  missingPrograms: [],
  docker: { version: '20.10.24', swarm: false, rootless: false },
  dockerUnit: true,
  cgroups: { version: 2, missing: [] },
  missingFeatures: [],
  swapBytes: 0,
  freeBytes: 20 * 1024 ** 3,
  nowMs: Date.UTC(2026, 5, 2),
  builtMs: Date.UTC(2026, 5, 1),
  listeners: [],
  ranges: [],
};
const options = { allowSwap: false, start: true };
const desired: Desired = {
  role: 'control',
  nodeName: 'control',
  nodeIp: '192.168.56.10',
  server: 'https://192.168.56.10:6443',
  cluster: { ...defaults, registry: '192.168.56.10:5000' },
  loadBalancerPool: '',
  nodeLabels: '',
  resolvConf: '/etc/resolv.conf',
};

t.test('a machine that fits', async (t) => {
  t.doesNotThrow(() => checkMachine(good, options));
  t.doesNotThrow(() => checkMachine({ ...good, swapBytes: 1024 }, { ...options, allowSwap: true }));
  t.doesNotThrow(() => checkMachine({ ...good, docker: { ...good.docker!, version: '29.1.0' } }, options));
  t.doesNotThrow(
    () =>
      checkMachine(
        { ...good, systemd: 'offline', docker: undefined, cgroups: undefined },
        { ...options, start: false },
      ),
    'an image is asked less',
  );
});

t.test("Debian's own etcd has the ports of ours", async (t) => {
  const listeners: Listener[] = [{ protocol: 'tcp', address: '127.0.0.1', port: 2379, program: 'etcd' }];
  const withEtcd: Desired = { ...desired, etcd: { initialCluster: '', state: 'new' } };
  t.throws(() => checkPorts({ ...good, listeners }, withEtcd, []), /port 2379.*\n.*systemctl disable --now etcd/);
  t.doesNotThrow(() => checkPorts({ ...good, listeners }, withEtcd, ['etcd']), 'it is ours');
  t.doesNotThrow(() => checkPorts({ ...good, listeners }, desired, []), 'not needed with SQLite');
});

t.test('each fault has one error that says what to do', async (t) => {
  const cases: { change: Partial<MachineFacts>; message: RegExp }[] = [
    { change: { uid: 1000 }, message: /needs root.*\n.*sudo/ },
    { change: { systemd: 'missing' }, message: /no systemd/ },
    { change: { systemd: 'offline' }, message: /systemd does not run here.*\n.*--no-start/ },
    { change: { systemdVersion: 245 }, message: /systemd 245 is too old/ },
    { change: { missingPrograms: ['ip', 'ss', 'nft'] }, message: /missing: ip, ss, nft\.\n.* iproute2 nftables$/ },
    { change: { dockerUnit: false }, message: /no unit docker\.service/ },
    {
      change: { nowMs: Date.UTC(2020, 0, 1) },
      message: /clock is wrong: it says 2020-01-01.*built on 2026-06-01.*\n.*timedatectl/,
    },
    { change: { docker: undefined }, message: /Docker does not answer.*\n.*systemctl status docker/ },
    { change: { docker: { ...good.docker!, version: '19.03.8' } }, message: /Docker 19\.03\.8 is too old/ },
    { change: { docker: { ...good.docker!, swarm: true } }, message: /part of a swarm/ },
    { change: { docker: { ...good.docker!, rootless: true } }, message: /without root/ },
    { change: { cgroups: undefined }, message: /no control groups/ },
    { change: { cgroups: { version: 2, missing: ['memory'] } }, message: /lack: memory.*\n.*cgroup_enable=memory/ },
    { change: { missingFeatures: ['veth'] }, message: /kernel lacks: veth/ },
    { change: { swapBytes: 512 * 1024 ** 2 }, message: /swap is on \(512 MiB\).*\n.*--allow-swap/ },
    { change: { freeBytes: 1000 }, message: /less than 1 GiB/ },
  ];
  for (const { change, message } of cases) {
    t.throws(() => checkMachine({ ...good, ...change }, options), { code: 'BadRequest', message }, String(message));
  }
});

t.test('a port that another program listens on is refused, and the program named', async (t) => {
  const ss = `LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=812,fd=6))
LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=7,fd=4))
UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=99,fd=13))
LISTEN 0 128 127.0.0.1:6443 0.0.0.0:*
`;
  const listeners = parseListeners('tcp', ss);
  t.same(listeners, [
    { protocol: 'tcp', address: '0.0.0.0', port: 80, program: 'nginx' },
    { protocol: 'tcp', address: '[::]', port: 22, program: 'sshd' },
    { protocol: 'tcp', address: '127.0.0.53', port: 53, program: 'systemd-resolve' },
    { protocol: 'tcp', address: '127.0.0.1', port: 6443, program: '' },
  ]);
  const check =
    (only: readonly Listener[], running: string[] = []) =>
    () =>
      checkPorts({ ...good, listeners: only }, desired, running);
  t.throws(check([listeners[0]!]), /port 80\/tcp is needed for Ingress, but nginx listens at 0\.0\.0\.0:80/);
  t.throws(check([listeners[3]!]), /port 6443\/tcp is needed for the API, but another program listens/);
  t.doesNotThrow(check([listeners[1]!, listeners[2]!]), "a stub resolver on loopback is in nobody's way");
  t.doesNotThrow(check([listeners[0]!, listeners[3]!], ['ingress', 'server']), 'our own hold them already');
  t.throws(check([{ protocol: 'udp', address: '0.0.0.0', port: 53, program: 'dnsmasq' }]), /53\/udp .* dnsmasq/);
  t.doesNotThrow(check([{ protocol: 'tcp', address: '10.0.2.15', port: 5000, program: 'x' }]), 'another address');
});

t.test('a range that overlaps a route of the machine is refused', async (t) => {
  const with_ = (cidr: string) => () =>
    checkRanges({ ...good, ranges: [{ cidr, origin: 'route through tun0' }] }, desired);
  t.throws(with_('10.0.0.0/8'), /10\.244\.0\.0\/16 overlaps 10\.0\.0\.0\/8 \(route through tun0\).*\n.*--cluster-cidr/);
  t.throws(with_('10.100.0.0/24'), /--service-cidr/);
  t.doesNotThrow(with_('172.17.0.0/16'));
});
