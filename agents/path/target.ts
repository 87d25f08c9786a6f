// What is sent to: an address, a port and a protocol, with the Service, pod or node that has them.
import { type Node, nodes, type Pod, pods, type Service, services } from '../../controlplane/api';
import { isExternalName, isHeadless } from '../../controlplane/api/services/types';
import { BadRequest, NotFound } from '../../controlplane/base/errors';
import type { Hop, HopFault } from '../../controlplane/base/hops';
import { addressesOf, type ClusterReader, podAddresses } from './cluster';
import type { PortOf, Protocol, To } from './question';
import { faultHop } from './report';
import {
  chooseEnds,
  choosePort,
  isFault,
  keyOf,
  type ServiceChoice,
  type ServiceEnd,
  type ServicePort,
  selectsPod,
  whyNotReady,
} from './service-check';

export interface Target {
  readonly label: string;
  readonly address: string;
  readonly port?: number;
  readonly protocol: Protocol;
  /** About the Service, or about the pod. */
  readonly hops: readonly Hop[];
  readonly service?: Service;
  readonly servicePort?: ServicePort;
  /** The endpoints that may be chosen; empty when the destination is no Service. */
  readonly ends: readonly ServiceEnd[];
  /** By which kind of address of the Service it is reached. */
  readonly reachedBy?: 'clusterIP' | 'nodePort' | 'loadBalancer' | 'externalIP' | 'endpoint';
  readonly pod?: Pod;
  /** Of a port of a node: pods that have it in another way, if nothing listens there. */
  readonly instead?: string;
}

/** Where a name stands for the destination, it has to be resolved first. */
export type Lead =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'name'; readonly name: string; readonly port: PortOf };

/** @throws NotFound, BadRequest for an object without such a port */
export async function leadOf(to: Exclude<To, { kind: 'url' }>, cluster: ClusterReader, family?: 4 | 6): Promise<Lead> {
  const target = (found: Target): Lead => ({ kind: 'target', target: found });
  switch (to.kind) {
    case 'name':
      return { kind: 'name', name: to.name, port: to };
    case 'address':
      return target(await byAddress(to.address, to, cluster));
    case 'node': {
      const node = await cluster.find(nodes, to.name);
      if (!node) throw new NotFound(`node ${to.name} does not exist`);
      const address = pick(addressesOf(node), family);
      if (address === undefined)
        throw new NotFound(`node ${to.name} has no address${family ? ` of IPv${family}` : ''}`);
      return target(await byAddress(address, to, cluster));
    }
    case 'pod': {
      const key = `${to.namespace}/${to.name}`;
      const pod = await cluster.find(pods, key);
      if (!pod) throw new NotFound(`pod ${key} does not exist`);
      return target(ofPod(pod, to, family));
    }
    default: {
      const key = `${to.namespace}/${to.name}`;
      const service = await cluster.find(services, key);
      if (!service) throw new NotFound(await noService(key, to.name, cluster));
      if (service.spec && isExternalName(service.spec)) {
        return { kind: 'name', name: `${(service.spec.externalName ?? '').replace(/\.$/, '')}.`, port: to };
      }
      const address = pick(service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? ''], family);
      if (address === undefined) throw new NotFound(`Service ${key} has no address of IPv${family}`);
      return target(await ofService(service, { address, by: 'clusterIP', wanted: to }, cluster));
    }
  }
}

async function noService(key: string, name: string, cluster: ClusterReader): Promise<string> {
  const same = (await cluster.services()).filter(({ metadata }) => metadata?.name === name).map(keyOf);
  return `Service ${key} does not exist${same.length > 0 ? `; there is ${same.join(', ')}` : ''}`;
}

/** A packet is translated once: one that a rule has sent to the address of another Service is translated no further. */
function withoutServices(choice: ServiceChoice, all: readonly Service[]): ServiceChoice {
  const owner = (address: string) =>
    all.find(({ spec }) => [spec?.clusterIP, ...(spec?.clusterIPs ?? [])].includes(address));
  const bad = choice.ends.find(({ address }) => owner(address) !== undefined);
  if (bad === undefined) return choice;
  const fault: HopFault = {
    code: 'EndpointIsService',
    message: `an endpoint of ${choice.hop.name}, ${bad.address}, is the clusterIP of Service ${keyOf(owner(bad.address)!)}: rules translate a packet once, so it goes nowhere`,
    remedy: 'name the addresses of the pods in the EndpointSlice; or make this one a Service of type ExternalName',
  };
  const ends = choice.ends.filter(({ address }) => owner(address) === undefined);
  if (ends.length === 0) return { ...choice, hop: { ...choice.hop, state: 'stops', fault }, ends };
  return choice.hop.fault ? choice : { ...choice, hop: { ...choice.hop, state: 'doubtful', fault } };
}

const pick = (all: readonly string[], family: 4 | 6 | undefined): string | undefined =>
  family === undefined ? all[0] : all.find((address) => address === 'None' || address.includes(':') === (family === 6));

interface ServiceAddress {
  readonly address: string;
  readonly by: NonNullable<Target['reachedBy']>;
  readonly wanted: PortOf;
  /** Known already, for a node port. */
  readonly port?: ServicePort;
}

async function ofService(
  service: Service,
  { address, by, wanted, port: known }: ServiceAddress,
  cluster: ClusterReader,
): Promise<Target> {
  const key = keyOf(service);
  const [namespace = ''] = key.split('/');
  const port = known ?? choosePort(service, wanted);
  const label = `Service ${key}`;
  const common = { label, address, service, reachedBy: by } as const;
  if (isFault(port)) {
    if (port.code === 'PortNotNamed') throw new BadRequest(`${port.message}: ${port.remedy}`);
    const asked = typeof wanted.port === 'number' ? { port: wanted.port } : {};
    return {
      ...common,
      ...asked,
      protocol: wanted.protocol ?? 'tcp',
      ends: [],
      hops: [faultHop('choice', label, port)],
    };
  }
  const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol;
  const ofNamespace = await cluster.pods(namespace);
  const workloads =
    service.spec?.selector && !selectsPod(service, ofNamespace) ? await cluster.workloads(namespace) : [];
  const objects = { service, slices: await cluster.slicesOf(key), pods: ofNamespace, workloads };
  const headless = service.spec !== undefined && isHeadless(service.spec);
  const family = headless ? 4 : address.includes(':') ? 6 : 4;
  const chosen = chooseEnds(objects, port, family);
  const { hop, ends } = withoutServices(chosen, await cluster.services());
  const number = by === 'nodePort' ? port.nodePort! : port.port;
  if (!headless) return { ...common, port: number, protocol, servicePort: port, ends, hops: [hop] };
  const [first] = ends;
  const untranslated = wanted.port === port.port ? ends.find((end) => end.port !== port.port) : undefined;
  if (untranslated) {
    const fault: HopFault = {
      code: 'NothingListens',
      message: `Service ${key} is headless: clients connect to the pod itself, and nothing translates port ${port.port} to the targetPort, ${untranslated.port}`,
      remedy: `use port ${untranslated.port} in the client; or give the Service a clusterIP`,
    };
    return { ...common, protocol, ends: [], hops: [faultHop('choice', label, fault, hop.facts)] };
  }
  return {
    ...common,
    reachedBy: 'endpoint',
    address: first?.address ?? '',
    port: first?.port ?? number,
    protocol,
    servicePort: port,
    ends,
    hops: [{ ...hop, facts: ['headless: its name is the addresses of its endpoints', ...hop.facts] }],
  };
}

function ofPod(pod: Pod, wanted: PortOf, family: 4 | 6 | undefined): Target {
  const key = keyOf(pod);
  const label = `pod ${key}`;
  const address = pick(podAddresses(pod), family);
  const port = typeof wanted.port === 'string' ? namedPort(pod, wanted.port) : wanted.port;
  const protocol = wanted.protocol ?? (port === undefined ? 'icmp' : 'tcp');
  const common = { label, protocol, ends: [], pod, ...(port === undefined ? {} : { port }) };
  if (address === undefined || pod.status?.phase !== 'Running') {
    const fault: HopFault = {
      code: 'NotRunning',
      message: `pod ${key} does not run: ${whyNotReady(pod)}`,
      remedy: `kubectl describe pod -n ${pod.metadata?.namespace} ${pod.metadata?.name}`,
    };
    return { ...common, address: address ?? '', hops: [faultHop('choice', label, fault)] };
  }
  return {
    ...common,
    address,
    hops: [{ kind: 'choice', name: label, state: 'passes', facts: [`${address} on node ${pod.spec?.nodeName}`] }],
  };
}

function namedPort(pod: Pod, name: string): number {
  for (const { ports = [] } of pod.spec?.containers ?? []) {
    const found = ports.find((port) => port.name === name);
    if (found) return found.containerPort;
  }
  throw new BadRequest(`pod ${keyOf(pod)} has no port named ${name}`);
}

/** The object that has this address and port: a Service by each of its kinds of addresses, a node port, a pod. */
export async function byAddress(address: string, wanted: PortOf, cluster: ClusterReader): Promise<Target> {
  const [allNodes, allServices] = await Promise.all([cluster.nodes(), cluster.services()]);
  for (const service of allServices) {
    const by = kindOfAddress(service, address);
    if (by) return ofService(service, { address, by, wanted }, cluster);
  }
  const protocol = wanted.protocol ?? (wanted.port === undefined ? 'icmp' : 'tcp');
  if (typeof wanted.port === 'string')
    throw new BadRequest(`${address}: a port of an address is a number, not ${wanted.port}`);
  const node = allNodes.find((one) => addressesOf(one).includes(address));
  const found = node && nodePort(allServices, wanted.port, protocol);
  if (found) return ofService(found.service, { address, by: 'nodePort', wanted, port: found.port }, cluster);
  const common = { address, protocol, ends: [], ...(wanted.port === undefined ? {} : { port: wanted.port }) };
  if (node) {
    const at = { node, address, port: wanted.port, protocol };
    const instead = otherHostPorts(at, await cluster.pods(''));
    const label = `node ${node.metadata?.name}`;
    return { ...common, label, hops: nodeHops(at, allServices), ...(instead === undefined ? {} : { instead }) };
  }
  const pod = (await cluster.pods('')).find((one) => podAddresses(one).includes(address) && !one.spec?.hostNetwork);
  return pod
    ? ofPod(pod, { ...wanted, protocol }, address.includes(':') ? 6 : 4)
    : { ...common, label: address, hops: [] };
}

function kindOfAddress({ spec, status }: Service, address: string): Target['reachedBy'] {
  if (spec?.clusterIP === address || spec?.clusterIPs?.includes(address)) return 'clusterIP';
  if (status?.loadBalancer?.ingress?.some(({ ip }) => ip === address)) return 'loadBalancer';
  return spec?.externalIPs?.includes(address) ? 'externalIP' : undefined;
}

function nodePort(all: readonly Service[], number: number | undefined, protocol: Protocol) {
  for (const service of all) {
    const port = service.spec?.ports?.find(
      (one) => one.nodePort === number && (one.protocol ?? 'TCP').toLowerCase() === protocol,
    );
    if (port && number !== undefined) return { service, port };
  }
  return undefined;
}

interface NodeEnd {
  readonly node: Node;
  readonly address: string;
  readonly port: number | undefined;
  readonly protocol: Protocol;
}

/** Pods that have the port as a hostPort, but not there: on another node, at another address, or of another protocol. */
function otherHostPorts({ node, address, port, protocol }: NodeEnd, pods: readonly Pod[]): string | undefined {
  for (const pod of port === undefined ? [] : pods) {
    for (const one of (pod.spec?.containers ?? []).flatMap(({ ports = [] }) => ports)) {
      if (one.hostPort !== port || pod.spec?.hostNetwork || pod.status?.phase !== 'Running') continue;
      const of = (one.protocol ?? 'TCP').toLowerCase();
      const what = `pod ${keyOf(pod)} has hostPort ${port}`;
      if (of !== protocol) return `${what} of ${of.toUpperCase()}`;
      if (pod.spec?.nodeName !== node.metadata?.name) return `${what} on node ${pod.spec?.nodeName}`;
      const { hostIP = '' } = one;
      if (!['', '0.0.0.0', '::', address].includes(hostIP)) return `${what} at ${hostIP} alone (hostIP)`;
    }
  }
  return undefined;
}

/** A port of the range of node ports that no Service has: most often a Service was asked for by its port, not its nodePort. */
function nodeHops({ node, port, protocol }: NodeEnd, all: readonly Service[]): readonly Hop[] {
  if (port === undefined || port < 30_000 || port > 32_767) return [];
  const other = all.find(({ spec }) => spec?.ports?.some(({ nodePort: number }) => number === port));
  const own = other?.spec?.ports?.find(({ nodePort: number }) => number === port)?.protocol?.toLowerCase();
  if (other && own !== undefined) {
    const message = `the node port ${port} of Service ${keyOf(other)} is one of ${own.toUpperCase()}, not of ${protocol.toUpperCase()}`;
    const remedy = `ask for it so: node/${node.metadata?.name}:${port}/${own}`;
    return [faultHop('choice', `node ${node.metadata?.name}`, { code: 'NoSuchNodePort', message, remedy })];
  }
  const have = all.flatMap((service) =>
    (service.spec?.ports ?? []).flatMap(({ nodePort: number }) => (number ? [`${number} (${keyOf(service)})`] : [])),
  );
  const message = `no Service has the node port ${port}; node ports in use: ${have.slice(0, 8).join(', ') || 'none'}`;
  return [
    faultHop('choice', `node ${node.metadata?.name}`, {
      code: 'NoSuchNodePort',
      message,
      remedy: 'kubectl get services -A',
    }),
  ];
}
