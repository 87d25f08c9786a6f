// The whole way, from the question to the verdict: sender, name, Service, then hop by hop over the nodes, and the answer back.
import { isIP } from 'node:net';
import { isReady, type Node, services } from '../../controlplane/api';
import { AppError } from '../../controlplane/base/errors';
import type { HopFault, HopPacket } from '../../controlplane/base/hops';
import { addressesOf, type ClusterReader } from './cluster';
import { compare } from './compare';
import { type Followed, follow, followAnswer } from './follow';
import { routeOf, type Url } from './ingress-check';
import { resolveName, zoneOf } from './names';
import { noProbe, type ProbeDeps, type Probed, sendProbe } from './probe';
import { probeSize } from './probe-size';
import type { From, To } from './question';
import { faultHop, type LocatedHop, type PathReport, stops } from './report';
import { findSender, type Sender } from './sender';
import { endText, type ServiceEnd } from './service-check';
import { byAddress, leadOf, type Target } from './target';
import { judge } from './verdict';

export interface PathDeps {
  readonly cluster: ClusterReader;
  /** cluster.local */
  readonly domain: string;
  /** An address of this machine, towards a destination: the sender `outside`. */
  readonly ownAddress: (destination: string) => Promise<string>;
  /** A name as this machine resolves it; undefined: it does not. */
  readonly lookUp: (name: string) => Promise<string | undefined>;
  /** Absent: nothing is sent. */
  readonly probes?: ProbeDeps;
}

export interface PathQuestion {
  readonly from: From;
  readonly to: To;
  readonly family?: 4 | 6;
  /** Of a URL: its host is not resolved, this address is used. */
  readonly connectTo?: string;
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
  const [anyNode = ''] = (await cluster.nodes()).flatMap(addressesOf);
  const sender = await findSender(question.from, cluster, () => ownAddress(anyNode));
  const hops: LocatedHop[] = [];
  if (sender.hop) hops.push({ ...sender.hop, leg: 'request' });
  const target = stops(hops) ? undefined : await findTarget(question, sender, deps, hops);
  const label = { from: sender.label, to: target?.label ?? question.texts.to };
  if (target === undefined) return report(label, hops, {});
  const { to } = question;
  const walked = await walkTo(target, sender, deps, hops);
  const atIngress = to.kind === 'url' && target.label.startsWith('node ') && walked.at !== undefined && !stops(hops);
  const behind = atIngress ? await walkBehind(to, walked.at!, deps, hops) : undefined;
  const labels = atIngress ? { ...label, to: question.texts.to } : label;
  const probes =
    deps.probes === undefined ? [] : await probeWay({ question, sender, target, walked, behind }, deps.probes, hops);
  return report(labels, hops, behind ?? walked, probes);
}

const report = (
  label: { readonly from: string; readonly to: string },
  hops: readonly LocatedHop[],
  { packet, ends = 0 }: Walked,
  probes: readonly Probed[] = [],
): PathReport => ({
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  ...label,
  hops: [...hops, ...probes.map(({ hop }) => hop)],
  ...(packet ? { delivered: packet } : {}),
  probed: probes.length > 0,
  verdict: judge({ ...label, hops, probes: probes.map(({ hop }) => hop), ends }),
});

interface Way {
  readonly question: PathQuestion;
  readonly sender: Sender;
  readonly target: Target;
  readonly walked: Walked;
  readonly behind: (Walked & { readonly target?: Target; readonly sender?: Sender }) | undefined;
}

/** What was planned, tried out. Adds a hop to the plan when the caller may not send. */
async function probeWay(
  { question, sender, target, walked, behind }: Way,
  deps: ProbeDeps,
  hops: LocatedHop[],
): Promise<readonly Probed[]> {
  const { followed, blamed } = walked;
  const { to } = question;
  if (followed === undefined || followed.passed.length === 0) return [];
  const http = to.kind === 'url' ? { http: { scheme: to.scheme, host: to.host, path: to.path } } : {};
  const direct = blamed && behind === undefined ? { direct: blamed } : {};
  const routeless = hops.some(({ kind, state }) => kind === 'proxy' && state === 'stops') ? { routeless: true } : {};
  try {
    const first = await sendProbe(
      { sender, target, followed, leg: 'request', ...http, ...direct, ...routeless, ways: walked.ways ?? [] },
      deps,
    );
    if (first === undefined) return [];
    if (first.hop.state === 'passes') {
      const broken = await probeOthers({ sender, target, ways: walked.ways ?? [] }, deps);
      return broken ? [broken, first] : [first, ...(await probeSize({ sender, target, followed }, deps))];
    }
    // The Ingress answers, but what is behind it does not: the same request from the node of the Ingress.
    if (behind?.followed === undefined || behind.target === undefined || behind.sender === undefined) return [first];
    const upstream = {
      sender: behind.sender,
      target: behind.target,
      followed: behind.followed,
      leg: 'upstream' as const,
    };
    const plain = to.kind === 'url' ? { http: { ...http.http!, scheme: 'http' as const } } : {};
    const second = await sendProbe(
      { ...upstream, ...plain, ...(behind.blamed ? { direct: behind.blamed } : {}) },
      deps,
    );
    return second && second.hop.state !== 'passes' ? [second, first] : [first];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    hops.push(noProbe(error));
    return [];
  }
}

/**
 * A probe to the Service meets one endpoint, by chance. The others are tried by their own addresses. Undefined: all of them answer, or there
 * is only one.
 */
async function probeOthers(
  {
    sender,
    target,
    ways,
  }: { readonly sender: Sender; readonly target: Target; readonly ways: NonNullable<Walked['ways']> },
  deps: ProbeDeps,
): Promise<Probed | undefined> {
  const ends = ways.flatMap(({ end }) => end ?? []);
  const { origin, node } = sender;
  if (ends.length < 2 || target.protocol !== 'tcp' || origin.kind === 'machine' || node === undefined) return undefined;
  const requests = ends.map(({ address, port }) => ({ protocol: 'tcp' as const, address, port, timeoutMs: 500 }));
  const { results } = await deps.cluster.probe(node, { from: origin, requests });
  const bad = results.findIndex(({ outcome }) => outcome !== 'connected');
  if (bad < 0) return undefined;
  const { end, found } = ways[bad]!;
  const probed = await sendProbe({ sender, target, followed: found, leg: 'request', direct: end! }, deps);
  return probed?.hop.state === 'stops' ? probed : undefined;
}

/** Undefined when a hop says why there is none. */
async function findTarget(
  { to, family, connectTo }: PathQuestion,
  sender: Sender,
  deps: PathDeps,
  hops: LocatedHop[],
): Promise<Target | undefined> {
  const { cluster } = deps;
  const port = to.kind === 'url' ? { port: to.port } : {};
  const plain: Exclude<To, { kind: 'url' }> =
    to.kind !== 'url'
      ? to
      : isIP(connectTo ?? to.host) !== 0
        ? { kind: 'address', address: connectTo ?? to.host, ...port }
        : { kind: 'name', name: to.host, ...port };
  const lead = await leadOf(plain, cluster, family);
  if (lead.kind === 'target') return lead.target;
  const resolved =
    sender.origin.kind === 'machine'
      ? await namedOutside(lead.name, deps, hops)
      : await namedTarget(lead.name, sender, deps, hops, family ?? 4);
  // Only servers outside the cluster know the names of most Ingresses.
  const address = resolved ?? (to.kind === 'url' && !stops(hops) ? await anIngressAddress(cluster) : undefined);
  return address === undefined ? undefined : byAddress(address, lead.port, cluster);
}

/** The name as this machine resolves it: its hosts file and name servers. */
async function namedOutside(name: string, { lookUp }: PathDeps, hops: LocatedHop[]): Promise<string | undefined> {
  const address = await lookUp(name.replace(/\.$/, ''));
  if (address !== undefined) {
    const facts = [`this machine resolves it to ${address}`];
    hops.push({ kind: 'name', name: `name ${name}`, state: 'passes', facts, leg: 'name' });
    return address;
  }
  const remedy =
    'hack/up writes the hosts of Ingresses into /etc/hosts; elsewhere add a line there, or a record to your name server';
  const fault = { code: 'NameNotResolved', message: `this machine does not know the name ${name}`, remedy };
  hops.push({ ...faultHop('name', `name ${name}`, fault), leg: 'name' });
  return undefined;
}

/** Every node answers for every Ingress. */
const anIngressAddress = async (cluster: ClusterReader): Promise<string | undefined> =>
  (await cluster.nodes()).filter((node) => isReady(node)).flatMap(addressesOf)[0];

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
  const packet: HopPacket = {
    protocol: 'udp',
    source: '',
    destination: server,
    destinationPort: 53,
    sourcePort: probePort,
  };
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
  const namespace = sender.pod?.metadata?.namespace ?? '';
  const slices = (await Promise.all(headlessNamed(name, all).map((key) => cluster.slicesOf(key)))).flat();
  const resolved = resolveName(name, { resolver, zone: zoneOf(domain, all, slices), services: all, family, namespace });
  hops.push({ ...resolved.hop, leg: 'name' });
  return resolved.addresses[0];
}

/** The Services whose endpoints the zone needs: those that the name can mean. */
const headlessNamed = (name: string, all: Awaited<ReturnType<ClusterReader['services']>>): readonly string[] => {
  const labels = name.split('.');
  return all.flatMap(({ metadata, spec }) =>
    spec?.clusterIP === 'None' && labels.includes(metadata?.name ?? '')
      ? [`${metadata?.namespace}/${metadata?.name}`]
      : [],
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

interface Walked {
  readonly packet?: HopPacket;
  readonly ends?: number;
  /** The way of the first endpoint, or of the one whose way has a fault. */
  readonly followed?: Followed;
  /** The endpoint of that way, if it is not the first. */
  readonly blamed?: ServiceEnd;
  /** The node whose process took the packet. */
  readonly at?: string;
  /** Of each endpoint that was followed. */
  readonly ways?: readonly { readonly end: ServiceEnd | undefined; readonly found: Followed }[];
}

/** From the Ingress of a node to the pod behind the URL. */
async function walkBehind(
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
  const { target } = lead;
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

async function walkTo(
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
  const translator = target.reachedBy === 'nodePort' ? ((await nodeWith(target.address, cluster)) ?? entry) : entry;
  const ends = endsFor(target, translator);
  const chosen: readonly (ServiceEnd | undefined)[] = ends.length === 0 ? [undefined] : ends.slice(0, maxEnds);
  let first: Followed | undefined;
  let shown: Followed | undefined;
  let blamed: ServiceEnd | undefined;
  const ways = await Promise.all(
    chosen.map(async (end) => {
      const followed = await follow({ ...startOf(target, sender, entry, end), leg }, cluster);
      const found = compare(followed, { target, end, ends, translator });
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
  if (first?.end.kind === 'machine' && sender.origin.kind !== 'machine') {
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
    ways,
  };
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

function notFromOutside({ label, address, reachedBy }: Target, sender: Sender) {
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
