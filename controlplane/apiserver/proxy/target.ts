// Where a request for pods/NAME/proxy or services/NAME/proxy goes: to an address of a pod, and nowhere else. A user who writes
// endpoints must not reach other machines through this server.
import { endpointSlices } from '../../api/endpoint-slice';
import type { Pod } from '../../api/pod';
import { pods } from '../../api/pod';
import { services } from '../../api/service';
import { endpointState, serviceNameLabel, usableEndpoints } from '../../api/slices/facts';
import { validateDestination } from '../../api/validation/addresses';
import { BadRequest } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { podOf } from '../kubelet/target';
import { notFound, StatusError } from '../status';

export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

interface Name {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** A number or a name; '' when the request has none. */
  readonly port: string;
}

/** `name`, `name:port` or `scheme:name:port`. @throws BadRequest */
function parseName(id: string, noun: string): Name {
  const parts = id.split(':');
  const [scheme = '', name = '', port = ''] = parts.length > 2 ? parts : ['', ...parts];
  const readable = parts.length <= 3 && name !== '' && (scheme === '' || scheme === 'http' || scheme === 'https');
  if (!readable) throw new BadRequest(`invalid ${noun} request ${JSON.stringify(id)}`);
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}

const defaultPorts = { http: 80, https: 443 } as const;

/** @throws NotFound, BadRequest */
export function podTarget(cache: Cache, namespace: string, id: string): ProxyTarget {
  const { scheme, name, port } = parseName(id, 'pod');
  const pod = podOf(cache, namespace, name);
  const first = (pod.spec?.containers ?? []).flatMap(({ ports = [] }) => ports).at(0)?.containerPort;
  const host = allowed(pod.status?.podIP ?? pod.status?.podIPs?.[0]?.ip ?? '');
  if (port === '') return { scheme, host, port: first ?? defaultPorts[scheme] };
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new BadRequest(`invalid pod request ${JSON.stringify(id)}`);
  }
  return { scheme, host, port: number };
}

/** @throws NotFound, BadRequest, StatusError 503 when no endpoint can be used */
export function serviceTarget(cache: Cache, namespace: string, id: string, random: () => number): ProxyTarget {
  const { scheme, name, port } = parseName(id, 'service');
  const spec = cache.kind(services).get(`${namespace}/${name}`)?.object.spec;
  if (!spec) throw notFound(services, name);
  const numbered = /^\d+$/.test(port) ? (spec.ports ?? []).find((one) => one.port === Number(port)) : undefined;
  if (/^\d+$/.test(port) && !numbered) throw unavailable(`no service port ${port} found for service "${name}"`);
  const endpoints = endpointsOf(cache, namespace, name, numbered ? (numbered.name ?? '') : port);
  const chosen = endpoints[Math.floor(random() * endpoints.length)];
  if (!chosen) throw unavailable(`no endpoints available for service "${id}"`);
  const pod = chosen.pod === undefined ? undefined : cache.kind(pods).get(`${namespace}/${chosen.pod}`)?.object;
  if (!pod || !addressesOf(pod).includes(chosen.host)) {
    throw new StatusError(500, 'InternalError', `the endpoint ${chosen.host} is no address of a pod of the namespace`);
  }
  return { scheme, host: allowed(chosen.host), port: chosen.port };
}

function endpointsOf(cache: Cache, namespace: string, name: string, portName: string) {
  const slices = cache.kind(endpointSlices).current({
    namespace,
    matches: ({ metadata }) => metadata?.labels?.[serviceNameLabel] === name,
  });
  const all = slices.flatMap(({ object: { endpoints = [], ports = [] } }) => {
    const port = ports.find((one) => (one.name ?? '') === portName)?.port;
    if (port === undefined) return [];
    return endpoints.flatMap(({ addresses, conditions, targetRef }) =>
      addresses.slice(0, 1).map((host) => ({
        ...endpointState(conditions),
        host,
        port,
        pod: targetRef?.kind === 'Pod' && targetRef.namespace === namespace ? targetRef.name : undefined,
      })),
    );
  });
  return usableEndpoints(all);
}

const addressesOf = ({ status }: Pod): readonly string[] => [
  ...(status?.podIP ? [status.podIP] : []),
  ...(status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []),
];

/** No loopback, link-local, multicast or unspecified address. @throws BadRequest */
function allowed(address: string): string {
  if (address === '' || validateDestination(address, '').length > 0) throw new BadRequest('address not allowed');
  return address;
}

const unavailable = (message: string) => new StatusError(503, 'ServiceUnavailable', message);
