// The node authorizer: a kubelet (user system:node:NAME in group system:nodes) reads and writes only what its own pods need.
// The NodeRestriction admission plug-in limits its writes further.
import { type Pod, persistentVolumes, pods, volumeAttachments } from '../../api/index';
import { podReferences } from '../../api/pods/references';
import { compositeKey } from '../../base/composite-key';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { UserInfo } from '../request';
import type { Asked, Authorizer, ResourceAttributes } from './authorizer';

const prefix = 'system:node:';
const group = 'system:nodes';

/** The node whose kubelet the user is, '' for a kubelet without a node name; undefined for any other user. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(prefix) || !user.groups.includes(group)) return undefined;
  return user.name.slice(prefix.length);
}

const reads = new Set(['get', 'list', 'watch']);
/** Resource → its groups: a custom or aggregated resource of the same name is another one. */
const groupsOf: Readonly<Record<string, readonly string[]>> = {
  certificatesigningrequests: ['certificates.k8s.io'],
  configmaps: [''],
  csidrivers: ['storage.k8s.io'],
  csinodes: ['storage.k8s.io'],
  endpointslices: ['discovery.k8s.io'],
  events: ['', 'events.k8s.io'],
  leases: ['coordination.k8s.io'],
  localsubjectaccessreviews: ['authorization.k8s.io'],
  namespaces: [''],
  networkpolicies: ['networking.k8s.io'],
  nodes: [''],
  persistentvolumeclaims: [''],
  persistentvolumes: [''],
  pods: [''],
  runtimeclasses: ['node.k8s.io'],
  secrets: [''],
  selfsubjectaccessreviews: ['authorization.k8s.io'],
  selfsubjectreviews: ['authentication.k8s.io'],
  selfsubjectrulesreviews: ['authorization.k8s.io'],
  serviceaccounts: [''],
  services: [''],
  subjectaccessreviews: ['authorization.k8s.io'],
  tokenreviews: ['authentication.k8s.io'],
  volumeattachments: ['storage.k8s.io'],
};

/** Every kubelet may read all objects of these kinds. */
const sharedReads = new Set([
  'services',
  'endpointslices',
  'runtimeclasses',
  'csidrivers',
  'namespaces',
  'networkpolicies',
]);

/** Kinds whose objects a kubelet reads only when one of its pods refers to them. */
const referenced = new Set(['secrets', 'configmaps', 'persistentvolumeclaims', 'persistentvolumes']);

/** Objects that the pods of one node refer to: key of kind, namespace and name → number of pods. */
type References = Map<string, number>;

export class NodeAuthorizer implements Authorizer {
  private readonly byNode = new Map<string, References>();

  constructor(private readonly cache: Cache) {}

  /** Resolves when all pods are known. */
  async start(signal: AbortSignal): Promise<void> {
    await followKind(
      this.cache,
      pods,
      (previous, current) => {
        if (previous?.spec?.nodeName) this.count(previous.spec.nodeName, previous, -1);
        if (current?.spec?.nodeName) this.count(current.spec.nodeName, current, 1);
      },
      signal,
    );
  }

  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean {
    const node = nodeNameOf(user);
    if (!node) return false;
    const { verb, resource, subresource, namespace, name, selectedName } = attributes;
    if (!Object.hasOwn(groupsOf, resource) || !groupsOf[resource]!.includes(attributes.group)) return false;
    const target = name !== '' ? name : (selectedName ?? '');
    switch (resource) {
      case 'secrets':
      case 'configmaps':
        return reads.has(verb) && subresource === '' && this.refers(node, resource, namespace, target);
      case 'persistentvolumeclaims':
        return this.allowsClaim(node, attributes);
      case 'persistentvolumes':
        return verb === 'get' && subresource === '' && this.usesVolume(node, name);
      case 'volumeattachments':
        return (
          verb === 'get' &&
          subresource === '' &&
          this.cache.kind(volumeAttachments).get(name)?.object.spec?.nodeName === node
        );
      // NodeRestriction checks the name of a new one.
      case 'csinodes':
        if (verb === 'create') return subresource === '';
        return subresource === '' && name === node && ['get', 'update', 'patch', 'delete'].includes(verb);
      case 'serviceaccounts':
        if (subresource === 'token') return verb === 'create' && this.refers(node, resource, namespace, target);
        return reads.has(verb) && subresource === '' && this.refers(node, resource, namespace, target);
      case 'leases':
        if (subresource !== '' || namespace !== 'kube-node-lease') return false;
        return verb === 'create' || (target === node && ['get', 'update', 'patch', 'delete'].includes(verb));
      case 'nodes':
        return this.allowsNode(node, attributes);
      case 'pods':
        return this.allowsPod(node, attributes);
      case 'events':
        return subresource === '' && ['create', 'patch', 'update'].includes(verb);
      // NodeRestriction refuses requests for certificates of other nodes.
      case 'certificatesigningrequests':
        return subresource === '' && (verb === 'create' || reads.has(verb));
      case 'tokenreviews':
      case 'subjectaccessreviews':
      case 'localsubjectaccessreviews':
      case 'selfsubjectaccessreviews':
      case 'selfsubjectrulesreviews':
      case 'selfsubjectreviews':
        return verb === 'create';
      default:
        // services/proxy is no read: it sends a request to a pod.
        return reads.has(verb) && subresource === '' && sharedReads.has(resource);
    }
  }

  /** For objects that a kubelet reads by a pod's reference. */
  explainDenial(user: UserInfo, asked: Asked): string {
    const node = nodeNameOf(user);
    if (!node || 'path' in asked || !referenced.has(asked.resource) || asked.subresource !== '') return '';
    if (!reads.has(asked.verb)) return 'can only read resources of this type';
    if (asked.name === '' && !asked.selectedName) return 'No Object name found';
    return `no relationship found between node '${node}' and this object`;
  }

  allowsPath(): boolean {
    // RBAC allows discovery to all authenticated users.
    return false;
  }

  private allowsNode(node: string, { verb, subresource, name }: ResourceAttributes): boolean {
    if (reads.has(verb)) return subresource === '';
    if (verb === 'create') return subresource === '';
    return name === node && ['update', 'patch'].includes(verb) && (subresource === '' || subresource === 'status');
  }

  /** A kubelet reads only pods bound to its node: a list or watch must select them. */
  private allowsPod(node: string, { verb, subresource, namespace, name, selectedNode }: ResourceAttributes): boolean {
    if (verb === 'list' || verb === 'watch') return subresource === '' && selectedNode === node;
    if (verb === 'get') {
      const pod = this.cache.kind(pods).get(`${namespace}/${name}`)?.object;
      return (subresource === '' || subresource === 'status') && pod?.spec?.nodeName === node;
    }
    if (subresource === 'status') return verb === 'update' || verb === 'patch';
    if (subresource === 'eviction') return verb === 'create';
    return subresource === '' && (verb === 'create' || verb === 'delete');
  }

  /** The kubelet reports in the status of a claim that its volume has grown. */
  private allowsClaim(node: string, { verb, resource, subresource, namespace, name }: ResourceAttributes): boolean {
    const verbs = subresource === 'status' ? ['get', 'update', 'patch'] : subresource === '' ? ['get'] : [];
    return verbs.includes(verb) && this.refers(node, resource, namespace, name);
  }

  /** A pod of the node names the claim to which the volume is bound. */
  private usesVolume(node: string, name: string): boolean {
    const claim = this.cache.kind(persistentVolumes).get(name)?.object.spec?.claimRef;
    return this.refers(node, 'persistentvolumeclaims', claim?.namespace ?? '', claim?.name ?? '');
  }

  private refers(node: string, resource: string, namespace: string, name: string): boolean {
    return name !== '' && (this.byNode.get(node)?.has(compositeKey(resource, namespace, name)) ?? false);
  }

  private count(node: string, pod: Pod, by: 1 | -1): void {
    let references = this.byNode.get(node);
    if (!references) {
      references = new Map();
      this.byNode.set(node, references);
    }
    for (const key of referenceKeys(pod)) {
      const count = (references.get(key) ?? 0) + by;
      if (count > 0) references.set(key, count);
      else references.delete(key);
    }
    if (references.size === 0) this.byNode.delete(node);
  }
}

/** The objects a pod refers to, each once, as keys of References. */
function referenceKeys(pod: Pod): ReadonlySet<string> {
  const namespace = pod.metadata?.namespace ?? '';
  return new Set(podReferences(pod).map(({ resource, name }) => compositeKey(resource, namespace, name)));
}
