// From TO to an address: names are resolved as the sender would, with the way to its name server.
import { isIP } from 'node:net';
import { isReady, type Pod, services } from '../../controlplane/api';
import { BadRequest } from '../../controlplane/base/errors';
import type { Hop, HopFault, HopPacket } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { addressesOf, type ClusterReader } from './cluster';
import type { PathDeps, PathQuestion } from './deps';
import { follow, followAnswer } from './follow';
import { logOf } from './log-of';
import { askNameServers } from './name-servers';
import { hostsAddress, type Resolver, resolveName, zoneOf } from './names';
import { withReasons } from './policy-reasons';
import type { To } from './question';
import { faultHop, stops } from './report';
import type { Sender } from './sender';
import { byAddress, leadOf, type Target } from './target';
import { probePort } from './walk';

/** Undefined when a hop says why there is none. */
export async function findTarget(
  { to, family, connectTo }: PathQuestion,
  sender: Sender,
  deps: PathDeps,
  hops: LocatedHop[],
): Promise<Target | undefined> {
  const { cluster } = deps;
  // HTTP goes by TCP.
  const port = to.kind === 'url' ? { port: to.port, protocol: 'tcp' as const } : {};
  const plain: Exclude<To, { kind: 'url' }> =
    to.kind !== 'url'
      ? to
      : isIP(connectTo ?? to.host) !== 0
        ? { kind: 'address', address: connectTo ?? to.host, ...port }
        : { kind: 'name', name: to.host, ...port };
  const lead = await leadOf(plain, cluster, family);
  if (lead.kind === 'target') return sender.origin.kind === 'machine' ? fromOutside(lead.target, cluster) : lead.target;
  const resolved =
    sender.origin.kind === 'machine'
      ? await namedOutside(lead.name, to, deps, hops)
      : await namedTarget(lead.name, sender, deps, hops, family);
  // Only servers outside the cluster know the names of most Ingresses.
  const address = resolved ?? (to.kind === 'url' && !stops(hops) ? await anIngressAddress(cluster) : undefined);
  return address === undefined ? undefined : byAddress(address, lead.port, cluster);
}

/** A Service from outside: by the address or the port that it has there, if it has one. */
async function fromOutside(target: Target, cluster: ClusterReader): Promise<Target> {
  const { service, servicePort, reachedBy, protocol } = target;
  if (reachedBy !== 'clusterIP' || servicePort === undefined) return target;
  const outer = service?.status?.loadBalancer?.ingress?.find(({ ip }) => ip)?.ip ?? service?.spec?.externalIPs?.[0];
  if (outer !== undefined) return byAddress(outer, { port: servicePort.port, protocol }, cluster);
  const node = (await cluster.nodes()).filter((one) => isReady(one)).flatMap(addressesOf)[0];
  return servicePort.nodePort && node !== undefined
    ? byAddress(node, { port: servicePort.nodePort, protocol }, cluster)
    : target;
}

/** The name as this machine resolves it: its hosts file and name servers. */
async function namedOutside(
  name: string,
  to: To,
  { lookUp }: PathDeps,
  hops: LocatedHop[],
): Promise<string | undefined> {
  if (lookUp === undefined) {
    if (to.kind !== 'url') {
      throw new BadRequest('only the sender itself knows what it takes this name for: give the address, or svc/NAME');
    }
    const facts = ['not looked up, only the sender could: the request goes to a node, as if the name led there'];
    hops.push({ kind: 'name', name: `name ${name}`, state: 'passes', facts, leg: 'name' });
    return undefined;
  }
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
  { cluster, domain, probes }: PathDeps,
  hops: LocatedHop[],
  wanted: 4 | 6 | undefined,
): Promise<string | undefined> {
  const dns = await cluster.find(services, dnsKey);
  const server = dns?.spec?.clusterIP;
  const { origin } = sender;
  if (origin.kind === 'machine' || !asksCluster(sender) || sender.node === undefined || server === undefined) {
    hops.push({ ...faultHop('name', `name ${name}`, unasked(sender)), leg: 'name' });
    return undefined;
  }
  const packet: HopPacket = {
    protocol: 'udp',
    source: '',
    destination: server,
    destinationPort: 53,
    sourcePort: probePort,
  };
  const start = { node: sender.node, from: origin, packet, leg: 'name' as const };
  const ask = async (to: HopPacket) => withReasons(await follow({ ...start, packet: to }, cluster), cluster);
  let asked = await ask(packet);
  const own = sender.pod?.metadata?.namespace ?? '';
  // A node that is silent does not say it: then what the kubelet writes for most pods (dnsPolicy ClusterFirst).
  const usual: Resolver = { servers: [server], search: [`${own}.svc.${domain}`, `svc.${domain}`, domain], ndots: 5 };
  const read = asked.passed[0]?.answer.resolver;
  const resolver = read ?? usual;
  const all = await cluster.services();
  const slices = (await Promise.all(headlessNamed(name, all).map((key) => cluster.slicesOf(key)))).flat();
  const zone = zoneOf(domain, all, slices, await podsNamed(name, cluster));
  const inFamily = (one: 4 | 6) => ({
    family: one,
    ofHosts: hostsAddress(name, resolver, one),
    resolved: resolveName(name, { resolver, zone, services: all, family: one, namespace: own }),
  });
  const { family, ofHosts, resolved } = preferred(wanted, inFamily);
  if (ofHosts !== undefined) {
    hops.push({ ...hostsHop(name, ofHosts, sender, resolved.addresses), leg: 'name', node: sender.node });
    return ofHosts;
  }
  const [first] = resolver.servers;
  const isForeign = first !== undefined && first !== server && first.includes(':') === server.includes(':');
  if (isForeign || resolver.tcp) {
    const to = isForeign ? { destination: first } : {};
    asked = await ask({ ...packet, ...to, ...(resolver.tcp ? { protocol: 'tcp' } : {}) });
  }
  const foreign = first === server ? undefined : first;
  const back = asked.end.kind === 'stopped' ? [] : await followAnswer(asked, cluster);
  // The way of the answer is news only where something is wrong there.
  const wrong = back.some(({ state }) => state !== 'passes')
    ? back.map((hop): LocatedHop => ({ ...hop, leg: 'name' }))
    : [];
  const way = [...asked.hops, ...wrong].map((hop) =>
    hop.fault ? { ...hop, fault: dnsFault(hop.fault, hop.node, foreign) } : hop,
  );
  // A resolver goes on to the next server.
  const isOnly = foreign === undefined || resolver.servers.length < 2 || probes === undefined;
  hops.push(...(isOnly ? way : way.map((hop) => onlyFirst(hop))));
  if (stops(hops)) return undefined;
  if (asked.end.kind === 'machine' && asked.packet.destination === first && first !== server) {
    const fact = `the name server ${first} is not the cluster's: only it knows what it answers`;
    hops.push({ kind: 'name', name: `name ${name}`, state: 'unknown', facts: [fact], leg: 'name' });
  }
  const guess = read ? [] : ['resolv.conf of the pod could not be read: taken as the kubelet writes it for most pods'];
  hops.push({ ...resolved.hop, facts: [...guess, ...resolved.hop.facts], leg: 'name' });
  if (probes === undefined || stops(hops)) return resolved.addresses[0];
  const { hop, addresses } = await askNameServers(
    {
      node: sender.node,
      from: origin,
      servers: resolver.servers,
      name: resolved.asked ?? name,
      ...(resolved.alias ? { alias: resolved.alias } : {}),
      family,
      expected: resolved.addresses,
      ...(resolver.tcp ? { tcp: true } : {}),
    },
    cluster,
  );
  if (hop) hops.push(withDoubt(hop, hops));
  if (stops(hops)) return undefined;
  // Only the servers know names outside the cluster: what they say is the plan.
  if (resolved.addresses.length === 0 && addresses.length > 0) known(hops);
  return resolved.addresses[0] ?? addresses[0];
}

interface InFamily {
  readonly family: 4 | 6;
  readonly ofHosts: string | undefined;
  readonly resolved: ReturnType<typeof resolveName>;
}

/** A resolver asks for both families; IPv6 counts where it is the only one that the name has. */
function preferred(wanted: 4 | 6 | undefined, inFamily: (family: 4 | 6) => InFamily): InFamily {
  const first = inFamily(wanted ?? 4);
  if (wanted !== undefined || first.ofHosts !== undefined || first.resolved.hop.state !== 'stops') return first;
  const other = inFamily(6);
  return other.ofHosts !== undefined || other.resolved.addresses.length > 0 ? other : first;
}

/** What stops the question to the first of several servers makes look-ups slow. */
const onlyFirst = (hop: LocatedHop): LocatedHop =>
  hop.state !== 'stops' || hop.fault === undefined
    ? hop
    : { ...hop, state: 'doubtful', fault: { ...hop.fault, code: 'NameServerSilent' } };

/** Of the namespace in `10-244-1-8.shop.pod`, with any suffix. */
async function podsNamed(name: string, cluster: ClusterReader): Promise<readonly Pod[]> {
  const [, namespace, kind] = name.split('.');
  return kind === 'pod' && namespace !== undefined ? cluster.pods(namespace) : [];
}

/** A pod with the network of its node has the name servers of the node, unless it asks for those of the cluster. */
const asksCluster = ({ origin, pod }: Sender): boolean =>
  origin.kind === 'pod' || pod?.spec?.dnsPolicy === 'ClusterFirstWithHostNet';

function unasked({ label, pod }: Sender): HopFault {
  if (pod === undefined) {
    const message = `${label} does not ask the name server of the cluster: name the destination by its address, or as svc/NAME`;
    return { code: 'NameNotResolved', message };
  }
  const { dnsPolicy = 'ClusterFirst', nodeName } = pod.spec ?? {};
  return {
    code: 'NoSearchList',
    message: `${label} has hostNetwork and dnsPolicy ${dnsPolicy}: it asks the name servers of node ${nodeName}, which know no name of the cluster`,
    remedy: 'set dnsPolicy: ClusterFirstWithHostNet in the pod',
  };
}

/** What was not known before the servers were asked is known now. */
function known(hops: LocatedHop[]): void {
  for (const [i, hop] of hops.entries()) {
    if (hop.leg === 'name' && hop.kind === 'name' && hop.state === 'unknown') hops[i] = { ...hop, state: 'passes' };
  }
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

/** The hosts file is read first: a name of the cluster in it hides the Service. */
function hostsHop(name: string, address: string, { label, addresses }: Sender, known: readonly string[]): Hop {
  const hop = { kind: 'name', name: `name ${name}` } as const;
  const isItself = addresses.includes(address);
  const writer = isItself ? 'the kubelet writes the name of the pod itself' : 'spec.hostAliases, or a program wrote it';
  const fact = `the hosts file of ${label} says ${address}: no name server is asked (${writer})`;
  if (known.length === 0 || known.includes(address)) return { ...hop, state: 'passes', facts: [fact] };
  const message = `the hosts file of ${label} says that ${name} is ${address}, the Services say ${known.join(', ')}: no name server is asked`;
  const remedy = isItself
    ? 'the pod has the name of the Service: use the longer name, with the namespace'
    : 'compare spec.hostAliases of the pod; if a program has changed /etc/hosts, delete the pod';
  return { ...hop, state: 'doubtful', facts: [fact], fault: { code: 'NameAnswersOther', message, remedy } };
}

/** A server that is silent, behind a hop that could not be judged: the hop may be why. */
function withDoubt(silent: LocatedHop, before: readonly LocatedHop[]): LocatedHop {
  const doubt = before.find(
    ({ leg, kind, state, fault }) =>
      leg === 'name' && kind !== 'name' && (state === 'unknown' || fault?.code === 'UnreadRule'),
  );
  if (silent.fault?.code !== 'DnsDown' || doubt === undefined) return silent;
  const why = doubt.fault?.message ?? `${doubt.name} could not be judged: ${doubt.facts.at(-1) ?? ''}`;
  const first = doubt.fault?.remedy ?? 'begin with that rule';
  const remedy = `${first}; then ${logOf('dns', silent.node)}`;
  return {
    ...silent,
    fault: {
      ...silent.fault,
      message: `${silent.fault.message}; on the way to it${doubt.node ? `, on node ${doubt.node}` : ''}: ${why}`,
      remedy,
    },
  };
}

/**
 * What stops the look-up of a name, in words about the name server.
 * @param foreign present: resolv.conf of the pod names this server, which is not the cluster's
 */
function dnsFault(fault: HopFault, node: string | undefined, foreign: string | undefined): HopFault {
  if (foreign !== undefined) {
    const message = `resolv.conf of the pod names the name server ${foreign}, which is not the cluster's, and it cannot be asked: ${fault.message}`;
    const remedy = 'compare dnsPolicy and dnsConfig of the pod; if a program has changed the file, delete the pod';
    return { ...fault, message, remedy };
  }
  if (fault.code === 'NothingListens') {
    return {
      code: 'DnsDown',
      message: `the name server of node ${node} does not run: ${fault.message}`,
      remedy: logOf('dns', node),
    };
  }
  return { ...fault, message: `the name server cannot be asked: ${fault.message}` };
}
