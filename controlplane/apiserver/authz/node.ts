// The node authorizer: a kubelet (user system:node:NAME in group system:nodes) reads and writes only what its own pods need.
// The NodeRestriction admission plug-in limits its writes further.
import { type Pod, persistentVolumes, pods, resourceSlices, volumeAttachments } from '../../api/index';
import { podReferences } from '../../api/pods/references';
import { nodeLabel } from '../../api/volumes/binding';
import { compositeKey } from '../../base/composite-key';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { UserInfo } from '../request';
import type { Asked, Authorizer, ResourceAttributes } from './authorizer';
import { componentRoles } from './policy/components';
import { on, read } from './policy/grammar';
import { type PolicyRule, ruleAllowsResource } from './rules';
import { labelRequirements } from './selectors';
import { VolumeSecrets } from './volume-secrets';

const prefix = 'system:node:';
const group = 'system:nodes';

/** The node whose kubelet the user is, '' for a kubelet without a node name; undefined for any other user. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(prefix) || !user.groups.includes(group)) return undefined;
  return user.name.slice(prefix.length);
}

const reads = new Set(['get', 'list', 'watch']);
const ownObject = new Set(['get', 'create', 'update', 'patch', 'delete']);
const leaseNamespace = 'kube-node-lease';

/** What every kubelet may do with resources that this file does not divide. */
const nodeRules = componentRoles['system:node']!;
/** Beyond upstream, for the networks of k8ts: each kubelet knows all nodes, and what pods may send. */
const sharedRules: readonly PolicyRule[] = [
  on('core', 'nodes namespaces', read),
  on('discovery.k8s.io', 'endpointslices', read),
  on('networking.k8s.io', 'networkpolicies', read),
];

/** True, or why not: '' where there is no more to say. */
type Decision = true | string;

/** Objects that the pods of one node refer to: key of kind, namespace and name → number of pods. */
type References = Map<string, number>;

export class NodeAuthorizer implements Authorizer {
  private readonly byNode = new Map<string, References>();

  private readonly volumeSecrets: VolumeSecrets;

  constructor(private readonly cache: Cache) {
    this.volumeSecrets = new VolumeSecrets(cache);
  }

  /** Resolves when all pods and volumes are known. */
  async start(signal: AbortSignal): Promise<void> {
    await this.volumeSecrets.start(signal);
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
    return this.decide(node, attributes) === true || sharedRules.some((rule) => ruleAllowsResource(rule, attributes));
  }

  explainDenial(user: UserInfo, asked: Asked): string {
    const node = nodeNameOf(user);
    if (node === undefined || 'path' in asked) return '';
    if (node === '') return `unknown node for user ${JSON.stringify(user.name)}`;
    const decision = this.decide(node, asked);
    return decision === true ? '' : decision;
  }

  private decide(node: string, attributes: ResourceAttributes): Decision {
    switch (`${attributes.group}/${attributes.resource}`) {
      case '/secrets':
      case '/configmaps':
        return this.readNamespaced(node, attributes);
      case '/persistentvolumeclaims':
        return attributes.subresource === 'status' ? this.claimStatus(node, attributes) : this.getOne(node, attributes);
      case '/persistentvolumes':
        return this.volume(node, attributes);
      case 'resource.k8s.io/resourceclaims':
      case 'storage.k8s.io/volumeattachments':
        return this.getOne(node, attributes);
      case '/serviceaccounts':
        return this.account(node, attributes);
      case 'coordination.k8s.io/leases':
        return lease(node, attributes);
      case 'storage.k8s.io/csinodes':
        return csiNode(node, attributes);
      case 'resource.k8s.io/resourceslices':
        return this.slice(node, attributes);
      case '/nodes':
        return nodeObject(node, attributes);
      case '/pods':
        return this.pod(node, attributes);
      default:
        return nodeRules.some((rule) => ruleAllowsResource(rule, attributes)) || '';
    }
  }

  private readNamespaced(node: string, attributes: ResourceAttributes): Decision {
    if (!reads.has(attributes.verb)) return 'can only read resources of this type';
    if (attributes.subresource !== '') return 'cannot read subresource';
    if (attributes.namespace === '') return 'can only read namespaced object of this type';
    return this.related(node, attributes);
  }

  private getOne(node: string, attributes: ResourceAttributes): Decision {
    if (attributes.verb !== 'get') return 'can only get individual resources of this type';
    if (attributes.subresource !== '') return 'cannot get subresource';
    return this.related(node, attributes);
  }

  /** Beyond upstream, a node removes the directories of its own volumes: it watches these by their label, and removes their finalizer. */
  private volume(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, name, labelSelector = '' } = attributes;
    if (subresource === '') {
      if (verb === 'list' || verb === 'watch') {
        const isOwn = labelRequirements(labelSelector).some(
          ({ key, operator, values }) =>
            key === nodeLabel && operator === 'In' && values?.length === 1 && values[0] === node,
        );
        if (isOwn) return true;
      }
      // NodeRestriction checks what is written.
      if ((verb === 'get' || verb === 'patch') && this.hasDirectory(node, name)) return true;
    }
    return this.getOne(node, attributes);
  }

  private hasDirectory(node: string, name: string): boolean {
    return this.cache.kind(persistentVolumes).get(name)?.object.metadata?.labels?.[nodeLabel] === node;
  }

  private claimStatus(node: string, attributes: ResourceAttributes): Decision {
    if (!['update', 'patch'].includes(attributes.verb)) return 'can only get/update/patch this type';
    return this.related(node, attributes);
  }

  private account(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, name } = attributes;
    if (verb === 'get' && subresource === '') return this.readNamespaced(node, attributes);
    if (verb !== 'create' || name === '') return 'can only create tokens for individual service accounts';
    if (subresource !== 'token') return 'can only create token subresource of serviceaccount';
    return this.related(node, attributes);
  }

  private slice(node: string, attributes: ResourceAttributes): Decision {
    if (attributes.subresource !== '') return 'cannot authorize ResourceSlice subresources';
    switch (attributes.verb) {
      // NodeRestriction checks the object.
      case 'create':
        return true;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.related(node, attributes);
      case 'list':
      case 'watch':
      case 'deletecollection':
        if (attributes.selectedNode === node) return true;
        return 'can only list/watch/deletecollection resourceslices with nodeName field selector';
      default:
        return (
          'only the following verbs are allowed for a ResourceSlice: ' +
          'get, watch, list, create, update, patch, delete, deletecollection'
        );
    }
  }

  /** A kubelet reads only pods bound to its node: a list or watch must select them. */
  private pod(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, selectedNode, selectedName } = attributes;
    if (subresource === 'status') return verb === 'update' || verb === 'patch' || '';
    if (subresource === 'eviction') return verb === 'create' || '';
    if (subresource !== '') return '';
    switch (verb) {
      case 'get':
        return this.getOne(node, attributes);
      case 'list':
      case 'watch':
        if (selectedNode === node) return true;
        return selectedName
          ? this.related(node, attributes)
          : 'can only list/watch pods with spec.nodeName field selector';
      default:
        return verb === 'create' || verb === 'delete' || '';
    }
  }

  private related(node: string, { resource, namespace, name, selectedName = '' }: ResourceAttributes): Decision {
    const target = name || selectedName;
    if (target === '') return 'No Object name found';
    return (
      this.isRelated(node, resource, namespace, target) ||
      `no relationship found between node '${node}' and this object`
    );
  }

  private isRelated(node: string, resource: string, namespace: string, name: string): boolean {
    switch (resource) {
      case 'secrets':
        return this.refers(node, resource, namespace, name) || this.usesSecret(node, namespace, name);
      case 'persistentvolumes':
        return this.usesVolume(node, name);
      case 'volumeattachments':
        return this.cache.kind(volumeAttachments).get(name)?.object.spec?.nodeName === node;
      case 'resourceslices':
        return this.cache.kind(resourceSlices).get(name)?.object.spec?.nodeName === node;
      case 'pods':
        return this.cache.kind(pods).get(`${namespace}/${name}`)?.object.spec?.nodeName === node;
      default:
        return this.refers(node, resource, namespace, name);
    }
  }

  allowsPath(): boolean {
    // RBAC allows discovery to all authenticated users.
    return false;
  }

  /** A pod of the node names the claim to which the volume is bound. */
  private usesVolume(node: string, name: string): boolean {
    const claim = this.cache.kind(persistentVolumes).get(name)?.object.spec?.claimRef;
    return this.refers(node, 'persistentvolumeclaims', claim?.namespace ?? '', claim?.name ?? '');
  }

  /** A pod of the node names a claim that is bound to a volume with the Secret. */
  private usesSecret(node: string, namespace: string, name: string): boolean {
    for (const claim of this.volumeSecrets.claimsWith(namespace, name))
      if (this.refers(node, 'persistentvolumeclaims', claim.namespace, claim.name)) return true;
    return false;
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

function lease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!ownObject.has(verb)) return 'can only get, create, update, patch, or delete a node lease';
  if (namespace !== leaseNamespace) return `can only access leases in the "${leaseNamespace}" system namespace`;
  // NodeRestriction checks the name of a new one, here and below.
  if (verb === 'create' || name === node) return true;
  return 'can only access node lease with the same name as the requesting node';
}

function csiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!ownObject.has(verb)) return 'can only get, create, update, patch, or delete a CSINode';
  if (subresource !== '') return 'cannot authorize CSINode subresources';
  if (verb === 'create' || name === node) return true;
  return 'can only access CSINode with the same name as the requesting node';
}

/** NodeRestriction checks which node is written. */
function nodeObject(node: string, { verb, subresource, name, selectedName = '' }: ResourceAttributes): Decision {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' || '';
  if (subresource !== '') return '';
  if (!reads.has(verb)) return ['create', 'update', 'patch'].includes(verb) || '';
  const target = name || selectedName;
  if (target === node) return true;
  if (target === '') return `node '${node}' cannot read all nodes, only its own Node object`;
  return `node '${node}' cannot read '${target}', only its own Node object`;
}

/** The objects a pod refers to, each once, as keys of References. */
function referenceKeys(pod: Pod): ReadonlySet<string> {
  const namespace = pod.metadata?.namespace ?? '';
  const claims = (pod.status?.resourceClaimStatuses ?? []).map(({ resourceClaimName = '' }) => ({
    resource: 'resourceclaims',
    name: resourceClaimName,
  }));
  return new Set(
    [...podReferences(pod), ...claims].map(({ resource, name }) => compositeKey(resource, namespace, name)),
  );
}
