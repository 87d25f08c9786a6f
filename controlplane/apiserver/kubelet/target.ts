// Finds the kubelet of a pod or node, and lists the certificates with which the API server connects to it.

import { nodes, type Pod, pods } from '../../api/index';
import { allContainers } from '../../api/pods/facts';
import { BadRequest } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { notFound, StatusError } from '../status';

export interface KubeletClientOptions {
  /** PEM texts: the client certificate shown to kubelets, and the CA their certificates are checked with. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}
export interface KubeletTarget {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

const defaultPort = 10250;

/** @throws NotFound */
export function podOf(cache: Cache, namespace: string, name: string): Pod {
  const pod = cache.kind(pods).get(`${namespace}/${name}`)?.object;
  if (!pod) throw notFound(pods, name);
  return pod;
}

/** @throws BadRequest for a pod without a node, StatusError when the node has no address */
export function kubeletOf(cache: Cache, pod: Pod): KubeletTarget {
  const node = pod.spec?.nodeName;
  if (!node) throw new BadRequest(`pod ${pod.metadata?.name} does not have a host assigned`);
  return kubeletOfNode(cache, node);
}

/** @throws NotFound, StatusError */
export function kubeletOfNode(cache: Cache, name: string): KubeletTarget {
  const status = cache.kind(nodes).get(name)?.object.status;
  if (!status) throw new StatusError(500, 'InternalError', `nodes "${name}" not found`);
  const addresses = status.addresses ?? [];
  const host = ['InternalIP', 'ExternalIP', 'Hostname']
    .map((type) => addresses.find((address) => address.type === type)?.address)
    .find((address) => address !== undefined);
  if (!host) throw new StatusError(500, 'InternalError', `no preferred addresses found; known addresses: []`);
  return { node: name, host, port: status.daemonEndpoints?.kubeletEndpoint?.Port ?? defaultPort };
}

/**
 * The kubelet that nodes/ID/proxy means; an ID is a node's name, name:port or https:name:port, where the port is the
 * kubelet's: other ports of a node are not reached through this server. @throws BadRequest, StatusError
 */
export function kubeletOfId(cache: Cache, id: string): KubeletTarget {
  const parts = id.split(':');
  const [scheme, name, port] = parts.length > 2 ? parts : ['', ...parts];
  const readable = parts.length <= 3 && name && (scheme === '' || scheme === 'https');
  if (!readable) throw new BadRequest(`invalid node request ${JSON.stringify(id)}`);
  const target = kubeletOfNode(cache, name);
  if (port && port !== String(target.port)) throw new BadRequest(`invalid node request ${JSON.stringify(id)}`);
  return target;
}

/** The container of a request: the named one, the only one, or the default by annotation. @throws BadRequest */
export function containerOf(pod: Pod, asked: string): string {
  const { spec, metadata } = pod;
  const names = (spec?.containers ?? []).map(({ name }) => name);
  const inits = (spec?.initContainers ?? []).map(({ name }) => name);
  const extra = (spec?.ephemeralContainers ?? []).map(({ name }) => name);
  if (asked !== '') {
    if (!allContainers(spec ?? {}).some(({ name }) => name === asked)) {
      throw new BadRequest(`container ${asked} is not valid for pod ${metadata?.name}`);
    }
    return asked;
  }
  const preferred = metadata?.annotations?.['kubectl.kubernetes.io/default-container'];
  if (preferred && names.includes(preferred)) return preferred;
  if (names.length === 1 && inits.length === 0 && extra.length === 0) return names[0]!;
  if (names.length === 1) return names[0]!;
  const choices = `choose one of: [${names.join(' ')}]`;
  const also = inits.length > 0 ? ` or one of the init containers: [${inits.join(' ')}]` : '';
  throw new BadRequest(`a container name must be specified for pod ${metadata?.name}, ${choices}${also}`);
}
