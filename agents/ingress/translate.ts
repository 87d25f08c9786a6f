// API objects to the ingress proxy's input (pure): which Ingresses are ours, their rules, and per Service port used the
// ready endpoints. Also which Ingresses must show which addresses in their status.
import type { EndpointSlice, Ingress, IngressClass, Node, Secret, Service } from '../../controlplane/api';
import { objectKey } from '../../controlplane/api/types';
import type { BackendInput, BackendProtocol, Endpoint } from '../../dataplane/ingress/backends';
import type { DefaultRule, PathType, RouteRule } from '../../dataplane/ingress/routes';
import type { IngressConfig } from '../../dataplane/ingress/server';
import type { TlsInput } from '../../dataplane/ingress/tls';

export const CONTROLLER = 'k8ts.dev/ingress';
const DEFAULT_CLASS_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';
const LEGACY_CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const SERVICE_LABEL = 'kubernetes.io/service-name';

export interface World {
  /** The class name this controller serves even while no IngressClass object exists. */
  readonly className: string;
  readonly ingresses: readonly Ingress[];
  readonly classes: readonly IngressClass[];
  readonly service: (key: string) => Service | undefined;
  readonly slices: (serviceKey: string) => readonly EndpointSlice[];
  readonly secret: (key: string) => Secret | undefined;
}

type Backend = NonNullable<NonNullable<Ingress['spec']>['defaultBackend']>;

/** True when the Ingress names one of our classes, or none at all while one of ours is the default. */
export function isOurs(ingress: Ingress, classes: readonly IngressClass[], className: string): boolean {
  const mine = classes.filter((one) => one.spec?.controller === CONTROLLER);
  const name = ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.[LEGACY_CLASS_ANNOTATION];
  if (name === undefined) return mine.some((one) => one.metadata?.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true');
  return name === className || mine.some((one) => one.metadata?.name === name);
}

/** Sorted, so that equal objects give an equal configuration. */
export function translate(world: World): IngressConfig {
  const rules: RouteRule[] = [];
  const defaults: DefaultRule[] = [];
  const tls: TlsInput[] = [];
  const used = new Map<string, BackendInput>();
  const ours = world.ingresses.filter((one) => isOurs(one, world.classes, world.className));
  for (const ingress of ours.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))) {
    const key = objectKey(ingress);
    const createdMs = Date.parse(ingress.metadata?.creationTimestamp ?? '') || 0;
    const namespace = ingress.metadata?.namespace ?? 'default';
    const use = (backend: Backend | undefined): string | undefined => {
      const input = backend && resolveBackend(world, namespace, backend);
      if (input) used.set(input.id, input);
      return input?.id;
    };
    const fallback = use(ingress.spec?.defaultBackend);
    if (fallback) defaults.push({ ingress: key, createdMs, backend: fallback });
    for (const rule of ingress.spec?.rules ?? []) {
      for (const { path, pathType, backend } of rule.http?.paths ?? []) {
        const id = use(backend);
        if (!id) continue;
        rules.push({
          ingress: key,
          createdMs,
          host: rule.host ?? '',
          path: path || '/',
          pathType: pathType as PathType,
          backend: id,
        });
      }
    }
    tls.push(...tlsOf(world, namespace, ingress));
  }
  return { rules, defaults, tls, backends: [...used.values()] };
}

/** A backend whose Service or port is missing keeps its rule, without endpoints: the answer is then 503, not 404. */
function resolveBackend(world: World, namespace: string, { service }: Backend): BackendInput | undefined {
  if (!service) return undefined;
  const wanted = service.port?.name ?? service.port?.number;
  const serviceKey = `${namespace}/${service.name}`;
  const id = `${serviceKey}:${wanted}`;
  const object = world.service(serviceKey);
  const port = object?.spec?.ports?.find((one) => (service.port?.name ? one.name === wanted : one.port === wanted));
  if (!object || !port) return { id, protocol: 'http', endpoints: [] };
  const protocol = protocolOf(port.appProtocol);
  const { type, externalName } = object.spec ?? {};
  if (type === 'ExternalName' && externalName)
    return { id, protocol, endpoints: [{ address: externalName, port: port.port }] };
  const families = object.spec?.ipFamilies?.length ? object.spec.ipFamilies : ['IPv4', 'IPv6'];
  return { id, protocol, endpoints: endpointsOf(world.slices(serviceKey), port.name ?? '', families) };
}

function protocolOf(appProtocol: string | undefined): BackendProtocol {
  return appProtocol === 'kubernetes.io/h2c' || appProtocol === 'grpc' ? 'h2c' : 'http';
}

/**
 * The ready endpoints; where there is none, those that are terminating but still serve (KEP-1669). Of a dual-stack Service only
 * those of its first family that has some: each pod is in the slices of both, and would be taken for two.
 */
function endpointsOf(slices: readonly EndpointSlice[], portName: string, families: readonly string[]): Endpoint[] {
  const found = families.map((family) => slices.filter(({ addressType }) => addressType === family));
  const choices = [isReady, isLastResort].flatMap((usable) => found.map((ones) => collect(ones, portName, usable)));
  return choices.find((endpoints) => endpoints.length > 0) ?? [];
}

type Conditions = NonNullable<EndpointSlice['endpoints']>[number]['conditions'];

/** An absent `ready` means ready (EndpointConditions). */
const isReady = (conditions: Conditions): boolean => conditions?.ready !== false;
const isLastResort = (conditions: Conditions): boolean =>
  conditions?.serving === true && conditions.terminating === true;

function collect(
  slices: readonly EndpointSlice[],
  portName: string,
  usable: (conditions: Conditions) => boolean,
): Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const slice of slices) {
    const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
    if (!port) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const address = addresses[0];
      if (address && usable(conditions)) endpoints.set(`${address}:${port}`, { address, port });
    }
  }
  return [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

function tlsOf(world: World, namespace: string, ingress: Ingress): TlsInput[] {
  const ruleHosts = (ingress.spec?.rules ?? []).map((rule) => rule.host ?? '').filter((host) => host !== '');
  return (ingress.spec?.tls ?? []).flatMap(({ hosts, secretName }) => {
    const secret = secretName ? world.secret(`${namespace}/${secretName}`) : undefined;
    const { 'tls.crt': certificate, 'tls.key': key } = secret?.data ?? {};
    if (!secret || !certificate || !key) return [];
    return [
      {
        hosts: (hosts?.length ? hosts : ruleHosts).map((host) => host.toLowerCase()),
        certificate: Buffer.from(certificate, 'base64').toString(),
        key: Buffer.from(key, 'base64').toString(),
        secret: objectKey(secret),
      },
    ];
  });
}

export const serviceKeyOfSlice = (slice: EndpointSlice): string =>
  `${slice.metadata?.namespace}/${slice.metadata?.labels?.[SERVICE_LABEL] ?? ''}`;

/** The keys of Secrets that some TLS entry names. */
export function secretKeys(ingress: Ingress): string[] {
  const namespace = ingress.metadata?.namespace ?? 'default';
  return (ingress.spec?.tls ?? []).flatMap(({ secretName }) => (secretName ? [`${namespace}/${secretName}`] : []));
}

/** Ready nodes in name order: the first writes Ingress status, all of them are the addresses it shows. */
export function readyNodes(nodes: readonly Node[]): { name: string; ip: string }[] {
  return nodes
    .filter((node) => node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'))
    .map((node) => ({
      name: node.metadata?.name ?? '',
      ip: node.status?.addresses?.find((one) => one.type === 'InternalIP')?.address ?? '',
    }))
    .filter(({ ip }) => ip !== '')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The Ingresses of ours whose status does not show `ips` yet. */
export function planStatus(
  world: Pick<World, 'ingresses' | 'classes' | 'className'>,
  ips: readonly string[],
): Ingress[] {
  return world.ingresses.filter((ingress) => {
    if (!isOurs(ingress, world.classes, world.className) || ingress.metadata?.deletionTimestamp) return false;
    const shown = (ingress.status?.loadBalancer?.ingress ?? []).map((one) => one.ip);
    return shown.join() !== ips.join();
  });
}
