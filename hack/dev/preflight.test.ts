import t from 'tap';
import { planCluster } from './plan';
import { checkFree, checkHost, type HostFacts, shadowed } from './preflight';

const fit: HostFacts = {
  uid: 0,
  cgroups: true,
  dockerVersion: '20.10.24',
  missingPrograms: [],
  missingFeatures: [],
  ranges: [{ cidr: '10.0.2.15/24', origin: 'address of eth0' }],
  links: ['lo', 'eth0'],
  namespaces: [],
  freeBytes: 50 * 1024 ** 3,
};
const plan = planCluster({ name: 'k8ts', nodes: 3, subnet: '192.168.57.0/24' });

t.test('a host without faults passes', async (t) => {
  t.doesNotThrow(() => checkHost(fit));
  t.doesNotThrow(() => checkFree(plan, fit));
  for (const dockerVersion of ['20.10.0', '23.0.1', '28.2.2'])
    t.doesNotThrow(() => checkHost({ ...fit, dockerVersion }), `Docker ${dockerVersion}`);
});

t.test('each fault of a host is reported with its cause and what to do', async (t) => {
  const cases: readonly { name: string; facts: Partial<HostFacts>; says: RegExp }[] = [
    { name: 'not root', facts: { uid: 1000 }, says: /needs root.*\n {2}Run: sudo/ },
    {
      name: 'no program',
      facts: { missingPrograms: ['conntrack'] },
      says: /missing: conntrack\.\n {2}hack\/up installs/,
    },
    { name: 'no cgroups', facts: { cgroups: false }, says: /no control groups are mounted.*\n {2}Inside a container/ },
    { name: 'old Docker', facts: { dockerVersion: '19.03.15' }, says: /Docker 19\.03\.15 is too old/ },
    { name: 'odd Docker', facts: { dockerVersion: undefined }, says: /does not report its version/ },
    { name: 'kernel', facts: { missingFeatures: ['veth'] }, says: /lacks: veth\.\n {2}Load the modules/ },
    { name: 'full disk', facts: { freeBytes: 1024 }, says: /less than 1 GiB is free/ },
  ];
  for (const { name, facts, says } of cases) t.throws(() => checkHost({ ...fit, ...facts }), { message: says }, name);
});

t.test('names and ranges in use stop a first start', async (t) => {
  const cases: readonly { name: string; facts: Partial<HostFacts>; says: RegExp }[] = [
    {
      name: 'subnet',
      facts: { ranges: [{ cidr: '192.168.0.0/16', origin: 'route through vpn0' }] },
      says: /192\.168\.57\.0\/24 is in use: 192\.168\.0\.0\/16 \(route through vpn0\)\.\n.*--subnet/,
    },
    { name: 'bridge', facts: { links: ['k8ts'] }, says: /k8ts exists already.*\n.*hack\/down --name k8ts/ },
    { name: 'veth', facts: { links: ['k8ts-2'] }, says: /k8ts-2 exists already/ },
    { name: 'namespace', facts: { namespaces: ['k8ts-worker-1'] }, says: /k8ts-worker-1 exists already/ },
  ];
  for (const { name, facts, says } of cases)
    t.throws(() => checkFree(plan, { ...fit, ...facts }), { message: says }, name);
});

t.test('ranges of the host that pods cannot reach are named', async (t) => {
  t.strictSame(shadowed(fit, ['10.244.0.0/16', '10.96.0.0/12']), []);
  const ranges = [{ cidr: '10.100.0.0/16', origin: 'route through vpn0' }];
  t.strictSame(shadowed({ ...fit, ranges }, ['10.96.0.0/12']), ['10.100.0.0/16 (route through vpn0)']);
});
