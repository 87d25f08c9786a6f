// Downward API: fields of a pod and resources of a container as text. Pure.
// Source: kubernetes.io "Downward API" and the API reference of ObjectFieldSelector and ResourceFieldSelector.
import type { Pod } from '../../../controlplane/api';
import { parseQuantity } from '../../../controlplane/api/quantity';
import { BadRequest } from '../../../controlplane/base/errors';
import { findContainer } from './container';

/** Facts that only the node knows. */
export interface NodeFacts {
  readonly nodeIps: readonly string[];
  readonly podIps: readonly string[];
  /** Allocatable of the node, used for a limit that is not set: cpu in cores, memory in bytes. */
  readonly allocatable: Readonly<Record<string, number>>;
}

/** @throws BadRequest for a path that the downward API does not offer */
export function fieldValue(pod: Pod, path: string, facts: NodeFacts): string {
  const meta = pod.metadata ?? {};
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) return meta[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return meta.name ?? '';
    case 'metadata.namespace':
      return meta.namespace ?? '';
    case 'metadata.uid':
      return meta.uid ?? '';
    case 'metadata.labels':
      return renderMap(meta.labels);
    case 'metadata.annotations':
      return renderMap(meta.annotations);
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return facts.nodeIps[0] ?? '';
    case 'status.hostIPs':
      return facts.nodeIps.join(',');
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      throw new BadRequest(`unsupported fieldPath: ${path}`);
  }
}

/** One key="value" line per entry, sorted, values quoted. */
function renderMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

interface ResourceSelector {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string;
}

/** Rounded up to whole divisors, as Kubernetes does. @throws BadRequest */
export function resourceValue(pod: Pod, selector: ResourceSelector, containerName: string, facts: NodeFacts): string {
  const name = selector.containerName ?? containerName;
  const container = findContainer(pod, name);
  if (!container) throw new BadRequest(`container ${name} not found`);
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (!match) throw new BadRequest(`unsupported container resource : ${selector.resource}`);
  const [, kind, resource = ''] = match;
  const { limits, requests } = container.resources ?? {};
  const value = kind === 'limits' ? limitOf(pod, limits, resource, facts) : amount(requests?.[resource]);
  const divisor = amount(selector.divisor) || 1;
  return String(Math.ceil(Number((value / divisor).toFixed(6))));
}

/** The container's limit, else the pod's (KEP-2837), else what the node can give. Zero counts as absent. */
function limitOf(pod: Pod, own: Amounts | undefined, resource: string, { allocatable }: NodeFacts): number {
  const ofPod = resource === 'cpu' || resource === 'memory' ? pod.spec?.resources?.limits?.[resource] : undefined;
  return amount(own?.[resource]) || amount(ofPod) || (allocatable[resource] ?? 0);
}

type Amounts = Readonly<Record<string, string>>;
const amount = (text = '0'): number => Number(parseQuantity(text).nano) / 1e9;
