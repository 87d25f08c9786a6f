// The whole way, from the question to the verdict: sender, name, Service, then hop by hop over the nodes, and the answer back.
import { isReady, type Node, services } from '../../controlplane/api';
import type { HopFault, HopPacket } from '../../controlplane/base/hops';
import { addressesOf, type ClusterReader } from './cluster';
import { follow, followAnswer, type Followed } from './follow';
import { resolveName, zoneOf } from './names';
import type { From, To } from './question';
import { faultHop, type LocatedHop, type PathReport, stops } from './report';
import { findSender, type Sender } from './sender';
import type { ServiceEnd } from './service-check';
import { byAddress, leadOf, type Target } from './target';
import { judge } from './verdict';

export interface PathDeps {
  readonly cluster: ClusterReader;
  /** cluster.local */
  readonly domain: string;
  /** An address of this machine, towards a destination: the sender `outside`. */
  readonly ownAddress: () => Promise<string>;
}

export interface PathQuestion {
  readonly from: From;
  readonly to: To;
  readonly family?: 4 | 6;
  /** As they were given. */
  readonly texts: { readonly from: string; readonly to: string };
}

/** Of many endpoints these are followed; the verdict says how many there are. */
const maxEnds = 3;
/** A port that no program chooses by itself on Linux by default (ip_local_port_range begins at 32768). */
const probePort = 27_182;

/** @throws NotFound, BadRequest about the question, Forbidden with what the caller may not read */
export async function findPath(question: PathQuestion, deps: PathDeps): Promise<PathReport> {
  const { cluster, ownAddress } = deps;
  const sender = await findSender(question.from, cluster, ownAddress);
  const hops: LocatedHop[] = [];
  if (sender.hop) hops.push({ ...sender.hop, leg: 'request' });
  const target = stops(hops) ? undefined : await findTarget(question, sender, deps, hops);
  const label = { from: sender.label, to: target?.label ?? question.texts.to };
  if (target === undefined) return report(label, hops, {});
  const delivered = await walkTo(target, sender, deps, hops);
  return report(label, hops, delivered);
}

const report = (
  label: { readonly from: string; readonly to: string },
  hops: readonly LocatedHop[],
  { packet, ends = 0 }: { readonly packet?: HopPacket; readonly ends?: number },
): PathReport => ({
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  ...label,
  hops,
  ...(packet ? { delivered: packet } : {}),
  probed: false,
  verdict: judge({ ...label, hops, ends }),
});

/** Undefined when a hop says why there is none. */
async function findTarget(
  { to, family }: PathQuestion,
  sender: Sender,
  deps: PathDeps,
  hops: LocatedHop[],
): Promise<Target | undefined> {
  if (to.kind === 'url') throw new Error('not here yet');
  const lead = await leadOf(to, deps.cluster, family);
  if (lead.kind === 'target') return lead.target;
  const wanted = await namedTarget(lead.name, sender, deps, hops, family ?? 4);
  if (wanted === undefined) return undefined;
  return byAddress(wanted, lead.port, deps.cluster);
}

const dnsKey = 'kube-system/kube-dns';

/** The address that the sender gets for a name, with the way to its name server. */
async function namedTarget(
  name: string,
  sender: Sender,
  { cluster, domain }: PathDeps,
  hops: LocatedHop[],
  family: 4 | 6,
): Promise<string | undefined> {
  const dns = await cluster.find(services, dnsKey);
  const server = dns?.spec?.clusterIP;
  if (sender.origin.kind !== 'pod' || sender.node === undefined || server === undefined) {
    const why = `${sender.label} does not ask the name server of the cluster`;
    const fault = { code: 'NameNotResolved', message: `${why}: name the destination by its address, or as svc/NAME` };
    hops.push({ ...faultHop('name', `name ${name}`, fault), leg: 'name' });
    return undefined;
  }
  const packet: HopPacket = { protocol: 'udp', source: '', destination: server, destinationPort: 53, sourcePort: probePort };
  const start = { node: sender.node, from: sender.origin, packet, leg: 'name' as const };
  let asked = await follow(start, cluster);
  const resolver = asked.passed[0]?.answer.resolver ?? { servers: [server], search: [], ndots: 1 };
  const [first] = resolver.servers;
  if (first !== undefined && first !== server && first.includes(':') === server.includes(':')) {
    asked = await follow({ ...start, packet: { ...packet, destination: first } }, cluster);
  }
  hops.push(...asked.hops.map((hop) => (hop.fault ? { ...hop, fault: dnsFault(hop.fault, hop.node) } : hop)));
  if (stops(hops)) return undefined;
  if (asked.end.kind === 'machine' && asked.packet.destination === first && first !== server) {
    const fact = `the name server ${first} is not the cluster's: only it knows what it answers`;
    hops.push({ kind: 'name', name: `name ${name}`, state: 'unknown', facts: [fact], leg: 'name' });
  }
  const all = await cluster.services();
  const slices = (await Promise.all(headlessNamed(name, all).map((key) => cluster.slicesOf(key)))).flat();
  const resolved = resolveName(name, { resolver, zone: zoneOf(domain, all, slices), services: all, family });
  hops.push({ ...resolved.hop, leg: 'name' });
  return resolved.addresses[0];
}

/** The Services whose endpoints the zone needs: those that the name can mean. */
const headlessNamed = (name: string, all: Awaited<ReturnType<ClusterReader['services']>>): readonly string[] => {
  const labels = name.split('.');
  return all.flatMap(({ metadata, spec }) =>
    spec?.clusterIP === 'None' && labels.includes(metadata?.name ?? '') ? [`${metadata?.namespace}/${metadata?.name}`] : [],
  );
};

/** What stops the look-up of a name, in words about the name server. */
function dnsFault(fault: HopFault, node: string | undefined): HopFault {
  if (fault.code === 'NothingListens') {
    return {
      code: 'DnsDown',
      message: `the name server of node ${node} does not run: ${fault.message}`,
      remedy: 'hack/logs dns, or systemctl status k8ts-dns on the node',
    };
  }
  return { ...fault, message: `the name server cannot be asked: ${fault.message}` };
}

async function walkTo(
  target: Target,
  sender: Sender,
  deps: PathDeps,
  hops: LocatedHop[],
): Promise<{ readonly packet?: HopPacket; readonly ends?: number }> {
  const { cluster } = deps;
  hops.push(...target.hops.map((hop): LocatedHop => ({ ...hop, leg: 'request' })));
  if (target.address === '' || target.address === 'None') return {};
  const entry = sender.node ?? (await entryNode(target, cluster));
  if (entry === undefined) {
    hops.push({ ...notFromOutside(target, sender), leg: 'request' });
    return {};
  }
  const ends = endsFor(target, entry);
  const chosen: readonly (ServiceEnd | undefined)[] = ends.length === 0 ? [undefined] : ends.slice(0, maxEnds);
  let first: Followed | undefined;
  for (const end of chosen) {
    const followed = await follow(startOf(target, sender, entry, end), cluster);
    const found = checked(followed, { target, end, ends });
    const arrived = found.end.kind !== 'stopped' ? await followAnswer(found, cluster) : [];
    const both = [...found.hops, ...arrived];
    if (first === undefined || both.some(({ state }) => state !== 'passes')) {
      // Of further endpoints only a way with a fault is shown.
      if (first !== undefined) hops.push({ ...otherEnd(end!, target), leg: 'request' });
      hops.push(...both);
    }
    first ??= found;
    if (stops(both)) break;
  }
  const packet = first && first.end.kind !== 'stopped' ? first.packet : undefined;
  return { ...(packet ? { packet } : {}), ends: ends.length };
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
    ...(target.port === undefined ? {} : { destinationPort: target.reachedBy === 'endpoint' && end ? end.port : target.port, sourcePort: probePort }),
  },
  ...(end && target.reachedBy !== 'endpoint' ? { endpoint: endText(end) } : {}),
  leg: 'request' as const,
});

const endText = ({ address, port }: Pick<ServiceEnd, 'address' | 'port'>): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** The endpoints that this node may choose. */
function endsFor({ ends, service, reachedBy }: Target, node: string): readonly ServiceEnd[] {
  const { internalTrafficPolicy, externalTrafficPolicy } = service?.spec ?? {};
  const policy = reachedBy === 'clusterIP' ? internalTrafficPolicy : reachedBy === 'endpoint' ? undefined : externalTrafficPolicy;
  return policy === 'Local' ? ends.filter((end) => end.node === node) : ends;
}

/** The node where a packet from outside comes in; undefined: it cannot reach this address. */
async function entryNode(target: Target, cluster: ClusterReader): Promise<string | undefined> {
  const all = await cluster.nodes();
  const own = all.find((node) => addressesOf(node).includes(target.address));
  if (own) return own.metadata?.name;
  if (target.reachedBy !== 'loadBalancer' && target.reachedBy !== 'externalIP') return undefined;
  const ready = all.filter((node: Node) => isReady(node));
  const local = target.service?.spec?.externalTrafficPolicy === 'Local';
  const with_ = local ? ready.find(({ metadata }) => target.ends.some(({ node }) => node === metadata?.name)) : undefined;
  return (with_ ?? ready[0])?.metadata?.name;
}

function notFromOutside({ label, address, reachedBy }: Target, sender: Sender) {
  const what =
    reachedBy === 'clusterIP' ? `${address} is a ClusterIP, which only nodes and their pods know` : `${address} is an address of the pod network`;
  return faultHop('machine', sender.label, {
    code: 'OnlyInsideCluster',
    message: `${sender.label} cannot reach ${label}: ${what}`,
    remedy: 'use a Service of type NodePort or LoadBalancer, an Ingress, or kubectl port-forward',
  });
}

/** The kernel against the API: rules that do not lead where the EndpointSlices say. */
function checked(
  followed: Followed,
  { target, end, ends }: { readonly target: Target; readonly end: ServiceEnd | undefined; readonly ends: readonly ServiceEnd[] },
): Followed {
  const [start] = followed.passed;
  if (target.service === undefined || target.reachedBy === 'endpoint' || start === undefined) return followed;
  const key = `${target.service.metadata?.namespace}/${target.service.metadata?.name}`;
  const refused = followed.hops.findIndex(({ fault }) => fault !== undefined && refusals.has(fault.code));
  const behind = (message: string): HopFault => ({
    code: 'ProxyBehind',
    message: `kube-proxy of node ${start.node} is behind, or does not run: ${message}`,
    remedy: `see whether kube-proxy of node ${start.node} runs (hack/status; hack/logs kube-proxy)`,
  });
  if (refused >= 0 && ends.length > 0) {
    const hop = followed.hops[refused]!;
    if (hop.fault?.code === 'SourceRange') return followed;
    const fault = behind(`Service ${key} has ${ends.length} ready endpoints, but the rules say: ${hop.fault!.message}`);
    return { ...followed, hops: followed.hops.with(refused, { ...hop, fault }) };
  }
  if (end === undefined || followed.end.kind === 'stopped') return followed;
  const { packet } = start.answer;
  const reached = endText({ address: packet.destination, port: packet.destinationPort ?? 0 });
  if (reached === endText(end)) return followed;
  const known = ends.some((one) => endText(one) === reached);
  const what =
    packet.destination === target.address
      ? `its rules do not know ${target.address} port ${target.port} of Service ${key}`
      : known
        ? `no rule leads to ${endText(end)}, a ready endpoint of Service ${key}`
        : `its rules lead to ${reached}, which is no ready endpoint of Service ${key}`;
  const at = followed.hops.findLastIndex(({ kind, node }) => kind === 'hook' && node === start.node);
  const hop: LocatedHop = { ...faultHop('hook', 'rules of kube-proxy', behind(what)), leg: 'request', node: start.node };
  return { ...followed, hops: followed.hops.toSpliced(at + 1, 0, hop), end: { kind: 'stopped' } };
}

const refusals: ReadonlySet<string> = new Set(['NoEndpoints', 'NoLocalEndpoints', 'ServiceRefuses', 'NoSuchService', 'NoSuchPort', 'SourceRange']);
