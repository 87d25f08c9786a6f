import t from 'tap';
import { keepSnapshots } from '../../test/lib/snapshots';
import { compilePolicies } from './compile';
import type { PodRecord, PolicyRecord, World } from './input';
import { portsByProtocol } from './ports';
import { removal, renderUpdate } from './update';

keepSnapshots(t, __filename);

const pod = (name: string, address: string, changes: Partial<PodRecord> = {}): PodRecord => ({
  key: `shop/${name}`,
  namespace: 'shop',
  labels: { app: 'web' },
  addresses: [address],
  local: true,
  ports: [{ name: 'http', protocol: 'tcp', port: 8080 }],
  ending: false,
  ...changes,
});
const app = (value: string) => [{ key: 'app', operator: 'In', values: [value] }] as const;
const allowWeb: PolicyRecord = {
  key: 'shop/allow-web',
  namespace: 'shop',
  pods: app('web'),
  ingress: [
    {
      peers: [{ pods: app('client') }, { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '10.1.0.0/16'] }],
      ports: [
        { protocol: 'tcp', port: 'http' },
        { protocol: 'tcp', port: 80 },
        { protocol: 'udp', port: 53, endPort: 60 },
      ],
    },
  ],
};
const world = (changes: Partial<World> = {}): World => ({
  families: [4],
  podRanges: ['10.244.1.0/24'],
  policies: [allowWeb],
  pods: [
    pod('web-1', '10.244.1.5'),
    pod('db', '10.244.1.6', { labels: { app: 'db' } }),
    pod('client', '10.244.2.9', { labels: { app: 'client' }, local: false, ports: [] }),
  ],
  namespaces: [{ name: 'shop', labels: {} }],
  servers: [],
  ...changes,
});
const plan = (changes?: Partial<World>) => compilePolicies(world(changes))!;

t.test('the whole table', async (t) => {
  t.matchSnapshot(renderUpdate(undefined, plan()));
});

t.test('equal input in another order is equal text; nothing changed is no text', async (t) => {
  const { pods, policies } = world();
  const other: PolicyRecord = { ...allowWeb, key: 'shop/also', egress: [] };
  const a = plan({ policies: [...policies, other] });
  const b = plan({ pods: [...pods].reverse(), policies: [other, ...policies] });
  t.equal(renderUpdate(undefined, a), renderUpdate(undefined, b));
  t.equal(renderUpdate(a, b), '');
});

t.test('one more pod adds a few elements, one less removes them', async (t) => {
  const more = plan({ pods: [...world().pods, pod('web-2', '10.244.1.7')] });
  const added = renderUpdate(plan(), more);
  t.matchSnapshot(added);
  t.notMatch(added, /chain|rule/);
  const keys = added.replace(/ : (goto [-\w]+|accept)/g, '');
  t.equal(renderUpdate(more, plan()), keys.replace(/^add/gm, 'delete'));
});

t.test('changes that move pods between chains', async (t) => {
  const second: PolicyRecord = { key: 'shop/deny', namespace: 'shop', pods: [], ingress: [], egress: [] };
  t.matchSnapshot(renderUpdate(plan(), plan({ policies: [allowWeb, second] })), 'one more policy');
  t.matchSnapshot(renderUpdate(plan({ policies: [allowWeb, second] }), plan()), 'the policy is removed');
});

t.test('a policy without pods of this node costs nothing', async (t) => {
  const elsewhere = { ...allowWeb, key: 'shop/elsewhere', pods: app('client') };
  t.equal(renderUpdate(plan(), plan({ policies: [allowWeb, elsewhere] })), '');
  t.equal(compilePolicies(world({ policies: [] })), undefined);
  t.equal(removal(), 'add table inet k8ts-policy\ndelete table inet k8ts-policy\n');
});

t.test('an address of two pods belongs to the pod that is not being deleted', async (t) => {
  const going = pod('a-going', '10.244.1.5', { ending: true, labels: { app: 'db' } });
  for (const pods of [
    [going, pod('web-1', '10.244.1.5')],
    [pod('web-1', '10.244.1.5'), going],
  ]) {
    const { maps } = plan({ pods });
    t.match(maps.get('entering4')?.elements.get('10.244.1.5'), /^goto to-/);
  }
});

t.test('equal selectors share a set; names too long for the kernel are shortened', async (t) => {
  const long = `shop/${'x'.repeat(200)}`;
  const two = plan({ policies: [allowWeb, { ...allowWeb, key: long }] });
  t.equal([...two.sets.keys()].filter((name) => name.startsWith('pods4')).length, 1);
  for (const name of two.chains.keys()) t.ok(name.length <= 100, name);
});

t.test('ports of one protocol become the fewest ranges; no port means all', async (t) => {
  const tcp = (port?: number | string, endPort?: number) =>
    ({ protocol: 'tcp', ...(port === undefined ? {} : { port }), ...(endPort ? { endPort } : {}) }) as const;
  const cases = [
    {
      name: 'apart',
      ports: [tcp(443), tcp(80)],
      ranges: [
        [80, 80],
        [443, 443],
      ],
    },
    { name: 'overlapping', ports: [tcp(80, 90), tcp(85, 100), tcp(85)], ranges: [[80, 100]] },
    { name: 'touching', ports: [tcp(80), tcp(81)], ranges: [[80, 81]] },
    { name: 'all ports include single ports', ports: [tcp(80), tcp(), tcp('http')], ranges: [] },
  ];
  for (const { name, ports, ranges } of cases) t.strictSame(portsByProtocol(ports)[0]?.ranges, ranges, name);
  t.strictSame(portsByProtocol([tcp('http'), tcp('http'), { protocol: 'udp' }]), [
    { protocol: 'tcp', all: false, ranges: [], names: ['http'] },
    { protocol: 'udp', all: true, ranges: [], names: [] },
  ]);
});
