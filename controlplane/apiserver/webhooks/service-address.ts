// Where the Service of a webhook is reached: one of its ready endpoints. The API server has no kube-proxy of its own in front of
// it that it could rely on, so it connects to the pod itself.
import { endpointSlices } from '../../api/endpoint-slice';
import { services } from '../../api/service';
import { endpointState, serviceNameLabel, usableEndpoints } from '../../api/slices/facts';
import type { Cache } from '../cache/cache';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** @throws Error with upstream's text when the Service, the port or a ready endpoint is missing */
export function resolveService(cache: Cache, { namespace, name, port }: ServicePort, random: () => number): Address {
  const spec = cache.kind(services).get(`${namespace}/${name}`)?.object.spec;
  if (!spec) throw new Error(`service ${JSON.stringify(name)} not found`);
  if (spec.type === 'ExternalName') return { host: spec.externalName ?? '', port };
  const found = (spec.ports ?? []).find((one) => one.port === port);
  if (!found) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const addresses = readyAddresses(cache, namespace, name, found.name ?? '');
  const chosen = addresses[Math.floor(random() * addresses.length)];
  if (!chosen) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

function readyAddresses(cache: Cache, namespace: string, name: string, portName: string): readonly Address[] {
  const slices = cache.kind(endpointSlices).current({
    namespace,
    matches: ({ metadata }) => metadata?.labels?.[serviceNameLabel] === name,
  });
  const all = slices.flatMap(({ object: { endpoints = [], ports = [] } }) => {
    const port = ports.find((one) => (one.name ?? '') === portName)?.port;
    if (port === undefined) return [];
    return endpoints.map(({ addresses, conditions }) => ({
      ...endpointState(conditions),
      host: addresses[0] ?? '',
      port,
    }));
  });
  return usableEndpoints(all.filter(({ host }) => host !== ''));
}
