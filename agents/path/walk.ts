// The way to a destination: from the sender's node to each endpoint, and the answers back; and the way behind an Ingress.
import { isReady, type Node, services } from '../../controlplane/api';
import type { Hop, HopPacket } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { addressesOf, type ClusterReader } from './cluster';
import { compare } from './compare';
import type { PathDeps } from './deps';
import { type Followed, follow, followAnswer } from './follow';
import { routeOf, type Url } from './ingress-check';
import { withReasons } from './policy-reasons';
import { faultHop, stops } from './report';
import type { Sender } from './sender';
import { endText, keyOf, type ServiceEnd } from './service-check';
import { leadOf, type Target } from './target';

/** Of many endpoints these are followed; the verdict says how many there are. */
const maxEnds = 3;
/** A port that no program chooses by itself on Linux by default (ip_local_port_range begins at 32768). */
export const probePort = 27_182;

export interface Walked {
  readonly packet?: HopPacket;
  readonly ends?: number;
  /** The way of the first endpoint, or of the one whose way has a fault. */
  readonly followed?: Followed;
  /** The endpoint of that way, if it is not the first. */
  readonly blamed?: ServiceEnd;
  /** The node whose process took the packet. */
  readonly at?: string;
  /** The plan stops at some endpoints, and not at others. */
  readonly isPart?: true;
  /** Of each endpoint that was followed. */
  readonly ways?: readonly { readonly end: ServiceEnd | undefined; readonly found: Followed }[];
}

/** From the Ingress of a node to the pod behind the URL. */
export async function walkBehind(
  url: Url,
  node: string,
  deps: PathDeps,
  hops: LocatedHop[],
): Promise<Walked & { readonly target?: Target; readonly sender?: Sender }> {
  const { cluster } = deps;
  const { hops: routing, backend } = await routeOf(url, cluster);
  hops.push(...routing.map((hop): LocatedHop => ({ ...hop, leg: 'upstream', node })));
  if (backend === undefined) return {};
  const [namespace = '', name = ''] = backend.service.split('/');
  const service = await cluster.find(services, backend.service);
  if (service === undefined) {
    const fault = {
      code: 'BackendMissing',
      message: `Service ${backend.service}, the backend of the Ingress, does not exist (503)`,
      remedy: `kubectl get services -n ${namespace}`,
    };
    hops.push({ ...faultHop('choice', `Service ${backend.service}`, fault), leg: 'upstream', node });
    return {};
  }
  const lead = await leadOf({ kind: 'service', namespace, name, port: backend.port }, cluster);
  // An ExternalName leads out of the cluster: only the Ingress itself knows what it finds there.
  if (lead.kind === 'name') {
    const facts = [`Service ${backend.service} is another name for ${lead.name}`];
    hops.push({ kind: 'name', name: `name ${lead.name}`, state: 'unknown', facts, leg: 'upstream', node });
    return {};
  }
  // The Ingress connects to the endpoints themselves, not to the Service's address.
  const target = namedByIngress(lead.target, backend.ingress);
  const first = target.ends[0];
  const direct: Target = {
    ...target,
    reachedBy: 'endpoint',
    address: first?.address ?? '',
    ...(first ? { port: first.port } : {}),
  };
  const sender: Sender = { label: `the Ingress of node ${node}`, node, origin: { kind: 'node' }, addresses: [] };
  return { ...(await walkTo(direct, sender, deps, hops, 'upstream')), target: direct, sender };
}

/** A port that the Service does not have stands in the Ingress: there it can be put right. */
function namedByIngress(target: Target, ingress: string): Target {
  const [namespace, name] = ingress.split('/');
  const remedy = `kubectl edit ingress -n ${namespace} ${name}`;
  const hops = target.hops.map((hop) => {
    if (hop.fault?.code !== 'NoSuchPort') return hop;
    return {
      ...hop,
      fault: { ...hop.fault, message: `${hop.fault.message}; Ingress ${ingress} names that one`, remedy },
    };
  });
  return { ...target, hops };
}

export async function walkTo(
  target: Target,
  sender: Sender,
  deps: PathDeps,
  hops: LocatedHop[],
  leg: 'request' | 'upstream' = 'request',
): Promise<Walked> {
  const { cluster } = deps;
  hops.push(...target.hops.map((hop): LocatedHop => ({ ...hop, leg })));
  if (target.address === '' || target.address === 'None') return {};
  const entry = sender.node ?? (await entryNode(target, cluster));
  if (entry === undefined) {
    hops.push({ ...notFromOutside(target, sender), leg });
    return {};
  }
  const nodeAddresses = new Set((await cluster.nodes()).flatMap(addressesOf));
  const translator = target.reachedBy === 'nodePort' ? ((await nodeWith(target.address, cluster)) ?? entry) : entry;
  const ends = endsFor(target, translator);
  const chosen: readonly (ServiceEnd | undefined)[] = ends.length === 0 ? [undefined] : ends.slice(0, maxEnds);
  let first: Followed | undefined;
  let shown: Followed | undefined;
  let blamed: ServiceEnd | undefined;
  const ways = await Promise.all(
    chosen.map(async (end) => {
      const followed = await follow({ ...startOf(target, sender, entry, end), leg }, cluster);
      const compared = compare(followed, { target, end, ends, translator, nodeAddresses });
      const found = withInstead(await withReasons(compared, cluster), target);
      const arrived = found.end.kind !== 'stopped' ? await followAnswer(found, cluster) : [];
      return { end, found, both: [...found.hops, ...arrived] };
    }),
  );
  for (const { end, found, both } of ways) {
    if (first === undefined || both.some(({ state }) => state !== 'passes')) {
      // Of further endpoints only a way with a fault is shown.
      if (first !== undefined) hops.push({ ...otherEnd(end!, target), leg });
      hops.push(...both);
    }
    if (first !== undefined && stops(both)) blamed = end;
    if (first === undefined || stops(both)) shown = found;
    first ??= found;
    if (stops(both)) break;
  }
  const pod = (blamed ?? chosen[0])?.pod ?? (target.pod && keyOf(target.pod));
  if (first?.end.kind === 'machine' && pod !== undefined) {
    hops.push({ ...wrongWay(first, first.end.machine, pod), leg, node: first.passed.at(-1)?.node ?? '' });
  } else if (first?.end.kind === 'machine' && sender.origin.kind !== 'machine') {
    const facts = [
      `${first.packet.destination} is no machine of the cluster: what is behind ${first.end.machine} is not known`,
    ];
    hops.push({ kind: 'machine', name: first.packet.destination, state: 'unknown', facts, leg });
  }
  const packet = first && first.end.kind !== 'stopped' ? first.packet : undefined;
  const last = first?.passed.at(-1);
  const at = first?.end.kind === 'node' ? last?.node : undefined;
  return {
    ...(packet ? { packet } : {}),
    ends: ends.length,
    ...(at ? { at } : {}),
    ...(shown ? { followed: shown } : {}),
    ...(blamed && ends.length > 1 ? { blamed } : {}),
    ...(ways.some(({ both }) => stops(both)) && !ways.every(({ both }) => stops(both))
      ? { isPart: true as const }
      : {}),
    ways,
  };
}

/** Where nothing listens at a port of a node, and a pod has it in another way. */
function withInstead(followed: Followed, { instead }: Target): Followed {
  const index = followed.hops.findIndex(({ kind, fault }) => kind === 'socket' && fault?.code === 'NothingListens');
  const hop = followed.hops[index];
  if (instead === undefined || hop?.fault === undefined) return followed;
  const fault = { ...hop.fault, message: `${hop.fault.message}; ${instead}` };
  return { ...followed, hops: followed.hops.with(index, { ...hop, fault }) };
}

/** A node sends what is for a pod to a machine that is no node. */
function wrongWay({ passed, packet }: Followed, machine: string, pod: string): Hop {
  const { node = '', answer } = passed.at(-1) ?? {};
  const known = (answer?.hops ?? []).flatMap(({ facts }) => facts).find((fact) => fact.startsWith('a rule of policy'));
  const why = known ?? 'a rule of policy routing, or a route of another program, leads there';
  return faultHop('machine', packet.destination, {
    code: 'WrongWay',
    message: `node ${node} sends what is for pod ${pod} (${packet.destination}) to ${machine}, which is no node: ${why}`,
    remedy: `on node ${node}: ip rule; ip route get ${packet.destination} from ${packet.source || 'SOURCE'} iif cni0`,
  });
}

const otherEnd = ({ address, port, pod }: ServiceEnd, { label }: Target) => ({
  kind: 'choice' as const,
  name: label,
  state: 'passes' as const,
  facts: [`when chance chooses ${address}:${port}${pod ? `, pod ${pod}` : ''}:`],
});

const startOf = (target: Target, sender: Sender, node: string, end: ServiceEnd | undefined) => ({
  node,
  from: sender.origin,
  packet: {
    protocol: target.protocol,
    source: sender.addresses.find((own) => own.includes(':') === target.address.includes(':')) ?? '',
    destination: target.reachedBy === 'endpoint' && end ? end.address : target.address,
    ...(target.port === undefined
      ? {}
      : { destinationPort: target.reachedBy === 'endpoint' && end ? end.port : target.port, sourcePort: probePort }),
  },
  ...(end && target.reachedBy !== 'endpoint' ? { endpoint: endText(end) } : {}),
});

/** The endpoints that this node may choose. */
function endsFor({ ends, service, reachedBy }: Target, node: string): readonly ServiceEnd[] {
  const { internalTrafficPolicy, externalTrafficPolicy } = service?.spec ?? {};
  const policy =
    reachedBy === 'clusterIP' ? internalTrafficPolicy : reachedBy === 'endpoint' ? undefined : externalTrafficPolicy;
  return policy === 'Local' ? ends.filter((end) => end.node === node) : ends;
}

const nodeWith = async (address: string, cluster: ClusterReader): Promise<string | undefined> =>
  (await cluster.nodes()).find((node) => addressesOf(node).includes(address))?.metadata?.name;

/** The node where a packet from outside comes in; undefined: it cannot reach this address. */
async function entryNode(target: Target, cluster: ClusterReader): Promise<string | undefined> {
  const all = await cluster.nodes();
  const own = all.find((node) => addressesOf(node).includes(target.address));
  if (own) return own.metadata?.name;
  if (target.reachedBy !== 'loadBalancer' && target.reachedBy !== 'externalIP') return undefined;
  const ready = all.filter((node: Node) => isReady(node));
  const local = target.service?.spec?.externalTrafficPolicy === 'Local';
  const with_ = local
    ? ready.find(({ metadata }) => target.ends.some(({ node }) => node === metadata?.name))
    : undefined;
  return (with_ ?? ready[0])?.metadata?.name;
}

function notFromOutside({ label, address, reachedBy, service, pod }: Target, sender: Sender) {
  if (reachedBy === undefined && pod === undefined) {
    return faultHop('machine', sender.label, {
      code: 'NobodyThere',
      message: `no node, pod or Service has the address ${address}: it is none of the cluster, as far as the API knows`,
      remedy: 'kubectl get nodes,pods,services -A -o wide',
    });
  }
  const isPending = service?.spec?.type === 'LoadBalancer' && !service.status?.loadBalancer?.ingress?.length;
  if (isPending) {
    const { namespace, name } = service.metadata ?? {};
    const kind = service.spec?.loadBalancerClass;
    const why = kind ? `; its loadBalancerClass ${kind} is for another controller` : '';
    return faultHop('machine', sender.label, {
      code: 'OnlyInsideCluster',
      message: `Service ${namespace}/${name} waits for the address of its load balancer, and ${address} is its ClusterIP, which only nodes and their pods know${why}`,
      remedy: `kubectl describe service -n ${namespace} ${name} says why; a node port of it works meanwhile`,
    });
  }
  const what =
    reachedBy === 'clusterIP'
      ? `${address} is a ClusterIP, which only nodes and their pods know`
      : `${address} is an address of the pod network`;
  return faultHop('machine', sender.label, {
    code: 'OnlyInsideCluster',
    message: `${sender.label} cannot reach ${label}: ${what}`,
    remedy: 'use a Service of type NodePort or LoadBalancer, an Ingress, or kubectl port-forward',
  });
}
