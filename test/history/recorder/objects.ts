// Between API objects and what a history keeps of them. Pure.

import type { Seen } from '../model/history';
import type { Random } from '../random';

export const resources = ['configmaps', 'services'] as const;
export type Resource = (typeof resources)[number];
/** The namespaces of a history; objects elsewhere belong to the server itself. */
export const namespaces = ['a', 'b'] as const;

const annotation = 'value';
/** Makes some objects larger than a page of the store. */
const fillers = [0, 10, 100, 800];

// The parts of an API object that a history uses.
export interface ApiObject {
  readonly metadata?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: ServiceSpec;
}
interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol?: string;
  readonly nodePort?: number;
}
interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ports?: readonly ServicePort[];
}

/** /api/v1/namespaces/a/configmaps/x for configmaps/a/x; /api/v1/configmaps for configmaps/ */
export function pathOf(keyOrScope: string): string {
  const [resource, namespace, name] = keyOrScope.split('/');
  const collection = namespace ? `/api/v1/namespaces/${namespace}/${resource}` : `/api/v1/${resource}`;
  return name ? `${collection}/${name}` : collection;
}

const resourceOf = (scope: string): string => scope.split('/')[0]!;

/** Undefined for an object that is not of the history. */
export function seenOf(scope: string, { metadata = {}, data, spec }: ApiObject): Seen | undefined {
  const { namespace = '', name = '', uid = '', resourceVersion, annotations = {} } = metadata;
  if (!(namespaces as readonly string[]).includes(namespace)) return undefined;
  const value = annotations[annotation] ?? '';
  const isTorn = data?.['filler'] !== undefined && data['filler'] !== value.repeat(Number(data['times']));
  return {
    key: `${resourceOf(scope)}/${namespace}/${name}`,
    revision: Number(resourceVersion),
    value: isTorn ? `${value} with data of another write` : value,
    uid,
    ...(spec ? { claims: claimsOf(spec) } : {}),
  };
}

function claimsOf({ clusterIPs = [], ports = [] }: ServiceSpec): string[] {
  return [
    ...clusterIPs.filter((ip) => ip !== 'None').map((ip) => `clusterip/${ip}`),
    ...ports.flatMap(({ nodePort, protocol }) => (nodePort ? [`nodeport/${protocol ?? 'TCP'}/${nodePort}`] : [])),
  ];
}

/** Few, so that requests for one address or port meet. */
const wantedAddresses = ['10.96.0.10', '10.96.0.11', '10.96.0.12'];
const wantedPorts = [30_001, 30_002, 30_003, 30_004];

export function newObject(key: string, value: string, random: Random): ApiObject {
  const [resource, namespace, name] = key.split('/') as [Resource, string, string];
  const metadata = { namespace, name, annotations: { [annotation]: value } };
  if (resource === 'configmaps') return { metadata, data: dataOf(value, random) };
  const address = random.chance(0.2) ? { clusterIP: random.pick(wantedAddresses) } : {};
  return { metadata, spec: { type: random.pick(['ClusterIP', 'NodePort']), ...address, ports: portsOf(random) } };
}

/** The object with another value; a Service may get or give up node ports. */
export function changedObject(object: ApiObject, value: string, random: Random): ApiObject {
  const { metadata, data, spec } = object;
  const changed = { ...object, metadata: { ...metadata, annotations: { [annotation]: value } } };
  if (data) return { ...changed, data: dataOf(value, random) };
  if (random.chance(0.5)) return changed;
  const type = random.pick(['ClusterIP', 'NodePort']);
  const ports = random.chance(0.5) ? portsOf(random) : (spec?.ports ?? []);
  const plain = ports.map(({ nodePort, ...port }) => (type === 'NodePort' && nodePort ? { ...port, nodePort } : port));
  return { ...changed, spec: { ...spec, type, ports: plain } };
}

/** A merge patch that sets the value and, of a Service, nothing else. */
export function patchFor(key: string, value: string, random: Random): object {
  const metadata = { annotations: { [annotation]: value } };
  return key.startsWith('configmaps/') ? { metadata, data: dataOf(value, random) } : { metadata };
}

function dataOf(value: string, random: Random): Record<string, string> {
  const times = random.pick(fillers);
  return { filler: value.repeat(times), times: String(times) };
}

function portsOf(random: Random): ServicePort[] {
  return ['one', 'two'].slice(0, random.between(1, 2)).map((name, i) => {
    // A port that the server does not choose counts only for a Service with node ports.
    const wanted = random.chance(0.2) ? { nodePort: random.pick(wantedPorts) } : {};
    return { name, port: 80 + i, protocol: 'TCP', ...wanted };
  });
}
