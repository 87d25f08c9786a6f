// Random clusters: the compiled rules of both nodes must treat each packet as the API reference says.
import t from 'tap';
import type { Pod, Service } from '../../../controlplane/api';
import type { Tracer } from '../../../dataplane/path/hooks';
import { tracerOfPlans } from '../../../dataplane/path/tracers';
import { compilePolicies } from '../../../dataplane/policy/compile';
import type { World } from '../../../dataplane/policy/input';
import type { PolicyPlan } from '../../../dataplane/policy/model';
import { renderUpdate } from '../../../dataplane/policy/update';
import { nodes, outsiders, podRanges, type RandomCluster, randomPolicies } from '../../../test/lib/policy-fixture';
import { isAllowed, mayLeave } from '../../../test/lib/policy-oracle';
import { seededRandom } from '../../../test/lib/service-fixture';
import { translateNamespace, translatePod, translatePolicy, translateServer } from './translate';

const clusters = 300;
const packetsPerCluster = 150;
type NodeName = keyof typeof nodes;

const dnsService: Service = {
  metadata: { namespace: 'ops', name: 'kube-dns', labels: { app: 'db' } },
  spec: { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] },
};
const dnsSlice = (node: NodeName) => ({
  addressType: 'IPv4',
  endpoints: [{ addresses: [nodes[node]], nodeName: node }],
  ports: [{ name: 'dns', protocol: 'UDP', port: 53 }],
});

function worldOf({ policies, pods, namespaces }: RandomCluster, nodeName: NodeName): World {
  const server = translateServer(dnsService, [dnsSlice('n1'), dnsSlice('n2')], {
    name: nodeName,
    podRanges: podRanges[nodeName],
  });
  return {
    families: [4, 6],
    podRanges: podRanges[nodeName],
    policies: policies.map(translatePolicy),
    pods: pods.flatMap((pod) => translatePod(pod, nodeName) ?? []),
    namespaces: namespaces.map(translateNamespace),
    servers: server ? [server] : [],
  };
}

interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** 0 for protocols without ports. */
  readonly port: number;
}

const tracers = new WeakMap<PolicyPlan, Tracer>();

/** Whether the first packet of a connection passes a node with these rules: forwarded by it, or to the node itself. */
function passes(plan: PolicyPlan, way: 'forward' | 'input', { port, ...packet }: Packet): boolean {
  const tracer = tracers.get(plan) ?? tracerOfPlans({ nft: [renderUpdate(undefined, plan)] });
  tracers.set(plan, tracer);
  const localAddresses = new Set(way === 'input' ? [packet.destination] : []);
  const ports = port === 0 ? {} : { destinationPort: port };
  const journey = tracer.trace({ ...packet, ...ports, inInterface: 'eth0' }, { localAddresses, random: () => 0 });
  if (journey.local !== (way === 'input')) throw new Error(`${packet.destination} is not reached by ${way}`);
  return journey.verdict === 'accept';
}

/** A pod as policies see one: with an address of its own. */
const isSubject = ({ spec, status }: Pod) => !spec?.hostNetwork && status?.phase === 'Running' && Boolean(status.podIP);

t.test('rules treat every packet as the API reference says', async (t) => {
  let allowed = 0;
  let denied = 0;
  const wrong: object[] = [];
  for (let seed = 0; seed < clusters; seed++) {
    const random = seededRandom(seed * 7919 + 1);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
    const cluster = randomPolicies(random);
    const plans = new Map<string, PolicyPlan | undefined>(
      (['n1', 'n2'] as const).map((node) => [node, compilePolicies(worldOf(cluster, node))]),
    );
    const subjects = cluster.pods.filter(isSubject);
    for (let i = 0; i < packetsPerCluster; i++) {
      const ends = [pick([...subjects, ...subjects, undefined]), pick([...subjects, ...subjects, undefined])];
      const family = pick([4, 4, 6]);
      const [source, destination] = ends.map((end) => addressOf(end, family, () => pick(outsiders)));
      if (!source || !destination || (!ends[0] && !ends[1])) continue;
      const protocol = pick(['TCP', 'TCP', 'UDP', 'SCTP', 'ICMP'] as const);
      const port = protocol === 'ICMP' ? 0 : pick([53, 60, 80, 81, 107, 200, 443, 470, 8000, 8080, 8100, 9000]);
      const packet: Packet = { source, destination, protocol: protocol.toLowerCase() as Packet['protocol'], port };
      // The node of each end judges the packet once; a node that has both ends judges it once as well.
      const way = [...new Set(ends.flatMap((end) => end?.spec?.nodeName ?? []))];
      const passed = way.every((node) => {
        const plan = plans.get(node);
        return !plan || passes(plan, 'forward', packet);
      });
      const attempt = {
        ...(ends[0] && { from: ends[0] }),
        ...(ends[1] && { to: ends[1] }),
        source,
        destination,
        protocol,
        port,
      };
      const truth = isAllowed(cluster, attempt);
      if (passed !== truth) wrong.push({ seed, packet, passed, policies: cluster.policies.map(({ spec }) => spec) });
      if (truth) allowed++;
      else denied++;
    }
  }
  t.strictSame(wrong.slice(0, 1), []);
  t.ok(allowed > 5_000 && denied > 5_000, `${allowed} allowed, ${denied} denied`);
});

function addressOf(end: Pod | undefined, family: number, outside: () => string): string | undefined {
  const isOfFamily = (ip: string) => ip.includes(':') === (family === 6);
  if (end) return end.status?.podIPs?.map(({ ip }) => ip).find(isOfFamily);
  const address = outside();
  return isOfFamily(address) ? address : undefined;
}

t.test("the node's own DNS server counts as a pod of its Service; the node's other ports are the node's", async (t) => {
  const asked = { allowed: 0, denied: 0 };
  for (let seed = 0; seed < clusters; seed++) {
    const cluster = randomPolicies(seededRandom(seed * 104729 + 3));
    const server: Pod = {
      ...dnsService,
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }] }] },
    };
    const plan = compilePolicies(worldOf(cluster, 'n1'));
    for (const from of cluster.pods.filter((pod) => isSubject(pod) && pod.spec?.nodeName === 'n1')) {
      const source = from.status!.podIP!;
      const destination = nodes.n1;
      const query = { source, destination, port: 53 };
      const truth = mayLeave(cluster, { ...query, from, to: server, protocol: 'UDP' }, from);
      const passed = !plan || passes(plan, 'input', { ...query, protocol: 'udp' });
      if (passed !== truth) t.fail('DNS', { seed, query, passed, policies: cluster.policies });
      asked[truth ? 'allowed' : 'denied']++;
      const kubelet: Packet = { ...query, protocol: 'tcp', port: 10250 };
      if (plan && !passes(plan, 'input', kubelet)) t.fail('kubelet', { seed, kubelet });
    }
  }
  t.ok(asked.allowed > 100 && asked.denied > 100, JSON.stringify(asked));
});

t.test('an address of the pod range without a known pod is closed in both directions', async (t) => {
  const cluster = { pods: [], namespaces: [], policies: [{ metadata: { namespace: 'shop', name: 'p' } }] };
  const plan = compilePolicies(worldOf(cluster, 'n1'))!;
  for (const [own, other] of [
    ['10.244.1.99', '198.51.100.7'],
    ['10.244.1.99', '10.244.2.20'],
    ['fd00:244:1::99', '2001:db8::7'],
  ] as const) {
    t.notOk(passes(plan, 'forward', { source: own, destination: other, protocol: 'tcp', port: 80 }), `from ${own}`);
    t.notOk(passes(plan, 'forward', { source: other, destination: own, protocol: 'tcp', port: 80 }), `to ${own}`);
  }
  t.notOk(passes(plan, 'input', { source: '10.244.1.99', destination: nodes.n1, protocol: 'udp', port: 53 }), 'DNS');
  t.ok(passes(plan, 'forward', { source: '10.244.2.9', destination: '10.244.2.8', protocol: 'tcp', port: 80 }));
  t.equal(compilePolicies({ ...worldOf(cluster, 'n1'), policies: [] }), undefined, 'no policy, no rules');
});
