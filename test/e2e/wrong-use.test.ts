// Wrong use gets one clear message with the cause and what to do, and changes nothing on the host.
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Cluster, output, root, run } from './cluster';

const name = `wrong-${process.pid}`;
const cluster = new Cluster(name, join(t.testdir(), 'config'));

const nothingLeft = async (t: {
  notOk(value: unknown, message: string): void;
  notMatch(a: string, b: unknown): void;
}) => {
  t.notOk(existsSync(`/var/lib/k8ts/${name}`), 'no state');
  t.notOk(existsSync(`/run/k8ts/${name}`), 'no run directory');
  t.notOk(existsSync(cluster.kubeconfig), 'no kubeconfig');
  t.notMatch(await output(['ip', 'netns', 'list']), new RegExp(name));
};

t.test('options', async (t) => {
  const cases = [
    { name: 'unknown', args: ['--node', '3'], says: /unknown option --node; see --help/ },
    { name: 'no number', args: ['--nodes', 'three'], says: /--nodes=three: expected a whole number from 1 to 60/ },
    { name: 'too many', args: ['--nodes', '61'], says: /expected a whole number from 1 to 60/ },
    { name: 'none', args: ['--nodes', '0'], says: /expected a whole number from 1 to 60/ },
    { name: 'no subnet', args: ['--subnet', '10.0.0'], says: /--subnet=10\.0\.0: not a/ },
    { name: 'host bits', args: ['--subnet', '10.9.8.7/24'], says: /did you mean 10\.9\.8\.0\/24/ },
    { name: 'too small', args: ['--subnet', '10.9.8.0/28'], says: /expected an IPv4 range from \/16 to \/24/ },
    { name: 'an argument', args: ['now'], says: /unexpected argument "now"; see --help/ },
  ];
  for (const { name: label, args, says } of cases) {
    const { code, stderr } = await cluster.script('up', ...args);
    t.equal(code, 2, label);
    t.match(stderr, says, label);
  }
  const named = await run([join(root, 'hack/up'), '--name', 'No_Good'], { env: cluster.env });
  t.match(named.stderr, /a cluster name is 1 to 30 lower-case letters, digits and dashes/);
  await nothingLeft(t);
});

t.test('a subnet in use', async (t) => {
  const addresses = JSON.parse(await output(['ip', '-json', '-4', 'addr', 'show', 'scope', 'global'])) as {
    addr_info: { local: string }[];
  }[];
  const used = addresses.flatMap((link) => link.addr_info)[0]?.local;
  if (!used) {
    t.comment('this host has no address but loopback');
    return;
  }
  const subnet = `${used.split('.').slice(0, 3).join('.')}.0/24`;
  const { code, stderr } = await cluster.script('up', '--subnet', subnet);
  t.equal(code, 2);
  t.match(stderr, new RegExp(`subnet ${subnet} is in use: .*\\n  Choose another one: hack/up --subnet`));
  await nothingLeft(t);
});

t.test('not root', async (t) => {
  // Other users may not enter the folder of the checkout; the script checks for root before it reads any other file of it.
  const copy = mkdtempSync(join(tmpdir(), 'k8ts-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  for (const file of ['hack/up', 'hack/lib/setup.sh']) cpSync(join(root, file), join(copy, file), { recursive: true });
  for (const dir of ['', 'hack', 'hack/lib']) chmodSync(join(copy, dir), 0o755);
  const argv = ['setpriv', '--reuid=65534', '--clear-groups', join(copy, 'hack/up'), '--name', name];
  const { code, stderr } = await run(argv);
  t.equal(code, 1);
  t.match(stderr, /needs root.*Run: sudo/);
});

t.test('the leftovers of an interrupted start are named, and hack/down removes them', async (t) => {
  const netns = `k8ts-${name}-control`;
  await output(['ip', 'netns', 'add', netns]);
  t.teardown(() => run(['ip', 'netns', 'delete', netns]));
  const { code, stderr } = await cluster.script('up');
  t.equal(code, 2);
  t.match(stderr, `${netns} exists already, but no cluster ${name} is recorded`);
  t.match(stderr, `hack/down --name ${name}`);
  t.notOk(existsSync(`/var/lib/k8ts/${name}`));
  t.equal((await cluster.script('down')).code, 0);
  t.notMatch(await output(['ip', 'netns', 'list']), netns);
});

t.test('no such cluster', async (t) => {
  for (const script of ['status', 'logs']) {
    const { code, stderr } = await cluster.script(script);
    t.equal(code, 2, script);
    t.match(stderr, new RegExp(`there is no cluster ${name} on this host`));
  }
  const { code, stdout } = await cluster.script('down');
  t.equal(code, 0, 'hack/down without a cluster is not a failure');
  t.match(stdout, `No cluster ${name} was recorded`);
});

t.test('help works without root and without a cluster', async (t) => {
  for (const script of readdirSync(join(root, 'hack')).filter((file) =>
    ['up', 'down', 'status', 'logs'].includes(file),
  )) {
    const { code, stdout } = await run([join(root, 'hack', script), '--help']);
    t.equal(code, 0);
    t.match(stdout, `usage: hack/${script}`);
  }
});
