// From the backend of an Ingress to its endpoints: the Service, its port, and the endpoints that may be connected to. A missing object and a
// refused endpoint are reported with different reasons, because their reader has to look in different places. Pure.
import {
  type EndpointSlice,
  type EndpointState,
  endpointState,
  type Ingress,
  isLastResort,
  type Service,
} from '../../controlplane/api';
import type { BackendInput, BackendProtocol, Endpoint } from '../../dataplane/ingress/backends';
import { refusedName, unwrappedAddress } from '../../dataplane/ingress/destination';
import { refusedByName, refusedEndpoint, type Surroundings } from './reach';

export type Backend = NonNullable<NonNullable<Ingress['spec']>['defaultBackend']>;

export interface BackendWorld extends Surroundings {
  readonly service: (key: string) => Service | undefined;
}

/** What is wrong with a backend, for the author of the Ingress. */
export interface BackendTrouble {
  readonly reason: NonNullable<BackendInput['problem']>;
  readonly message: string;
}
export interface ResolvedBackend {
  readonly input: BackendInput;
  readonly trouble?: BackendTrouble;
}

/** A backend without endpoints keeps its rule, and requests get 503 with the reason. Undefined for a backend that is not a Service. */
export function resolveBackend(world: BackendWorld, namespace: string, backend: Backend): ResolvedBackend | undefined {
  const { service } = backend;
  if (!service) return undefined;
  const { name, number } = service.port ?? {};
  const serviceKey = `${namespace}/${service.name}`;
  const id = `${serviceKey}:${name === undefined ? number : nameInId(name)}`;
  const empty = (reason: BackendTrouble['reason'], message: string): ResolvedBackend => ({
    input: { id, protocol: 'http', endpoints: [], problem: reason },
    trouble: { reason, message },
  });
  const object = world.service(serviceKey);
  if (!object) return empty('ServiceNotFound', `Service ${serviceKey} does not exist`);
  const { type, externalName, ports, ipFamilies } = object.spec ?? {};
  const port = ports?.find((one) => (name === undefined ? one.port === number : one.name === name));
  const protocol = protocolOf(port?.appProtocol);
  if (type === 'ExternalName') {
    // An ExternalName Service needs no ports: without one, the number of the Ingress is the port to connect to.
    const target = port?.port ?? (ports?.length ? undefined : number);
    if (target === undefined) return empty('ServicePortNotFound', noPort(serviceKey, service.port));
    const reason = refusedExternal(world, externalName ?? '', target);
    if (reason) return empty('BackendRefused', `Service ${serviceKey} has externalName ${externalName}: ${reason}`);
    const address = unwrappedAddress(externalName!) ?? externalName!.toLowerCase().replace(/\.$/, '');
    return { input: { id, protocol, endpoints: [{ address, port: target }] } };
  }
  if (!port) return empty('ServicePortNotFound', noPort(serviceKey, service.port));
  const families = ipFamilies?.length ? ipFamilies : ['IPv4', 'IPv6'];
  const slices = world.slices(serviceKey);
  const { endpoints, refused } = allowedOnly(world, namespace, endpointsOf(slices, port.name ?? '', families));
  if (refused.length === 0) return { input: { id, protocol, endpoints } };
  const trouble: BackendTrouble = { reason: 'BackendRefused', message: `Service ${serviceKey}: ${refused.join('; ')}` };
  const input: BackendInput = { id, protocol, endpoints };
  return { input: endpoints.length > 0 ? input : { ...input, problem: 'BackendRefused' }, trouble };
}

/** Port names have a letter. A name of digits alone must not match the port of that number. */
const nameInId = (name: string): string => (/[a-z]/i.test(name) ? name : JSON.stringify(name));

const noPort = (serviceKey: string, port: { name?: string; number?: number } | undefined): string =>
  `Service ${serviceKey} has no port ${port?.name ?? port?.number}`;

function refusedExternal(world: BackendWorld, externalName: string, port: number): string | undefined {
  // For a name, its addresses are checked again at each connection.
  return unwrappedAddress(externalName) === undefined
    ? refusedName(externalName)
    : refusedByName(world, externalName, port);
}

/** How many refused endpoints a message names: there may be a thousand. */
const maxNamed = 3;

function allowedOnly(world: BackendWorld, namespace: string, all: readonly Endpoint[]) {
  const endpoints: Endpoint[] = [];
  const refused: string[] = [];
  let more = 0;
  for (const endpoint of all) {
    const reason = refusedEndpoint(world, namespace, endpoint.address, endpoint.port);
    if (!reason) endpoints.push(endpoint);
    else if (refused.length < maxNamed) refused.push(`endpoint ${endpoint.address}:${endpoint.port}: ${reason}`);
    else more++;
  }
  if (more > 0) refused.push(`and ${more} more`);
  return { endpoints, refused };
}

function protocolOf(appProtocol: string | undefined): BackendProtocol {
  return appProtocol === 'kubernetes.io/h2c' || appProtocol === 'grpc' ? 'h2c' : 'http';
}

/**
 * The ready endpoints; without any, those that terminate but still serve (KEP-1669). A dual-stack Service has each pod in the slices of
 * both families, so only the first family that has endpoints counts.
 */
function endpointsOf(slices: readonly EndpointSlice[], portName: string, families: readonly string[]): Endpoint[] {
  const found = families.map((family) => slices.filter(({ addressType }) => addressType === family));
  const choices = [({ ready }: EndpointState) => ready, isLastResort].flatMap((usable) =>
    found.map((ones) => collect(ones, portName, usable)),
  );
  return choices.find((endpoints) => endpoints.length > 0) ?? [];
}

function collect(
  slices: readonly EndpointSlice[],
  portName: string,
  usable: (state: EndpointState) => boolean,
): Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const slice of slices) {
    const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
    if (!port) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const [first] = addresses;
      if (first === undefined || !usable(endpointState(conditions))) continue;
      const address = unwrappedAddress(first) ?? first;
      endpoints.set(`${address}:${port}`, { address, port });
    }
  }
  return [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}
